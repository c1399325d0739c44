// SPDX-License-Identifier: MIT
// What a heap found wrong, as a value, and the hook that hears of it.
//
// A fault is a bug of the program that uses the heap (or a stray write of another part of it),
// never a want of memory. The heap reports it and leaves the block alone: it is neither reused nor
// followed, so a hook that returns goes on with a leak instead of a corrupted heap. Hooks run with
// the heap's lock held: they must not call the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cairn/writer.hpp"

namespace cairn {

enum class HeapFaultKind : std::uint8_t {
    double_free,         ///< the block is free already
    foreign_pointer,     ///< the address does not belong to this heap
    invalid_pointer,     ///< the address lies in the heap, but no block starts there
    wrong_size,          ///< the size given back is not the block's
    wrong_alignment,     ///< the alignment given back is not the block's
    corrupt_header,      ///< the block's own header is damaged
    overflow,            ///< what follows the block is damaged: written past its end
    use_after_free,      ///< a free block was written to
    corrupt_free_list,   ///< a link of a free list leads to no free block
    corrupt_page_table,  ///< the descriptors of the pages contradict each other
    underflow,           ///< what precedes the block is damaged: written before its start
};

[[nodiscard]] std::string_view to_string(HeapFaultKind kind);

struct HeapFault {
    HeapFaultKind kind;
    const void* address = nullptr;  ///< of the block, or of the damaged word
    std::size_t size = 0;           ///< bytes of the block; 0 where not known
    std::string_view owner;         ///< the tag of the heap or of the block's owner; may be empty
};

/// As in: heap 'kernel': double free: the block at 0x8040a010 (48 bytes) is free already
void format_value(Writer& writer, const HeapFault& fault);

/// Where faults go: a function and what it is called with. Empty: `panic` with the sentence.
struct FaultHook {
    void (*function)(void* context, const HeapFault& fault) = nullptr;
    void* context = nullptr;

    void operator()(const HeapFault& fault) const;
};

/// A hook together with whose heap it is: what the parts of a heap report to.
struct FaultReporter {
    FaultHook hook;
    std::string_view owner;
    mutable std::uint64_t count = 0;  ///< faults so far

    void operator()(HeapFaultKind kind, const void* address, std::size_t size = 0) const;
};

/// Whether heaps look at what they are given. Only a build that measures what that costs does
/// without (CMake: CAIRN_HEAP_UNCHECKED).
#ifdef CAIRN_HEAP_UNCHECKED
inline constexpr bool heap_checks = false;
#else
inline constexpr bool heap_checks = true;
#endif

}  // namespace cairn
