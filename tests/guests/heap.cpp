// SPDX-License-Identifier: MIT
// Counts the instructions of this project's allocators on the bare machine, call and return
// included, with the traces of tests/bench. Meant for QEMU's `-icount`, where `instret` is exact.
// Arguments: STEPS [ALLOCATOR|loops|list [SIZES]]. Prints, with raw counts:
//
//     allocator NAME                 all there are
//     churn ALLOCATOR SIZES STEPS N  of STEPS calls (a tenth of what was asked for where an
//     allocator
//                                    searches), the loop around them included
//     worst ALLOCATOR TRACE A F      the dearest call to allocate and to free of that trace
//     loop NAME BASELINE N           of 10,000 rounds
//     heap: end
//
// `null` is measured like an allocator: tools/measure_heap.py subtracts it, and makes tables.
#include <algorithm>
#include <charconv>

#include <cairn/panic.hpp>
#include "tests/bench/churn.hpp"
#include "tests/bench/fill.hpp"
#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

using namespace bench;

// RAM of a machine with 1 GiB, behind this image.
std::byte* const scratch = reinterpret_cast<std::byte*>(0x8400'0000);
std::byte* const heap_base = reinterpret_cast<std::byte*>(0x9000'0000);
constexpr std::size_t region_size = std::size_t{100} << 20;
constexpr std::size_t filled_size = std::size_t{16} << 20;  // what a trace of worst calls fills
constexpr std::size_t most_blocks = std::size_t{4} << 20;
constexpr std::size_t least_steps = 2000;  // to warm up with
constexpr std::size_t loop_rounds = 10'000;

struct Request {
    std::size_t steps = 100'000;
    std::string_view allocator;
    std::string_view sizes;
};

std::array<void*, slots> blocks;

std::uint64_t instructions() {
    return csr_read<Csr::instret>();
}

std::span<Step> steps_of(Sizes sizes, std::size_t count, std::uint64_t seed) {
    const std::span<Step> steps(reinterpret_cast<Step*>(scratch), count);
    make_steps(sizes, steps, seed);
    return steps;
}

void start(const Allocator& allocator, std::size_t size) {
    if (allocator.start != nullptr) allocator.start({heap_base, size});
}

void measure_churn(const Allocator& allocator, Sizes sizes, std::size_t count) {
    start(allocator, region_size);
    std::ranges::fill(blocks, nullptr);
    churn(allocator, sizes, steps_of(sizes, std::max(count / 10, least_steps), 1), blocks);
    const auto steps = steps_of(sizes, count, 2);
    const std::uint64_t before = instructions();
    churn(allocator, sizes, steps, blocks);
    const std::uint64_t after = instructions();
    empty(allocator, blocks);
    println("churn {} {} {} {}", allocator.name, to_string(sizes), count, after - before);
}

/// Makes the calls, and keeps the dearest. A request that fails does not count.
class WorstCalls {
  public:
    explicit WorstCalls(const Allocator& allocator) : allocator_(allocator) {}

    void* allocate(Sizes sizes, std::uint32_t size) {
        void* block = nullptr;
        std::uint64_t before = 0;
        std::uint64_t after = 0;
        if (sizes == Sizes::pages) {
            const auto function = allocator_.allocate_aligned;
            before = instructions();
            block = function(page, size);
            after = instructions();
        } else {
            const auto function = allocator_.allocate;
            before = instructions();
            block = function(size);
            after = instructions();
        }
        if (block != nullptr) allocate_ = std::max(allocate_, after - before);
        return block;
    }

    void free(const Block& block) {
        const auto function = allocator_.free;
        const std::uint64_t before = instructions();
        function(block.at);
        free_ = std::max(free_, instructions() - before);
    }

    void print(std::string_view kind, std::string_view trace) const {
        println("worst {} {}{} {} {}", allocator_.name, kind, trace, allocate_, free_);
    }

  private:
    const Allocator& allocator_;
    std::uint64_t allocate_ = 0;
    std::uint64_t free_ = 0;
};

void churn_worst(const Allocator& allocator, Sizes sizes, std::size_t count) {
    start(allocator, region_size);
    WorstCalls calls(allocator);
    std::ranges::fill(blocks, nullptr);
    for (const Step& step : steps_of(sizes, count, 3)) {
        void*& block = blocks.at(step.slot);
        if (block != nullptr) {
            calls.free({block, 0});
            block = nullptr;
        } else {
            block = calls.allocate(sizes, step.size);
        }
    }
    empty(allocator, blocks);
    calls.print("churn-", to_string(sizes));
}

void fill_worst(const Allocator& allocator, std::string_view trace) {
    const std::size_t size = allocator.searches ? filled_size / 16 : filled_size;
    start(allocator, size);
    WorstCalls calls(allocator);
    Fill fill(calls, size, {reinterpret_cast<Block*>(scratch), most_blocks});
    require(fill_by_name(fill, trace), "there is no such trace");
    fill.free_all();
    calls.print("fill-", trace);
}

void measure_loop(const Loop& loop) {
    if (loop.start != nullptr) loop.start({heap_base, region_size});
    loop.run(loop_rounds);
    const std::uint64_t before = instructions();
    loop.run(loop_rounds);
    println("loop {} {} {}", loop.name, loop.baseline.empty() ? "-" : loop.baseline,
            instructions() - before);
}

Request parse(std::string_view arguments) {
    Request request;
    const auto* const end = arguments.data() + arguments.size();
    const auto number = std::from_chars(arguments.data(), end, request.steps);
    std::string_view rest(number.ptr, end);
    const auto word = [&rest] {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        const auto found = rest.substr(0, rest.find(' '));
        rest.remove_prefix(found.size());
        return found;
    };
    request.allocator = word();
    request.sizes = word();
    return request;
}

void measure(const Allocator& allocator, const Request& request) {
    const std::size_t steps = allocator.searches ? request.steps / 10 : request.steps;
    for (const Sizes sizes : all_sizes) {
        if (!request.sizes.empty() && request.sizes != to_string(sizes)) continue;
        if (!has_calls(allocator, sizes)) continue;
        measure_churn(allocator, sizes, steps);
        if (sizes <= Sizes::pages) churn_worst(allocator, sizes, steps);
    }
    if (!request.sizes.empty() || allocator.start == nullptr) return;
    for (const std::string_view trace : {"small", "medium", "wide", "pages", "shift"})
        fill_worst(allocator, trace);
}

}  // namespace

void run(std::string_view arguments) {
    const Request request = parse(arguments);
    println("heap: {} steps", request.steps);
    for (const Allocator& allocator : allocators()) {
        println("allocator {}", allocator.name);
        if (request.allocator.empty() || request.allocator == allocator.name)
            measure(allocator, request);
    }
    if (request.allocator.empty() || request.allocator == "loops")
        std::ranges::for_each(loops(), measure_loop);
    println("heap: end");
}

}  // namespace cairn::guest
