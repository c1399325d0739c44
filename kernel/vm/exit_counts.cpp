// SPDX-License-Identifier: MIT
#include "kernel/vm/exit_counts.hpp"

#include <algorithm>
#include <utility>

#include "kernel/arch/firmware/sbi.hpp"
#include "kernel/arch/isa/trap_cause.hpp"

namespace cairn {
namespace {

bool is_call(std::uint64_t scause) {
    return scause == static_cast<std::uint64_t>(Exception::ecall_from_vs);
}

bool is_page_fault(std::uint64_t scause) {
    return scause == static_cast<std::uint64_t>(Exception::load_guest_page_fault) ||
           scause == static_cast<std::uint64_t>(Exception::store_guest_page_fault) ||
           scause == static_cast<std::uint64_t>(Exception::instruction_guest_page_fault);
}

void print_call(Writer& out, const ExitCause& cause) {
    const auto extension = static_cast<SbiExtension>(cause.extension);
    const std::string_view function = sbi_function_name(extension, cause.function);
    print(out, "SBI {}", to_string(extension));
    if (!function.empty()) print(out, ": {}", function);
}

}  // namespace

ExitCause exit_cause(std::uint64_t scause, std::uint64_t extension, std::uint64_t function,
                     GuestPhys address, const GuestRange& ram,
                     std::span<const GuestDevice> devices) {
    if (is_call(scause)) return {.scause = scause, .extension = extension, .function = function};
    if (!is_page_fault(scause)) return {.scause = scause};
    if (ram.contains(address, 1)) return {.scause = scause, .device = "RAM"};
    for (const GuestDevice& device : devices) {
        if (device.block.contains(address, 1)) {
            return {.scause = scause, .device = device.kind->name};
        }
    }
    return {.scause = scause};
}

void print_cause(Writer& out, const ExitCause& cause) {
    if (is_call(cause.scause)) return print_call(out, cause);
    if (cause.scause == static_cast<std::uint64_t>(Exception::load_guest_page_fault)) {
        print(out, "load from {}", cause.device);
    } else if (cause.scause == static_cast<std::uint64_t>(Exception::store_guest_page_fault)) {
        print(out, "store to {}", cause.device);
    } else {
        print(out, "{}", trap_cause_name(cause.scause));
    }
}

void ExitCounts::add(const ExitCause& cause) {
    const SpinGuard guard(lock_);
    const std::span used(counts_.data(), size_);
    const auto found = std::ranges::find(used, cause, &Count::cause);
    if (found != used.end()) {
        ++found->exits;
    } else if (size_ < counts_.size()) {
        counts_[size_++] = {.cause = cause, .exits = 1};
    } else {
        ++others_;
    }
}

void ExitCounts::print(std::string_view vm_name) {
    const SpinGuard guard(lock_);
    std::span left(counts_.data(), size_);
    while (!left.empty()) {
        const auto most = std::ranges::max_element(left, {}, &Count::exits);
        std::swap(*most, left.front());
        FixedBuffer<96> words;
        print_cause(words, left.front().cause);
        println("vm {}: {} exits: {}", vm_name, left.front().exits, words.view());
        left = left.subspan(1);
    }
    if (others_ != 0) println("vm {}: {} exits: of other kinds", vm_name, others_);
}

}  // namespace cairn
