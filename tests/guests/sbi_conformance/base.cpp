// SPDX-License-Identifier: MIT
// "Base Extension", and of "Binary Encoding" what is about unknown extensions.
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

void check_probe(std::string_view when, std::uint64_t extension, bool present) {
    const SbiResult result = call(SbiExtension::base, SbiBase::probe_extension, extension);
    if (!check_success("BASE probe_extension", when, result)) return;
    check("BASE probe_extension", when, (result.value != 0) == present);
}

void check_nothing_at(std::string_view when, std::uint64_t extension) {
    check_probe(when, extension, false);
    check_error("a call", when, call_raw(extension, 0), {SbiError::not_supported});
    check_error("a call", when, call_raw(extension, 1), {SbiError::not_supported});
}

/// "Returns the current SBI specification version": bit 31 and above must be 0.
void check_version() {
    const SbiResult version = call(SbiExtension::base, SbiBase::get_spec_version);
    check_success("BASE get_spec_version", "it always succeeds", version);
    check_value("BASE get_spec_version", "bits 63:31", version.value >> 31, 0);
    check("BASE get_spec_version", "0.2 or later", version.value >= sbi_spec_version(0, 2));
    const SbiResult again =
        call(SbiExtension::base, SbiBase::get_spec_version, all_ones, all_ones, all_ones);
    check_result("BASE get_spec_version", "registers that are no arguments", again, version.value);
}

}  // namespace

void check_base() {
    begin_extension(SbiExtension::base, "BASE", 7);
    check_version();
    check_success("BASE get_impl_id", "", call(SbiExtension::base, SbiBase::get_impl_id));
    check_success("BASE get_impl_version", "", call(SbiExtension::base, SbiBase::get_impl_version));
    const SbiResult vendor = call(SbiExtension::base, SbiBase::get_mvendorid);
    check_success("BASE get_mvendorid", "", vendor);
    check_value("BASE get_mvendorid", "a CSR of 32 bits", vendor.value >> 32, 0);
    check_success("BASE get_marchid", "", call(SbiExtension::base, SbiBase::get_marchid));
    check_success("BASE get_mimpid", "", call(SbiExtension::base, SbiBase::get_mimpid));
    check_probe("BASE itself", 0x10, true);
    check_nothing_at("a reserved legacy extension (9)", 0x9);
    check_nothing_at("a reserved legacy extension (15)", 0xf);
    check_nothing_at("an extension after BASE (0x11)", 0x11);
    check_nothing_at("an experimental extension", 0x0800'0000);
    check_nothing_at("extension 0x7fffffff", 0x7fff'ffff);
    check_nothing_at("extension -1", all_ones);
    check_nothing_at("extension INT32_MIN", 0xffff'ffff'8000'0000);
}

}  // namespace cairn::guest::conformance
