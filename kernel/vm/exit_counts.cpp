// SPDX-License-Identifier: MIT
#include "kernel/vm/exit_counts.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "kernel/arch/sbi.hpp"
#include "kernel/arch/trap_cause.hpp"
#include "kernel/vm/guest_map.hpp"

namespace cairn {
namespace {

struct Device {
    GuestRange range;
    std::string_view name;
};
constexpr std::array devices{Device{guest_map::uart, "UART"}, Device{guest_map::plic, "PLIC"},
                             Device{guest_map::test_device, "power device"},
                             Device{guest_map::virtio_all, "virtio slot"}};

bool is_call(std::uint64_t scause) {
    return scause == static_cast<std::uint64_t>(Exception::ecall_from_vs);
}

bool is_page_fault(std::uint64_t scause) {
    return scause == static_cast<std::uint64_t>(Exception::load_guest_page_fault) ||
           scause == static_cast<std::uint64_t>(Exception::store_guest_page_fault) ||
           scause == static_cast<std::uint64_t>(Exception::instruction_guest_page_fault);
}

std::string_view device_name(std::uint64_t base) {
    for (const Device& device : devices) {
        if (device.range.base.value == base) return device.name;
    }
    return "nothing";
}

void print_call(Writer& out, const ExitCause& cause) {
    const auto extension = static_cast<SbiExtension>(cause.detail);
    const std::string_view function = sbi_function_name(extension, cause.function);
    print(out, "SBI {}", to_string(extension));
    if (!function.empty()) print(out, ": {}", function);
}

}  // namespace

ExitCause exit_cause(std::uint64_t scause, std::uint64_t extension, std::uint64_t function,
                     GuestPhys address) {
    if (is_call(scause)) return {.scause = scause, .detail = extension, .function = function};
    if (!is_page_fault(scause)) return {.scause = scause};
    for (const Device& device : devices) {
        if (device.range.contains(address, 1)) {
            return {.scause = scause, .detail = device.range.base.value};
        }
    }
    return {.scause = scause};
}

void print_cause(Writer& out, const ExitCause& cause) {
    if (is_call(cause.scause)) return print_call(out, cause);
    if (cause.scause == static_cast<std::uint64_t>(Exception::load_guest_page_fault)) {
        print(out, "load from {}", device_name(cause.detail));
    } else if (cause.scause == static_cast<std::uint64_t>(Exception::store_guest_page_fault)) {
        print(out, "store to {}", device_name(cause.detail));
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
