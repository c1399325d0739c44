// SPDX-License-Identifier: MIT
// Compiled: small. Caches are refilled from it, seldom.
#include "cairn/heap_fault.hpp"

#include "cairn/print.hpp"

namespace cairn {

std::string_view to_string(HeapFaultKind kind) {
    switch (kind) {
        case HeapFaultKind::double_free: return "double free";
        case HeapFaultKind::foreign_pointer: return "foreign pointer";
        case HeapFaultKind::invalid_pointer: return "invalid pointer";
        case HeapFaultKind::wrong_size: return "wrong size";
        case HeapFaultKind::wrong_alignment: return "wrong alignment";
        case HeapFaultKind::corrupt_header: return "corrupt header";
        case HeapFaultKind::overflow: return "overflow";
        case HeapFaultKind::use_after_free: return "use after free";
        case HeapFaultKind::corrupt_free_list: return "corrupt free list";
        case HeapFaultKind::corrupt_page_table: return "corrupt page table";
        case HeapFaultKind::underflow: return "underflow";
    }
    return "unknown heap fault";
}

namespace {

/// What is said of the block, after "the block at ADDRESS (SIZE bytes) ".
std::string_view explanation(HeapFaultKind kind) {
    switch (kind) {
        case HeapFaultKind::double_free: return "is free already";
        case HeapFaultKind::foreign_pointer: return "does not belong to this heap";
        case HeapFaultKind::invalid_pointer: return "is none: no block starts there";
        case HeapFaultKind::wrong_size: return "has another size than it is given back with";
        case HeapFaultKind::wrong_alignment:
            return "has another alignment than it is given back with";
        case HeapFaultKind::corrupt_header: return "has a damaged header";
        case HeapFaultKind::overflow: return "was written past its end";
        case HeapFaultKind::use_after_free: return "was written to after it was freed";
        case HeapFaultKind::corrupt_free_list: return "has links that lead to no free block";
        case HeapFaultKind::corrupt_page_table: return "lies in pages whose descriptors disagree";
        case HeapFaultKind::underflow: return "was written before its start";
    }
    return "is wrong in an unknown way";
}

}  // namespace

void format_value(Writer& writer, const HeapFault& fault) {
    if (!fault.owner.empty()) print(writer, "heap '{}': ", fault.owner);
    print(writer, "{}: the block at {} ", to_string(fault.kind), fault.address);
    if (fault.size != 0) print(writer, "({} bytes) ", fault.size);
    print(writer, "{}", explanation(fault.kind));
}

void FaultHook::operator()(const HeapFault& fault) const {
    if (function == nullptr) panic_format("{}", fault);
    function(context, fault);
}

void FaultReporter::operator()(HeapFaultKind kind, const void* address, std::size_t size) const {
    ++count;
    hook({.kind = kind, .address = address, .size = size, .owner = owner});
}

}  // namespace cairn
