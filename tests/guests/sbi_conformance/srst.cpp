// SPDX-License-Identifier: MIT
// "System Reset Extension": what must be refused. What must not ends the guest
// (sbi_conformance.cpp).
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

struct Refused {
    std::string_view when;
    std::uint64_t type, reason;
};

constexpr Refused refused[]{
    {"type 3, reserved", 3, 0},
    {"type 0xefffffff, reserved", 0xefff'ffff, 0},
    {"type 0xf0000000, of a platform", 0xf000'0000, 0},
    {"type 0xffffffff, of a platform", 0xffff'ffff, 0},
    {"type 3 below garbage", 3 | high_garbage, 0},
    {"type and reason reserved", 0x1234, 0x1234},
};
constexpr Refused bad_reasons[]{
    {"reason 2, reserved", 0, 2},
    {"reason 0xdfffffff, reserved", 0, 0xdfff'ffff},
    {"reason 0xe0000000, of an implementation", 0, 0xe000'0000},
    {"reason 0xffffffff, of a platform", 0, 0xffff'ffff},
};

}  // namespace

void check_srst() {
    if (!begin_extension(SbiExtension::srst, "SRST", 1)) return;
    for (const auto& [when, type, reason] : refused)
        check_error("SRST system_reset", when,
                    call(SbiExtension::srst, SbiSrst::system_reset, type, reason),
                    {SbiError::invalid_param});
    for (const auto& [when, type, reason] : bad_reasons)
        check_error("SRST system_reset", when,
                    call(SbiExtension::srst, SbiSrst::system_reset, type, reason),
                    {SbiError::invalid_param});
}

}  // namespace cairn::guest::conformance
