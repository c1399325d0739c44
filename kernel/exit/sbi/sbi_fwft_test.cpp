// SPDX-License-Identifier: MIT
#include "kernel/arch/firmware/sbi_features.hpp"

#include <algorithm>

#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

const SbiResult denied = sbi_error(SbiError::denied);
const SbiResult locked = sbi_error(SbiError::denied_locked);
constexpr auto misaligned = static_cast<std::uint64_t>(SbiFeature::misaligned_exc_deleg);
constexpr auto updates = static_cast<std::uint64_t>(SbiFeature::pte_ad_hw_updating);
constexpr GuestFeatures with_svadu{.svadu = true};

SbiResult set(GuestBench& bench, std::uint64_t feature, std::uint64_t value,
              std::uint64_t flags = 0) {
    return bench.call(SbiExtension::fwft, SbiFwft::set, feature, value, flags);
}
SbiResult get(GuestBench& bench, std::uint64_t feature) {
    return bench.call(SbiExtension::fwft, SbiFwft::get, feature);
}

}  // namespace

TEST_CASE("misaligned accesses are left to Cairn unless the guest wants them", "[sbi_fwft]") {
    GuestBench bench;
    const std::uint64_t left = csr_read<Csr::hedeleg>();
    CHECK((left & 0x50) == 0);
    CHECK(get(bench, misaligned) == sbi_success(0));
    CHECK(get(bench, misaligned | 1ull << 32) == sbi_success(0));  // 32 bits wide
    CHECK(set(bench, misaligned, 1) == sbi_success());
    CHECK(get(bench, misaligned) == sbi_success(1));
    CHECK(csr_read<Csr::hedeleg>() == (left | 0x50));
    CHECK(set(bench, misaligned, 2) == invalid_param);
    CHECK(set(bench, misaligned, ~0ull) == invalid_param);
    CHECK(set(bench, misaligned, 0) == sbi_success());
    CHECK(get(bench, misaligned) == sbi_success(0));
    CHECK(csr_read<Csr::hedeleg>() == left);
    CHECK(set(bench, misaligned, 1) == sbi_success());
    bench.vcpu().resume(bench.entry);  // "feature values are retained" over a suspension
    CHECK(get(bench, misaligned) == sbi_success(1));
    bench.vcpu().reset(bench.entry, 0, {});
    CHECK(get(bench, misaligned) == sbi_success(0));
}

TEST_CASE("what a guest chooses stays its own: the machine's firmware is not asked", "[sbi_fwft]") {
    GuestBench bench(with_svadu);
    fake_sbi_calls.clear();
    for (const std::uint64_t feature : {misaligned, updates}) {
        for (const std::uint64_t value : {1u, 1u, 0u})
            CHECK(set(bench, feature, value) == sbi_success());
    }
    bench.vcpu().reset(bench.entry, 0, with_svadu);
    CHECK(std::ranges::count(fake_sbi_calls, SbiExtension::fwft, &FakeSbiCall::extension) == 0);
}

TEST_CASE("a locked feature is denied whatever the value", "[sbi_fwft]") {
    for (const std::uint64_t value : {0u, 1u}) {
        GuestBench bench;
        CHECK(set(bench, misaligned, value, 1) == sbi_success());
        for (const std::uint64_t other : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
            CHECK(set(bench, misaligned, other) == locked);
            CHECK(set(bench, misaligned, other, 1) == locked);
        }
        CHECK(set(bench, misaligned, value, 2) == invalid_param);
        CHECK(get(bench, misaligned) == sbi_success(value));
        bench.vcpu().reset(bench.entry, 0, {});
        CHECK(get(bench, misaligned) == sbi_success(0));
        CHECK(set(bench, misaligned, 1) == sbi_success());
    }
}

TEST_CASE("features that guests do not have are not supported, reserved ones denied",
          "[sbi_fwft]") {
    GuestBench bench;
    for (const std::uint64_t feature : {1u, 2u, 3u, 4u, 5u}) {
        CHECK(get(bench, feature) == not_supported);
        CHECK(set(bench, feature, 0) == not_supported);
        CHECK(set(bench, feature, 1, 1) == not_supported);
    }
    for (const std::uint64_t feature : {6u, 0x3fff'ffffu, 0x4000'0000u, 0x7fff'ffffu, 0x8000'0000u,
                                        0xbfff'ffffu, 0xc000'0000u, 0xffff'ffffu}) {
        CHECK(get(bench, feature) == denied);
        CHECK(set(bench, feature, 0) == denied);
    }
    CHECK(bench.call(SbiExtension::fwft, 2) == not_supported);
}

TEST_CASE("flags but LOCK are reserved", "[sbi_fwft]") {
    GuestBench bench(with_svadu);
    for (const std::uint64_t flags : {2ull, 3ull, 1ull << 63}) {
        CHECK(set(bench, misaligned, 1, flags) == invalid_param);
        CHECK(set(bench, updates, 1, flags) == invalid_param);
    }
    CHECK(get(bench, updates) == sbi_success(0));
}

TEST_CASE("with Svadu the guest decides who updates its page tables", "[sbi_fwft]") {
    GuestBench bench(with_svadu);
    CHECK(get(bench, updates) == sbi_success(0));
    CHECK(set(bench, updates, 1) == sbi_success());
    CHECK(get(bench, updates) == sbi_success(1));
    CHECK(Henvcfg::ADUE::get(csr_read<Csr::henvcfg>()));
    CHECK(set(bench, updates, 2) == invalid_param);
    CHECK(set(bench, updates, 0, 1) == sbi_success());
    CHECK(set(bench, updates, 1) == locked);
    CHECK(set(bench, updates, 0) == locked);
    CHECK(get(bench, updates) == sbi_success(0));
}

TEST_CASE("a feature is the hart's own, and as before after its reset", "[sbi_fwft]") {
    GuestBench bench(with_svadu, 2);
    CHECK(set(bench, updates, 1, 1) == sbi_success());
    CHECK(!bench.vm.vcpu(1).is_locked(updates));
    bench.vcpu().reset(bench.entry, 0, with_svadu);
    CHECK(get(bench, updates) == sbi_success(0));
    CHECK(set(bench, updates, 1) == sbi_success());
}
