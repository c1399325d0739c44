// SPDX-License-Identifier: MIT
// What the files of the conformance guest share: SBI calls under watch, named checks, and other
// harts to do things on. The words are those of the specification's text, version 3.0; each file is
// about one of its chapters. Checks are made on the boot hart alone.
#pragma once

#include <array>
#include <atomic>
#include <initializer_list>

#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest::conformance {

inline constexpr std::size_t max_harts = 4;
inline constexpr std::uint64_t all_ones = ~std::uint64_t{0};
inline constexpr std::uint64_t beyond_all_harts = 1000;
/// A 32-bit argument with this above it is the same: "higher privilege software must ensure that it
/// only uses 32 bit data" ("Binary Encoding").
inline constexpr std::uint64_t high_garbage = 0xdead'beef'0000'0000;

/// One of a list of arguments, and its words for a check's name.
struct Named {
    std::string_view when;
    std::uint64_t value;
};
/// Ids of harts that do not exist.
std::array<Named, 4> bad_harts();

/// What runs the guest.
struct World {
    std::uint64_t version = 0;  ///< of the specification, as get_spec_version gives it
    std::uint64_t ram_base = 0, ram_end = 0;
    std::size_t harts = 0;
    std::size_t self = 0;         ///< the boot hart
    bool has_hypervisor = false;  ///< the H extension, by the device tree
    std::string_view skipped;     ///< risks that are not taken
    std::string_view only;        ///< the one risk to take, and nothing else
};
extern World world;
inline constexpr std::uint64_t version_2 = sbi_spec_version(2, 0);
inline constexpr std::uint64_t version_3 = sbi_spec_version(3, 0);

// --- calls --------------------------------------------------------------------------------------

/// An SBI call; every register but a0 and a1 must come back as it was.
SbiResult call_raw(std::uint64_t extension, std::uint64_t function,
                   std::array<std::uint64_t, 6> arguments = {});
template <class Function, class... Arguments>
SbiResult call(SbiExtension extension, Function function, Arguments... arguments) {
    return call_raw(static_cast<std::uint64_t>(extension), static_cast<std::uint64_t>(function),
                    {static_cast<std::uint64_t>(arguments)...});
}

/// A call that may come back at another place, with the registers of "Hart Resume Register State".
struct Resumed {
    SbiResult result;  ///< where it came back the ordinary way
    bool elsewhere = false;
    std::uint64_t a0 = 0, a1 = 0, satp = 0, sstatus = 0;
};
/// `arguments` without the address, which is the second one.
Resumed call_and_resume(SbiExtension extension, std::uint64_t function, std::uint64_t type,
                        std::uint64_t opaque);
/// The place that it gives.
std::uint64_t resume_address();
void check_resumed(std::string_view what, const Resumed& resumed, std::uint64_t opaque);

// --- checks -------------------------------------------------------------------------------------

/// `what` and `when` together name a check: "HSM hart_start", "a hart that has started".
bool check(std::string_view what, std::string_view when, bool holds);
bool check_value(std::string_view what, std::string_view when, std::uint64_t actual,
                 std::uint64_t expected);
bool check_error(std::string_view what, std::string_view when, SbiResult result,
                 std::initializer_list<SbiError> allowed);
bool check_success(std::string_view what, std::string_view when, SbiResult result);
/// Success with this value.
bool check_result(std::string_view what, std::string_view when, SbiResult result,
                  std::uint64_t value);

/// Whether to go on with the checks of an extension that has `functions` functions. What is beyond
/// them, and all of an extension that probes as absent, must be answered with "not supported".
bool begin_extension(SbiExtension extension, std::string_view name, std::uint64_t functions);

/// Whether to do what may end the machine where the implementation is wrong. The list of such risks
/// is in docs/sbi-conformance.md.
bool dares(std::string_view risk);
/// The arguments that name risks: skip=RISK,RISK... and only=RISK.
void set_risks(std::string_view word);

struct Total {
    unsigned checks, failures;
};
Total total();
void print_extensions();

// --- time and interrupts ------------------------------------------------------------------------

inline constexpr std::uint64_t millisecond = 10'000;  // ticks of `time` on QEMU's virt

inline std::uint64_t now() {
    return csr_read<Csr::time>();
}
inline constexpr std::uint64_t patience = 5000 * millisecond;

template <class Condition>
bool eventually(Condition condition, std::uint64_t ticks = patience) {
    for (const std::uint64_t begin = now(); !condition();) {
        if (now() - begin > ticks) return false;
    }
    return true;
}

enum class Interrupt : std::uint8_t { software = 1, timer = 5 };
/// Whether this hart takes the interrupt within `ticks`. It is still pending afterwards.
bool takes(Interrupt interrupt, std::uint64_t ticks);
inline bool is_pending(Interrupt interrupt) {
    return takes(interrupt, 0);
}
inline void clear_software_interrupt() {
    csr_clear<Csr::sip>(1 << 1);
}

// --- other harts --------------------------------------------------------------------------------

/// How a hart was when it began.
struct Arrival {
    std::uint64_t hart, opaque, satp, sstatus;
    std::atomic<unsigned> count;
};
extern std::array<Arrival, max_harts> arrivals;
/// Where harts are started.
std::uint64_t entry_address();

/// Starts a hart, and waits until it is there. Every use ends with stop.
bool start(std::size_t hart);
/// Has a started hart do `job` ...
void begin_job(std::size_t hart, void (*job)());
/// ... and waits until it has.
bool job_is_done(std::size_t hart);
bool run_on(std::size_t hart, void (*job)());
bool stop(std::size_t hart);
/// The n-th hart that is not this one, from 0; or max_harts.
std::size_t other(std::size_t n);
/// HSM's word for its state, or all_ones.
std::uint64_t state_of(std::size_t hart);
/// The hart on which this runs.
inline std::size_t this_hart() {
    return csr_read<Csr::sscratch>();
}
/// From now on this hart translates addresses, one to one (with a window of a page, see map).
void turn_paging_on(std::uint64_t asid = 0);
inline constexpr std::uint64_t window_base = 0x4000'0000;  ///< 512 pages, map decides what they are
void map(std::uint64_t page, const void* frame);

// --- chapters -----------------------------------------------------------------------------------

void check_base();
void check_legacy();
void check_time();
void check_ipi();
void check_rfence();
void check_hsm();
void check_srst();
void check_dbcn();
void check_pmu();
void check_susp();
void check_sta();
void check_cppc();
void check_nacl();
void check_sse();
void check_fwft();
void check_dbtr();
void check_mpxy();

}  // namespace cairn::guest::conformance
