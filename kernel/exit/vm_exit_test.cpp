// SPDX-License-Identifier: MIT
#include "kernel/exit/vm_exit.hpp"

#include <rapidcheck.h>

#include <map>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::uint64_t interrupt = 1ull << 63;

// "Hypervisor" chapter, table of cause codes: what is not delegated and can reach HS-mode from V=1,
// but for loads and stores.
const std::map<std::uint64_t, ExitKind> expected{
    {3, ExitKind::breakpoint},
    {4, ExitKind::misaligned_access},
    {6, ExitKind::misaligned_access},
    {10, ExitKind::supervisor_call},
    {20, ExitKind::fetch_page_fault},
    {22, ExitKind::virtual_instruction},
    {interrupt | 1, ExitKind::software_interrupt},
    {interrupt | 5, ExitKind::timer_interrupt},
    {interrupt | 9, ExitKind::external_interrupt},
};

ExitKind kind_of(std::uint64_t scause) {
    const auto found = expected.find(scause);
    return found == expected.end() ? ExitKind::unexpected : found->second;
}

}  // namespace

TEST_CASE("every cause has its kind, and all others are unexpected", "[vm_exit]") {
    for (std::uint64_t code = 0; code < 64; ++code) {
        INFO("code " << code);
        CHECK(classify_exit(code) == kind_of(code));
        CHECK(classify_exit(interrupt | code) == kind_of(interrupt | code));
    }
    // Bits above the known codes are part of the code.
    CHECK(classify_exit(10 | 1ull << 32) == ExitKind::unexpected);
    CHECK(classify_exit(interrupt | 5 | 1ull << 62) == ExitKind::unexpected);
    CHECK(rc::check("any scause has a kind", [](std::uint64_t scause) {
        RC_ASSERT(classify_exit(scause) == kind_of(scause));
    }));
}

TEST_CASE("the faulting address is htval's, with stval's two lowest bits", "[vm_exit]") {
    CHECK(faulting_address({.stval = 0xffff'ffc0'0000'0003, .htval = 0x1000'0000 >> 2}) ==
          GuestPhys{0x1000'0003});
    CHECK(faulting_address({.stval = 0x1004, .htval = 0x1000'0004 >> 2}) == GuestPhys{0x1000'0004});
    // Sv57x4 has guest physical addresses of 59 bits.
    const std::uint64_t highest = (1ull << 59) - 1;
    CHECK(faulting_address({.stval = 3, .htval = highest >> 2}) == GuestPhys{highest});
}
