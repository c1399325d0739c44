// SPDX-License-Identifier: MIT
// What the specification says of the Supervisor Binary Interface: extension, function and error
// numbers. Facts only, used on both sides: Cairn calls its firmware with them
// (kernel/arch/firmware/sbi_call.hpp) and answers its guests with them. tests/checks compares the
// rows with a second source.
#pragma once

#include <cstdint>
#include <string_view>

namespace cairn {

// RISC-V Supervisor Binary Interface Specification 3.0. Each list names its chapter; the legacy
// extensions 0 to 8 are extension and function in one. X(name, number, title)

// The heading of each extension's chapter.
#define CAIRN_SBI_EXTENSIONS(X)                                                  \
    X(legacy_set_timer, 0x00, "legacy set timer")                                \
    X(legacy_console_putchar, 0x01, "legacy console putchar")                    \
    X(legacy_console_getchar, 0x02, "legacy console getchar")                    \
    X(legacy_clear_ipi, 0x03, "legacy clear IPI")                                \
    X(legacy_send_ipi, 0x04, "legacy send IPI")                                  \
    X(legacy_remote_fence_i, 0x05, "legacy remote FENCE.I")                      \
    X(legacy_remote_sfence_vma, 0x06, "legacy remote SFENCE.VMA")                \
    X(legacy_remote_sfence_vma_asid, 0x07, "legacy remote SFENCE.VMA with ASID") \
    X(legacy_shutdown, 0x08, "legacy system shutdown")                           \
    X(base, 0x10, "base")                                                        \
    X(time, 0x54494d45, "timer (TIME)")                                          \
    X(ipi, 0x735049, "inter-processor interrupt (sPI)")                          \
    X(rfence, 0x52464e43, "remote fence (RFNC)")                                 \
    X(hsm, 0x48534d, "hart state management (HSM)")                              \
    X(srst, 0x53525354, "system reset (SRST)")                                   \
    X(pmu, 0x504d55, "performance monitoring unit (PMU)")                        \
    X(dbcn, 0x4442434e, "debug console (DBCN)")                                  \
    X(susp, 0x53555350, "system suspend (SUSP)")                                 \
    X(cppc, 0x43505043, "collaborative processor performance control (CPPC)")    \
    X(nacl, 0x4e41434c, "nested acceleration (NACL)")                            \
    X(sta, 0x535441, "steal-time accounting (STA)")                              \
    X(sse, 0x535345, "supervisor software events (SSE)")                         \
    X(fwft, 0x46574654, "firmware features (FWFT)")                              \
    X(dbtr, 0x44425452, "debug triggers (DBTR)")                                 \
    X(mpxy, 0x4d505859, "message proxy (MPXY)")

// "Binary Encoding", standard SBI errors.
#define CAIRN_SBI_ERRORS(X)                        \
    X(success, 0, "completed successfully")        \
    X(failed, -1, "failed")                        \
    X(not_supported, -2, "not supported")          \
    X(invalid_param, -3, "invalid parameter")      \
    X(denied, -4, "denied or not allowed")         \
    X(invalid_address, -5, "invalid address")      \
    X(already_available, -6, "already available")  \
    X(already_started, -7, "already started")      \
    X(already_stopped, -8, "already stopped")      \
    X(no_shmem, -9, "shared memory not available") \
    X(invalid_state, -10, "invalid state")         \
    X(bad_range, -11, "bad range")                 \
    X(timeout, -12, "failed due to timeout")       \
    X(io, -13, "input/output error")               \
    X(denied_locked, -14, "denied or not allowed due to lock status")

// "Base Extension", function listing.
#define CAIRN_SBI_BASE(X)                                \
    X(get_spec_version, 0, "get specification version")  \
    X(get_impl_id, 1, "get implementation ID")           \
    X(get_impl_version, 2, "get implementation version") \
    X(probe_extension, 3, "probe extension")             \
    X(get_mvendorid, 4, "get machine vendor ID")         \
    X(get_marchid, 5, "get machine architecture ID")     \
    X(get_mimpid, 6, "get machine implementation ID")

// "Timer Extension" and "IPI Extension", function listings.
#define CAIRN_SBI_TIME(X) X(set_timer, 0, "set timer")
#define CAIRN_SBI_IPI(X) X(send_ipi, 0, "send IPI")

// "RFENCE Extension", function listing.
#define CAIRN_SBI_RFENCE(X)                                       \
    X(remote_fence_i, 0, "remote FENCE.I")                        \
    X(remote_sfence_vma, 1, "remote SFENCE.VMA")                  \
    X(remote_sfence_vma_asid, 2, "remote SFENCE.VMA with ASID")   \
    X(remote_hfence_gvma_vmid, 3, "remote HFENCE.GVMA with VMID") \
    X(remote_hfence_gvma, 4, "remote HFENCE.GVMA")                \
    X(remote_hfence_vvma_asid, 5, "remote HFENCE.VVMA with ASID") \
    X(remote_hfence_vvma, 6, "remote HFENCE.VVMA")

// "Hart State Management Extension", function listing, and its table of hart states.
#define CAIRN_SBI_HSM(X)                     \
    X(hart_start, 0, "hart start")           \
    X(hart_stop, 1, "hart stop")             \
    X(hart_get_status, 2, "hart get status") \
    X(hart_suspend, 3, "hart suspend")
#define CAIRN_SBI_HART_STATES(X)             \
    X(started, 0, "started")                 \
    X(stopped, 1, "stopped")                 \
    X(start_pending, 2, "start pending")     \
    X(stop_pending, 3, "stop pending")       \
    X(suspended, 4, "suspended")             \
    X(suspend_pending, 5, "suspend pending") \
    X(resume_pending, 6, "resume pending")

// "System Reset Extension", function listing, reset types and reset reasons.
#define CAIRN_SBI_SRST(X) X(system_reset, 0, "system reset")
#define CAIRN_SBI_RESET_TYPES(X)     \
    X(shutdown, 0, "shutdown")       \
    X(cold_reboot, 1, "cold reboot") \
    X(warm_reboot, 2, "warm reboot")
#define CAIRN_SBI_RESET_REASONS(X) \
    X(none, 0, "no reason")        \
    X(system_failure, 1, "system failure")

// "Performance Monitoring Unit Extension", function listing.
#define CAIRN_SBI_PMU(X)                                            \
    X(num_counters, 0, "get number of counters")                    \
    X(counter_get_info, 1, "get details of a counter")              \
    X(counter_config_matching, 2, "find and configure a counter")   \
    X(counter_start, 3, "start counters")                           \
    X(counter_stop, 4, "stop counters")                             \
    X(counter_fw_read, 5, "read a firmware counter")                \
    X(counter_fw_read_hi, 6, "read a firmware counter's high bits") \
    X(snapshot_set_shmem, 7, "set snapshot shared memory")          \
    X(event_get_info, 8, "get event info")

// "Debug Console Extension", function listing.
#define CAIRN_SBI_DBCN(X)                \
    X(console_write, 0, "console write") \
    X(console_read, 1, "console read")   \
    X(console_write_byte, 2, "console write byte")

// "System Suspend Extension" and "Steal-time Accounting Extension", function listings.
#define CAIRN_SBI_SUSP(X) X(system_suspend, 0, "system suspend")
#define CAIRN_SBI_STA(X) X(steal_time_set_shmem, 0, "set steal-time shared memory")

// "CPPC Extension", function listing.
#define CAIRN_SBI_CPPC(X)                           \
    X(probe, 0, "probe CPPC register")              \
    X(read, 1, "read CPPC register")                \
    X(read_hi, 2, "read CPPC register's high bits") \
    X(write, 3, "write CPPC register")

// "Nested Acceleration Extension", function listing.
#define CAIRN_SBI_NACL(X)                                  \
    X(probe_feature, 0, "probe feature")                   \
    X(set_shmem, 1, "set shared memory")                   \
    X(sync_csr, 2, "synchronize shared memory CSRs")       \
    X(sync_hfence, 3, "synchronize shared memory HFENCEs") \
    X(sync_sret, 4, "synchronize shared memory and emulate SRET")

// "Supervisor Software Events Extension", function listing.
#define CAIRN_SBI_SSE(X)                        \
    X(read_attrs, 0, "read event attributes")   \
    X(write_attrs, 1, "write event attributes") \
    X(register_event, 2, "register event")      \
    X(unregister_event, 3, "unregister event")  \
    X(enable_event, 4, "enable event")          \
    X(disable_event, 5, "disable event")        \
    X(complete, 6, "complete event handler")    \
    X(inject, 7, "inject event")                \
    X(hart_unmask, 8, "unmask hart's events")   \
    X(hart_mask, 9, "mask hart's events")

// "SBI Firmware Features Extension", function listing.
#define CAIRN_SBI_FWFT(X)    \
    X(set, 0, "set feature") \
    X(get, 1, "get feature")

#define CAIRN_ROW(name, number, title) name = (number),
/// Extension id, in a7. A value from a guest may be outside the list.
enum class SbiExtension : std::uint64_t { CAIRN_SBI_EXTENSIONS(CAIRN_ROW) };
/// Error code, in a0 on return; negative but for success.
enum class SbiError : std::int64_t { CAIRN_SBI_ERRORS(CAIRN_ROW) };
/// Function ids, in a6, an enum for each extension.
enum class SbiBase : std::uint64_t { CAIRN_SBI_BASE(CAIRN_ROW) };
enum class SbiTime : std::uint64_t { CAIRN_SBI_TIME(CAIRN_ROW) };
enum class SbiIpi : std::uint64_t { CAIRN_SBI_IPI(CAIRN_ROW) };
enum class SbiRfence : std::uint64_t { CAIRN_SBI_RFENCE(CAIRN_ROW) };
enum class SbiHsm : std::uint64_t { CAIRN_SBI_HSM(CAIRN_ROW) };
enum class SbiSrst : std::uint64_t { CAIRN_SBI_SRST(CAIRN_ROW) };
enum class SbiPmu : std::uint64_t { CAIRN_SBI_PMU(CAIRN_ROW) };
enum class SbiDbcn : std::uint64_t { CAIRN_SBI_DBCN(CAIRN_ROW) };
enum class SbiSusp : std::uint64_t { CAIRN_SBI_SUSP(CAIRN_ROW) };
enum class SbiSta : std::uint64_t { CAIRN_SBI_STA(CAIRN_ROW) };
enum class SbiCppc : std::uint64_t { CAIRN_SBI_CPPC(CAIRN_ROW) };
enum class SbiNacl : std::uint64_t { CAIRN_SBI_NACL(CAIRN_ROW) };
enum class SbiSse : std::uint64_t { CAIRN_SBI_SSE(CAIRN_ROW) };
enum class SbiFwft : std::uint64_t { CAIRN_SBI_FWFT(CAIRN_ROW) };
enum class SbiHartState : std::uint64_t { CAIRN_SBI_HART_STATES(CAIRN_ROW) };
enum class SbiResetType : std::uint32_t { CAIRN_SBI_RESET_TYPES(CAIRN_ROW) };
enum class SbiResetReason : std::uint32_t { CAIRN_SBI_RESET_REASONS(CAIRN_ROW) };
#undef CAIRN_ROW

/// What an SBI call returns: error in a0, value in a1. Legacy calls return in a0 alone.
struct SbiResult {
    long error = 0;
    unsigned long value = 0;

