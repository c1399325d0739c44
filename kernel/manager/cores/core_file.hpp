// SPDX-License-Identifier: MIT
// What a core file of a VM holds, as bytes: ELF64 (System V ABI, "Object Files"), with the notes of
// Linux's cores for RISC-V (asm/elf.h, asm/ptrace.h), a thread for each vCPU.
//
//     0      ELF header        written last: a file that was begun and not ended has none
//     4096   RAM               pages that are not zero, one behind the other
//     ...    notes             NT_PRSTATUS, NT_FPREGSET, ... of each vCPU; VMCOREINFO
//            program headers   PT_NOTE; PT_LOAD for each run of pages (CoreSegments)
//
// Pure. No locking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/bits.hpp>
#include <cairn/vector.hpp>
#include "kernel/arch/guest/guest_state.hpp"
#include "kernel/arch/guest/vcpu_context.hpp"
#include "kernel/manager/cores/core_segments.hpp"

namespace cairn {

using CoreBytes = vector<std::byte>;

/// `size`, or a little more: a multiple of `unit`. Sizes in memory, which do not wrap.
[[nodiscard]] constexpr std::size_t whole(std::size_t size, std::size_t unit) {
    return align_down(size + unit - 1, unit);
}

/// A vCPU as a thread of the core.
struct CoreThread {
    std::uint32_t number = 0;  ///< the vCPU's; threads count from 1
    std::uint8_t signal = 0;   ///< what "terminated" it, or 0
    const VcpuContext* context = nullptr;
    const GuestState* state = nullptr;
    std::uint32_t vector_register_bytes = 0;  ///< with parts.vector
};

/// Linux's note about itself ("vmcoreinfo"): a header of 12 bytes, its name, and lines of text.
inline constexpr std::size_t most_vmcoreinfo = 4096;
/// The note's bytes where `page` begins with one: Linux has it in pages of its own.
[[nodiscard]] std::optional<std::span<const std::byte>> find_vmcoreinfo(
    std::span<const std::byte> page);

/// Adds the notes of a thread; false where the heap has no room. The file's first note, besides
/// the first thread's, is the description of registers (gdb's NT_GDB_TDESC).
[[nodiscard]] bool add_thread_notes(CoreBytes& bytes, const CoreThread& thread);
[[nodiscard]] bool add_description_note(CoreBytes& bytes, bool fp);
/// Adds a note as it is.
[[nodiscard]] bool add_note(CoreBytes& bytes, std::span<const std::byte> note);
/// An upper bound for a thread's notes, in bytes.
[[nodiscard]] std::uint64_t most_thread_notes(std::uint32_t vector_register_bytes);
/// The same for the one description.
inline constexpr std::uint64_t most_description_note = 8192;

/// Adds the program headers: of the notes, `size` bytes at `offset`, and of the segments.
[[nodiscard]] bool add_program_headers(CoreBytes& bytes, std::uint64_t notes_offset,
                                       std::uint64_t notes_size, const CoreSegments& segments);
inline constexpr std::size_t program_header_size = 56;
inline constexpr std::size_t core_header_size = 64;
/// The file's first bytes; its program headers are at `offset`.
void write_core_header(std::span<std::byte, core_header_size> to, std::uint64_t offset,
                       std::size_t program_headers);

}  // namespace cairn
