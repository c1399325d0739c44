// SPDX-License-Identifier: MIT
// The hypervisor's own command line (`-append` in QEMU, bootargs in /chosen): words of the form
// key=value. A word that is not known, has no such value, or has a key for the second time, stops
// the boot with a sentence.
//
//     heap=SIZE     use only so much of the heap region (K, M, G), for tests of small heaps
//     quota=SIZE    what each VM may have of the hypervisor's own memory, besides its RAM
//     gstage=MODE   sv39x4, sv48x4 or sv57x4 instead of the narrowest mode that the hart has
//     turn=MS       milliseconds after which a vCPU makes way for another that waits for its hart
//     exits=count   count by cause why guests leave, and say it at their end; makes exits slower
//     crash=HOW     fail on purpose once booted, for tests of the report (Crash has the ways)
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "kernel/arch/isa/stage2_mode.hpp"

namespace cairn {

/// How to fail on purpose.
enum class Crash : std::uint8_t {
    trap,                ///< a load from where nothing is
    panic,               ///< a broken invariant
    smash,               ///< a write beyond a local array, over the stack protector's canary
    overflow,            ///< recursion without end
    overflow_elsewhere,  ///< the same on another hart
    null,                ///< a load through a null pointer
    write_code,
    write_constant,
    execute_data,  ///< a jump to the heap
    amid_output,   ///< a panic behind output that still waits for the wire
};

/// The word behind `crash=`.
[[nodiscard]] std::string_view to_string(Crash crash);

struct BootOptions {
    std::optional<std::uint64_t> heap_size;  ///< bytes, not 0
    std::optional<std::uint64_t> vm_quota;   ///< bytes, not 0
    std::optional<Stage2Mode> stage2_mode;
    std::optional<std::uint64_t> turn_ms;  ///< 1 to 1000
    bool count_exits = false;
    bool trust_unused_ram = false;  ///< what nobody used since reset is given to guests as it is
    std::optional<Crash> crash;
};

/// What is expected instead of a word that is none of the options.
inline constexpr std::string_view known_boot_options =
    "heap=SIZE, quota=SIZE, gstage=MODE, scrub=WHAT, turn=MS, exits=count or crash=HOW";

/// A word that is wrong, and what would be right.
struct BootOptionError {
    std::string_view word;
    std::string_view expected;
};

/// Reads `arguments`; stops at the first word that is wrong.
[[nodiscard]] std::expected<BootOptions, BootOptionError> parse_boot_options(
    std::string_view arguments);

}  // namespace cairn
