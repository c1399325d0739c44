// SPDX-License-Identifier: MIT
// "Steal-time Accounting Extension".
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

constexpr std::string_view what = "STA steal_time_set_shmem";

struct Shared {
    std::uint32_t sequence, flags;
    std::uint64_t steal;
    std::uint8_t preempted;
    std::array<std::uint8_t, 47> pad;
    std::array<std::uint8_t, 64> behind;
};
static_assert(sizeof(Shared) == 128);
alignas(64) Shared shared;

SbiResult set(std::uint64_t low, std::uint64_t high = 0, std::uint64_t flags = 0) {
    return call(SbiExtension::sta, SbiSta::steal_time_set_shmem, low, high, flags);
}

std::uint64_t address() {
    return reinterpret_cast<std::uint64_t>(&shared);
}

struct Place {
    std::string_view when;
    std::uint64_t low, high;
};

volatile Shared& watched() {
    return shared;
}

void check_memory() {
    std::memset(&shared, 0x55, sizeof shared);
    check_result(what, "a place", set(address()), 0);
    check_value(what, "flags are zero", watched().flags, 0);
    check_value(what, "sequence is even", watched().sequence & 1, 0);
    check_value(what, "a hart that runs is not preempted", watched().preempted, 0);
    check(what, "steal begins near zero", watched().steal < 1'000'000'000);
    bool padded = true;
    for (const std::uint8_t byte : shared.pad)
        padded &= byte == 0;
    check(what, "padding is zero", padded);
    bool kept = true;
    for (const std::uint8_t byte : shared.behind)
        kept &= byte == 0x55;
    check(what, "nothing is written behind 64 bytes", kept);
    const std::uint64_t first = watched().steal;
    eventually([] { return false; }, 20 * millisecond);
    check(what, "steal does not fall", watched().steal >= first);
    check(what, "nor does it rise faster than time", watched().steal - first < 1'000'000'000);
    std::memset(&shared, 0x33, 64);  // "MUST not misbehave"
    eventually([] { return false; }, 5 * millisecond);
    check_result(what, "another place", set(address() + 64), 0);
    check_result(what, "none any more", set(all_ones, all_ones), 0);
    std::memset(&shared, 0x55, sizeof shared);
    eventually([] { return false; }, 20 * millisecond);
    const auto* const bytes = reinterpret_cast<volatile std::uint8_t*>(&shared);
    bool untouched = true;
    for (std::size_t n = 0; n < sizeof shared; ++n)
        untouched &= bytes[n] == 0x55;
    check(what, "nothing is written any more", untouched);
    check_result(what, "none, once more", set(all_ones, all_ones), 0);
}

}  // namespace

void check_sta() {
    if (!begin_extension(SbiExtension::sta, "STA", 1)) return;
    constexpr Named bad_flags[]{
        {"flags 1", 1}, {"flags 2^32", std::uint64_t{1} << 32}, {"flags -1", all_ones}};
    for (const auto& [when, flags] : bad_flags) {
        check_error(what, when, set(address(), 0, flags), {SbiError::invalid_param});
        check_error(what, "flags, to stop", set(all_ones, all_ones, flags),
                    {SbiError::invalid_param});
    }
    for (const std::uint64_t off : {1u, 4u, 8u, 32u})
        check_error(what, "not 64-byte aligned", set(address() + off), {SbiError::invalid_param});
    const Place outside[]{{"behind RAM", world.ram_end, 0},
                          {"at the end of all addresses", all_ones - 63, 0},
                          {"high word 1", address(), 1},
                          {"high word -1", address(), all_ones}};
    for (const auto& [when, low, high] : outside)
        check_error(what, when, set(low, high), {SbiError::invalid_address, SbiError::failed});
    check_error(what, "low word -1 alone", set(all_ones, 0),
                {SbiError::invalid_param, SbiError::invalid_address, SbiError::failed});
    check_memory();
}

}  // namespace cairn::guest::conformance
