// SPDX-License-Identifier: MIT
// "SBI Firmware Features Extension".
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

constexpr std::uint64_t lock = 1;

SbiResult set(std::uint64_t feature, std::uint64_t value, std::uint64_t flags = 0) {
    return call(SbiExtension::fwft, SbiFwft::set, feature, value, flags);
}
SbiResult get(std::uint64_t feature) {
    return call(SbiExtension::fwft, SbiFwft::get, feature);
}

struct Feature {
    std::string_view set, get;
    std::uint64_t number;
    std::uint64_t bad_value;
};
constexpr Feature features[]{
    // "FWFT Feature Types"
    {"FWFT set MISALIGNED_EXC_DELEG", "FWFT get MISALIGNED_EXC_DELEG", 0, 2},
    {"FWFT set LANDING_PAD", "FWFT get LANDING_PAD", 1, 2},
    {"FWFT set SHADOW_STACK", "FWFT get SHADOW_STACK", 2, 2},
    {"FWFT set DOUBLE_TRAP", "FWFT get DOUBLE_TRAP", 3, 2},
    {"FWFT set PTE_AD_HW_UPDATING", "FWFT get PTE_AD_HW_UPDATING", 4, 2},
    {"FWFT set POINTER_MASKING_PMLEN", "FWFT get POINTER_MASKING_PMLEN", 5, 64},
};

constexpr Named bad_flags[]{
    {"flags 2", 2}, {"flags 2^32", std::uint64_t{1} << 32}, {"flags -1", all_ones}};

void check_value_kept(const Feature& feature, std::uint64_t value) {
    check_result(feature.get, "as before", get(feature.number), value);
}

/// A feature that is there: get, set to the same, refused values and flags, set to another.
void check_present(const Feature& feature, std::uint64_t value) {
    check_error(feature.set, "\"The set operation will succeed if requested value matches\"",
                set(feature.number, value), {SbiError::success});
    check_error(feature.set, "a value that is none", set(feature.number, feature.bad_value),
                {SbiError::invalid_param});
    check_value_kept(feature, value);
    for (const auto& [when, flags] : bad_flags)
        check_error(feature.set, when, set(feature.number, value, flags),
                    {SbiError::invalid_param});
    const std::uint64_t other = feature.number == 5 ? 0 : 1 - value;
    const SbiResult changed = set(feature.number | high_garbage, other);
    check_error(feature.set, "another value, or denied; garbage above the feature", changed,
                {SbiError::success, SbiError::denied, SbiError::not_supported});
    check_value_kept(feature, changed.ok() ? other : value);
    if (changed.ok()) check_success(feature.set, "back", set(feature.number, value));
    check_value_kept(feature, value);
}

void check_feature(const Feature& feature) {
    const SbiResult got = get(feature.number);
    check_error(feature.get, "a value, or the platform has it not", got,
                {SbiError::success, SbiError::not_supported});
    if (got.ok()) return check_present(feature, got.value);
    check_value(feature.get, "\"In case of failure, the content of sbiret.value is zero\"",
                got.value, 0);
    check_error(feature.set, "what the platform has not", set(feature.number, 0),
                {SbiError::not_supported});
}

constexpr Named reserved[]{
    {"feature 6, reserved", 6},
    {"feature 0x3fffffff, reserved", 0x3fff'ffff},
    {"feature 0x40000000, of a platform", 0x4000'0000},
    {"feature 0x7fffffff, of a platform", 0x7fff'ffff},
    {"feature 0x80000000, reserved", 0x8000'0000},
    {"feature 0xbfffffff, reserved", 0xbfff'ffff},
    {"feature 0xc0000000, of a platform", 0xc000'0000},
    {"feature 0xffffffff, of a platform", 0xffff'ffff},
    {"feature 6 below garbage", 6 | high_garbage},
};

/// Whoever handles what the hart does not carry out: without delegation no exception comes here.
void check_misaligned() {
    constexpr std::string_view what = "FWFT MISALIGNED_EXC_DELEG 0";
    const SbiResult before = get(0);
    if (!before.ok() || !set(0, 0).ok()) return;
    alignas(8) std::array<std::uint64_t, 2> memory{0x8786'8584'8382'8180, 0x8f8e'8d8c'8b8a'8988};
    const unsigned exceptions = last_trap.count;
    const std::uint64_t at = reinterpret_cast<std::uint64_t>(memory.data()) + 3;
    std::uint64_t loaded = 0;
    asm volatile("ld %0, 0(%1)" : "=r"(loaded) : "r"(at) : "memory");
    check_value(what, "a misaligned load", loaded, 0x8a89'8887'8685'8483);
    asm volatile("sd %0, 0(%1)" : : "r"(0x1122'3344'5566'7788), "r"(at) : "memory");
    check_value(what, "a misaligned store", memory[0], 0x4455'6677'8882'8180);
    check_value(what, "a misaligned store, its end", memory[1], 0x8f8e'8d8c'8b11'2233);
    check_value(what, "no exception", last_trap.count, exceptions);
    check_success(what, "as before", set(0, before.value));
}

/// Locks the first feature that is there; nothing unlocks it but a reset.
void check_lock() {
    for (const Feature& feature : features) {
        const SbiResult got = get(feature.number);
        if (!got.ok() || !set(feature.number, got.value, lock).ok()) continue;
        check_error(feature.set, "the same value when locked", set(feature.number, got.value),
                    {SbiError::denied_locked, SbiError::success});
        if (feature.number != 5)
            check_error(feature.set, "another value when locked",
                        set(feature.number, 1 - got.value), {SbiError::denied_locked});
        check_value_kept(feature, got.value);
        return;
    }
}

}  // namespace

void check_fwft() {
    if (!begin_extension(SbiExtension::fwft, "FWFT", 2)) return;
    for (const Feature& feature : features)
        check_feature(feature);
    for (const auto& [when, number] : reserved) {
        const SbiResult got = get(number);
        check_error("FWFT get", when, got, {SbiError::denied});
        check_value("FWFT get", when, got.value, 0);
        check_error("FWFT set", when, set(number, 0), {SbiError::denied});
    }
    check_misaligned();
    check_lock();
}

}  // namespace cairn::guest::conformance
