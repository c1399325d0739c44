// SPDX-License-Identifier: MIT
// The classical heap at work, step by step: the program of docs/classic-heap.md.
// Usage: classic_trace first|next|best
#include <array>
#include <string_view>

#include <cairn/classic_heap.hpp>
#include <cairn/print.hpp>

namespace {

using namespace cairn;

/// Hears of every step, and shows it.
struct Console final : Writer {
    void write(std::string_view text) override { print("{}", text); }
};

/// The block list, once a call is over.
void picture(const auto& heap) {
    FixedBuffer<256> line;
    heap.draw(line);
    println("        {}", line.view());
}

template <FitPolicy Fit>
int run() {
    alignas(16) static std::array<std::byte, 4096> memory;
    BumpAllocator source;
    if (!source.init({memory.data(), memory.size()})) return 1;
    Console console;
    ClassicHeap<Fit> heap(source, {.chunk_size = 1024});
    heap.set_trace(&console);
    const auto take = [&](std::size_t size) {
        std::byte* const block = heap.allocate({size}).value_or(nullptr);
        picture(heap);
        return block;
    };
    const auto give_back = [&](std::byte* block) {
        heap.deallocate(block);
        picture(heap);
    };

    println("{}", Fit::name);
    std::byte* const a = take(200);
    std::byte* const b = take(40);
    std::byte* const c = take(100);
    std::byte* const d = take(24);
    give_back(a);
    give_back(c);
    std::byte* const e = take(90);  // here the policies differ
    give_back(b);
    std::byte* const f = take(1000);
    give_back(d);
    give_back(e);
    give_back(f);
    return heap.statistics().free_blocks == 1 ? 0 : 1;
}

}  // namespace

int main(int argc, char* argv[]) {
    const std::string_view policy = argc == 2 ? argv[1] : "";
    if (policy == "first") return run<FirstFit>();
    if (policy == "next") return run<NextFit>();
    if (policy == "best") return run<BestFit>();
    println("Usage: classic_trace first|next|best");
    return 2;
}
