// SPDX-License-Identifier: MIT
// A heap with wrappers around it: the program of docs/allocators.md.
#include <array>

#include <cairn/allocator.hpp>
#include <cairn/classic_heap.hpp>
#include <cairn/fault_injecting.hpp>
#include <cairn/hardened.hpp>
#include <cairn/monotonic_arena.hpp>
#include <cairn/print.hpp>
#include <cairn/quota.hpp>
#include <cairn/tracking.hpp>
#include <cairn/vector.hpp>

namespace {

using namespace cairn;

void show(void* /*context*/, const HeapFault& fault) {
    println("found by '{}': {}, block of {} bytes", fault.owner, fault.kind, fault.size);
}

void show(const BlockLedger& ledger) {
    FixedBuffer<512> text;
    ledger.report(text);
    print("{}", text.view());
}

/// Fills a vector until its owner's quota is used up.
template <ByteAllocator Source>
std::size_t fill(Source& source) {
    vector<int, allocator_ref<int, Source>> numbers{allocator_ref<int, Source>(source)};
    while (numbers.try_push_back(1)) {
    }
    return numbers.size();
}

void run(BumpAllocator& source) {
    ClassicHeap<FirstFit> heap(source);
    Hardened hardened(heap, "kernel", {show});
    BlockLedger ledger("kernel", {show});
    Tracking loader(hardened, ledger, "loader");
    Tracking guest(hardened, ledger, "guest");
    Quota quota(guest, "guest", 4096);

    println("{} numbers fit", fill(quota));
    println("{}", quota.account());

    std::byte* const block = loader.allocate({100}).value();
    block[100] = std::byte{1};  // one too far
    show(ledger);
    loader.deallocate(block, {100});
    loader.deallocate(block, {100});

    FaultInjecting faulty(quota, FaultPlan::from(2));
    MonotonicArena arena(faulty, 256);
    for (int i = 0; i < 3; ++i) {
        const auto name = arena.allocate({200});
        println("arena: {}", name ? "200 bytes" : to_string(name.error()));
    }
}

}  // namespace

int main() {
    alignas(16) static std::array<std::byte, std::size_t{256} << 10> memory;
    BumpAllocator source;
    if (!source.init({memory.data(), memory.size()})) return 1;
    run(source);
}
