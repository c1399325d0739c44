// SPDX-License-Identifier: MIT
// What the SBI says of performance counters: events, flags and the form of counter_info. Facts
// only, towards the firmware and towards guests.
#pragma once

#include <cstdint>

#include <cairn/field.hpp>

namespace cairn {

// RISC-V Supervisor Binary Interface Specification 3.0, "Performance Monitoring Unit Extension",
// table "PMU Firmware Events". X(name, number, title)
#define CAIRN_SBI_FIRMWARE_EVENTS(X)                                 \
    X(misaligned_load, 0, "misaligned load trap")                    \
    X(misaligned_store, 1, "misaligned store trap")                  \
    X(access_load, 2, "load access trap")                            \
    X(access_store, 3, "store access trap")                          \
    X(illegal_insn, 4, "illegal instruction trap")                   \
    X(set_timer, 5, "set timer")                                     \
    X(ipi_sent, 6, "IPI sent")                                       \
    X(ipi_received, 7, "IPI received")                               \
    X(fence_i_sent, 8, "FENCE.I request sent")                       \
    X(fence_i_received, 9, "FENCE.I request received")               \
    X(sfence_vma_sent, 10, "SFENCE.VMA request sent")                \
    X(sfence_vma_received, 11, "SFENCE.VMA request received")        \
    X(sfence_vma_asid_sent, 12, "SFENCE.VMA with ASID request sent") \
    X(sfence_vma_asid_received, 13, "SFENCE.VMA with ASID request received")

#define CAIRN_ROW(name, number, title) name = (number),
/// Those that a guest without the H extension can cause; the hfence events, 14 to 21, are left out.
enum class SbiFirmwareEvent : std::uint8_t { CAIRN_SBI_FIRMWARE_EVENTS(CAIRN_ROW) };
#undef CAIRN_ROW
inline constexpr unsigned sbi_firmware_events = 14;

/// Table "PMU Event Type".
enum class SbiEventType : std::uint8_t {
    hardware = 0,
    cache = 1,
    raw = 2,
    raw_v2 = 3,
    firmware = 15,
};

/// event_idx: "Performance Monitoring Unit Extension", before its first table.
struct SbiEvent {
    using CODE = Field<15, 0, std::uint16_t>;
    using TYPE = Field<19, 16, SbiEventType>;
    static constexpr std::uint64_t reserved = ~std::uint64_t{0xf'ffff};
};

/// counter_info: "Function: Get details of a counter".
struct SbiCounterInfo {
    using CSR = Field<11, 0, std::uint16_t>;
    using WIDTH = Field<17, 12, std::uint8_t>;  ///< less one
    using FIRMWARE = Bit<63>;
};

/// config_flags: table "PMU Counter Config Match Flags".
struct SbiCounterConfig {
    static constexpr std::uint64_t skip_match = 1;
    static constexpr std::uint64_t clear_value = 2;
    static constexpr std::uint64_t auto_start = 4;
    // Counting is inhibited in ...
    static constexpr std::uint64_t vu_mode = 8;
    static constexpr std::uint64_t vs_mode = 16;
    static constexpr std::uint64_t u_mode = 32;
    static constexpr std::uint64_t s_mode = 64;
    static constexpr std::uint64_t m_mode = 128;
    static constexpr std::uint64_t reserved = ~std::uint64_t{255};
};

/// start_flags: table "PMU Counter Start Flags".
struct SbiCounterStart {
    static constexpr std::uint64_t set_value = 1;
    static constexpr std::uint64_t from_snapshot = 2;
    static constexpr std::uint64_t reserved = ~std::uint64_t{3};
};

/// stop_flags: table "PMU Counter Stop Flags".
struct SbiCounterStop {
    static constexpr std::uint64_t reset = 1;
    static constexpr std::uint64_t take_snapshot = 2;
    static constexpr std::uint64_t reserved = ~std::uint64_t{3};
};

}  // namespace cairn
