// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/reports/kernel_fault.hpp"

#include "kernel/arch/isa/trap_cause.hpp"
#include "kernel/host/memory/memory_map.hpp"

namespace cairn {
namespace {

bool is_page_fault(std::uint64_t scause) {
    return scause == static_cast<std::uint64_t>(Exception::instruction_page_fault) ||
           scause == static_cast<std::uint64_t>(Exception::load_page_fault) ||
           scause == static_cast<std::uint64_t>(Exception::store_page_fault);
}

/// Whether `address` lies in the page below `stack`.
bool is_below(HostRange stack, HostPhys address) {
    return stack.size != 0 && HostRange{stack.base - frame_size, frame_size}.contains(address);
}

}  // namespace

std::string_view to_string(FaultKind kind) {
    switch (kind) {
        case FaultKind::other: return "fault";
        case FaultKind::stack_overflow: return "stack overflow";
        case FaultKind::null_pointer: return "null pointer access";
        case FaultKind::write_to_code: return "write to code";
        case FaultKind::write_to_constant: return "write to constants";
        case FaultKind::no_code: return "jump to what is no code";
        case FaultKind::no_access: return "access to what is not mapped or not to be written";
    }
    return "fault";
}

FaultKind classify_fault(const KernelFault& fault, const FaultSurroundings& where) {
    if (!is_page_fault(fault.scause)) return FaultKind::other;
    const Exception cause = exception_of(fault.scause);
    if (is_below(where.stack, fault.address) || is_below(where.stack, fault.sp)) {
        return FaultKind::stack_overflow;
    }
    if (fault.address.value < frame_size) return FaultKind::null_pointer;
    if (cause == Exception::instruction_page_fault) return FaultKind::no_code;
    if (cause == Exception::store_page_fault) {
        if (where.code.contains(fault.address)) return FaultKind::write_to_code;
        if (where.constants.contains(fault.address)) return FaultKind::write_to_constant;
    }
    return FaultKind::no_access;
}

}  // namespace cairn
