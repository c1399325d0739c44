// SPDX-License-Identifier: MIT
#include "kernel/vm/exits/exit_counts.hpp"

#include <algorithm>
#include <span>

namespace cairn {

void ExitCounts::add(const ExitCause& cause, std::uint32_t instructions) {
    const SpinGuard guard(lock_);
    const auto found = std::ranges::find(counts_, cause, &Count::cause);
    Count* const count = found != counts_.end() ? &*found : counts_.try_push_back({.cause = cause});
    if (count == nullptr) {
        ++others_;
        return;
    }
    ++count->exits;
    count->instructions += instructions;
    count->most = std::max(count->most, instructions);
}

/// Those that come most are found first from here on.
ExitCounts::Counts ExitCounts::sorted() {
    const SpinGuard guard(lock_);
    std::span<Count> left(counts_);
    for (; !left.empty(); left = left.subspan(1))
        std::swap(*std::ranges::max_element(left, {}, &Count::exits), left.front());
    return counts_;
}

std::uint64_t ExitCounts::others() {
    const SpinGuard guard(lock_);
    return others_;
}

void ExitCounts::print(std::string_view vm_name) {
    visit([&](const Count& count) {
        FixedBuffer<96> words;
        print_cause(words, count.cause);
        println("vm {}: {} exits: {}", vm_name, count.exits, words.view());
    });
    if (const std::uint64_t exits = others(); exits != 0)
        println("vm {}: {} exits: of other kinds", vm_name, exits);
}

}  // namespace cairn
