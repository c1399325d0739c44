// SPDX-License-Identifier: MIT
// "CPPC Extension".
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

template <class... Arguments>
SbiResult cppc(SbiCppc function, Arguments... arguments) {
    return call(SbiExtension::cppc, function, arguments...);
}

constexpr std::uint64_t registers = 0x15;  // 0x15 to 0x7fffffff are reserved
constexpr std::uint64_t transition_latency = 0x8000'0000;

void check_register(std::uint64_t number) {
    const SbiResult probed = cppc(SbiCppc::probe, number);
    if (!check_success("CPPC probe", "a register of the list", probed)) return;
    check("CPPC probe", "a width or 0",
          probed.value == 0 || probed.value == 32 || probed.value == 64);
    const SbiResult read = cppc(SbiCppc::read, number);
    const SbiResult high = cppc(SbiCppc::read_hi, number);
    if (probed.value == 0) {
        check_error("CPPC read", "not implemented", read, {SbiError::not_supported});
        check_error("CPPC read_hi", "not implemented", high, {SbiError::not_supported});
        check_error("CPPC write", "not implemented", cppc(SbiCppc::write, number, 0u),
                    {SbiError::not_supported, SbiError::denied});
        return;
    }
    check_error("CPPC read", "implemented", read, {SbiError::success, SbiError::denied});
    if (high.ok()) check_value("CPPC read_hi", "0 where XLEN is 64", high.value, 0);
}

}  // namespace

void check_cppc() {
    if (!begin_extension(SbiExtension::cppc, "CPPC", 4)) return;
    for (std::uint64_t number = 0; number < registers; ++number)
        check_register(number);
    check_register(transition_latency);
    constexpr Named reserved[]{{"register 0x15, reserved", registers},
                               {"register 0x7fffffff, reserved", 0x7fff'ffff},
                               {"register 0x80000001, reserved", transition_latency + 1},
                               {"register 0xffffffff, reserved", 0xffff'ffff},
                               {"register 0x15 below garbage", registers | high_garbage}};
    for (const auto& [when, bad] : reserved) {
        check_error("CPPC probe", when, cppc(SbiCppc::probe, bad), {SbiError::invalid_param});
        check_error("CPPC read", when, cppc(SbiCppc::read, bad), {SbiError::invalid_param});
        check_error("CPPC read_hi", when, cppc(SbiCppc::read_hi, bad), {SbiError::invalid_param});
        check_error("CPPC write", when, cppc(SbiCppc::write, bad, 0u), {SbiError::invalid_param});
    }
}

}  // namespace cairn::guest::conformance