    constexpr bool operator==(const SbiResult&) const = default;
    [[nodiscard]] constexpr SbiError code() const { return static_cast<SbiError>(error); }
    [[nodiscard]] constexpr bool ok() const { return error == 0; }
};

[[nodiscard]] constexpr SbiResult sbi_success(unsigned long value = 0) {
    return {0, value};
}
[[nodiscard]] constexpr SbiResult sbi_error(SbiError error) {
    return {static_cast<long>(error), 0};
}

/// get_spec_version's value: "Base Extension", major in bits 30:24, minor in 23:0.
[[nodiscard]] constexpr std::uint64_t sbi_spec_version(std::uint32_t major, std::uint32_t minor) {
    return (std::uint64_t{major & 0x7f} << 24) | (minor & 0xff'ffff);
}

/// Words for a log; a value that the specification does not list is named as that.
[[nodiscard]] std::string_view to_string(SbiExtension extension);
[[nodiscard]] std::string_view to_string(SbiError error);
[[nodiscard]] std::string_view to_string(SbiHartState state);
[[nodiscard]] std::string_view to_string(SbiResetType type);
[[nodiscard]] std::string_view to_string(SbiResetReason reason);
/// The function's words, such as "hart start"; empty where the list has none.
[[nodiscard]] std::string_view sbi_function_name(SbiExtension extension, std::uint64_t function);

}  // namespace cairn
