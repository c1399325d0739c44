// SPDX-License-Identifier: MIT
#include "kernel/host/reports/kernel_fault.hpp"

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr FaultSurroundings where{.stack = {{0x9000'0000}, 0x1'0000},
                                  .constants = {{0x8000'0000}, 0x4000},
                                  .code = {{0x8000'0000}, 0x2000}};
constexpr std::uint64_t fetch = 12;
constexpr std::uint64_t load = 13;
constexpr std::uint64_t store = 15;

FaultKind kind(std::uint64_t scause, std::uint64_t address, std::uint64_t sp = 0x9000'8000) {
    return classify_fault({.scause = scause, .address = {address}, .sp = {sp}}, where);
}

TEST_CASE("what is no page fault is not explained", "[kernel_fault]") {
    for (const std::uint64_t scause : {0u, 1u, 2u, 5u, 7u, 9u, 20u, 21u, 23u}) {
        CHECK(kind(scause, 0) == FaultKind::other);
        CHECK(kind(scause, 0x8fff'fff8, 0x8fff'fff0) == FaultKind::other);
    }
    CHECK(kind(1ull << 63 | store, 0) == FaultKind::other);  // an interrupt
}

TEST_CASE("a stack overflow is told by the address, or by sp", "[kernel_fault]") {
    CHECK(kind(store, 0x8fff'fff8, 0x8fff'ff00) == FaultKind::stack_overflow);
    CHECK(kind(load, 0x8fff'f000) == FaultKind::stack_overflow);
    CHECK(kind(store, 0x7000'0000, 0x8fff'f010) == FaultKind::stack_overflow);
    CHECK(kind(store, 0x8fff'eff8) == FaultKind::no_access);
    CHECK(kind(store, 0x9000'0000) == FaultKind::no_access);
    const FaultSurroundings early{};  // a hart whose stack nobody has noted yet
    CHECK(classify_fault({.scause = store, .address = {~0xfffull}, .sp = {0}}, early) ==
          FaultKind::no_access);
}

TEST_CASE("faults are named by what was tried where", "[kernel_fault]") {
    CHECK(kind(load, 0) == FaultKind::null_pointer);
    CHECK(kind(fetch, 0) == FaultKind::null_pointer);
    CHECK(kind(store, 0xfff) == FaultKind::null_pointer);
    CHECK(kind(load, 0x1000) == FaultKind::no_access);
    CHECK(kind(store, 0x8000'1fff) == FaultKind::write_to_code);
    CHECK(kind(store, 0x8000'2000) == FaultKind::write_to_constant);
    CHECK(kind(store, 0x8000'4000) == FaultKind::no_access);
    CHECK(kind(load, 0x8000'2000) == FaultKind::no_access);
    CHECK(kind(fetch, 0x8000'2000) == FaultKind::no_code);
    CHECK(kind(fetch, 0xa000'0000) == FaultKind::no_code);
    CHECK(to_string(kind(fetch, 0xa000'0000)) == "jump to what is no code");
}

}  // namespace
}  // namespace cairn
