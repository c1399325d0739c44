// SPDX-License-Identifier: MIT
// "IPI Extension", with "Hart list parameter".
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

constexpr std::string_view what = "sPI send_ipi";
std::array<std::atomic<bool>, max_harts> arrived;

SbiResult send(std::uint64_t mask, std::uint64_t base) {
    return call(SbiExtension::ipi, SbiIpi::send_ipi, mask, base);
}

std::atomic<bool> sent = false;

/// Takes one interrupt if there is one, some time after it was sent.
void receive() {
    eventually([] { return sent.load(); });
    if (!takes(Interrupt::software, 50 * millisecond)) return;
    clear_software_interrupt();
    arrived[this_hart()] = true;
}

/// Sends, and looks at who gets it.
void check_delivery(std::string_view when, std::uint64_t mask, std::uint64_t base,
                    std::uint64_t expected) {
    for (std::size_t hart = 0; hart < world.harts; ++hart) {
        arrived[hart] = false;
        sent = false;
        if (hart != world.self) begin_job(hart, receive);
    }
    check_success(what, when, send(mask, base));
    sent = true;
    receive();
    std::uint64_t got = 0;
    for (std::size_t hart = 0; hart < world.harts; ++hart) {
        if (hart != world.self) check(what, "a job ends", job_is_done(hart));
        got |= std::uint64_t{arrived[hart]} << hart;
    }
    check_value(what, when, got, expected);
}

struct Refused {
    std::string_view when;
    std::uint64_t mask, base;
};

void check_refusals() {
    const std::uint64_t last = world.harts - 1;
    const Refused refused[]{
        {"one hart too many", std::uint64_t{1} << world.harts, 0},
        {"mask -1 at base 0", all_ones, 0},
        {"a good and a bad hart", 3, last},
        {"bit 63", std::uint64_t{1} << 63, 0},
        {"base beyond the harts, bit 0", 1, beyond_all_harts},
        {"base 2^63", 1, std::uint64_t{1} << 63},
        {"base -2", 1, all_ones - 1},
        {"base -2, hart ids that wrap around to hart 0", 4, all_ones - 1},
    };
    for (const Refused& each : refused)
        check_error(what, each.when, send(each.mask, each.base), {SbiError::invalid_param});
    clear_software_interrupt();  // whether the good harts of a bad mask get theirs is not said
}

/// "hart_mask_base does not need to be an enabled or supervisor available hartid unless the zeroth
/// bit of hart_mask is set."
void check_nobody() {
    check_success(what, "mask 0", send(0, 0));
    check_success(what, "mask 0 at a base beyond the harts", send(0, beyond_all_harts));
    check_success(what, "mask 0 at base -2", send(0, all_ones - 1));
    check(what, "mask 0 interrupts nobody", !takes(Interrupt::software, 5 * millisecond));
}

void check_self() {
    const std::uint64_t bit = std::uint64_t{1} << world.self;
    check_success(what, "to itself", send(bit, 0));
    check(what, "to itself", takes(Interrupt::software, patience));
    check(what, "it stays pending until sip.SSIP is cleared", is_pending(Interrupt::software));
    clear_software_interrupt();
    check(what, "sip.SSIP can be cleared", !is_pending(Interrupt::software));
    check_success(what, "to itself, base its id", send(1, world.self));
    check(what, "to itself, base its id", takes(Interrupt::software, patience));
    clear_software_interrupt();
}

void check_others() {
    const std::uint64_t all = (std::uint64_t{1} << world.harts) - 1;
    const std::uint64_t last = world.harts - 1;
    bool started = true;
    for (std::size_t n = 0; other(n) < max_harts; ++n)
        started &= start(other(n));
    if (!check(what, "the other harts start", started)) return;
    check_delivery("to all by mask", all, 0, all);
    check_delivery("to all by base -1", 0, all_ones, all);
    check_delivery("to all by base -1, mask ignored", all_ones, all_ones, all);
    check_delivery("to the last by mask", std::uint64_t{1} << last, 0, std::uint64_t{1} << last);
    check_delivery("to the last by base", 1, last, std::uint64_t{1} << last);
    check_delivery("to all but the first, base 1", all >> 1, 1, all & ~std::uint64_t{1});
    check_delivery("to the first and the last", 1 | std::uint64_t{1} << last, 0,
                   1 | std::uint64_t{1} << last);
    for (std::size_t n = 0; other(n) < max_harts; ++n)
        check(what, "the other harts stop", stop(other(n)));
}

}  // namespace

void check_ipi() {
    if (!begin_extension(SbiExtension::ipi, "IPI", 1)) return;
    check_self();
    check_nobody();
    check_refusals();
    if (world.harts < 2) return;
    // A stopped hart belongs to the implementation: reached or refused, both may be meant by
    // "available to the supervisor".
    check_error(what, "to a stopped hart", send(1, other(0)),
                {SbiError::success, SbiError::invalid_param});
    check_others();
}

}  // namespace cairn::guest::conformance
