// SPDX-License-Identifier: MIT
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t none = ~std::uint64_t{0};

SbiResult set_shmem(GuestBench& bench, std::uint64_t low, std::uint64_t high,
                    std::uint64_t flags = 0) {
    return bench.call(SbiExtension::sta, SbiSta::steal_time_set_shmem, low, high, flags);
}

}  // namespace

TEST_CASE("the steal-time structure is zeroed, 64 bytes of it", "[sbi_sta]") {
    GuestBench bench;
    for (const std::uint64_t offset :
         {std::uint64_t{0}, std::uint64_t{0x1040}, bench.ram_size - 64}) {
        std::ranges::fill(bench.ram, std::byte{0xa5});
        CHECK(set_shmem(bench, bench.ram_base + offset, 0) == sbi_success());
        for (std::size_t at = 0; at < bench.ram.size(); ++at) {
            const bool inside = at >= offset && at < offset + 64;
            REQUIRE(bench.ram[at] == std::byte(inside ? 0 : 0xa5));
        }
    }
}

TEST_CASE("steal-time memory is aligned RAM, and flags are 0", "[sbi_sta]") {
    GuestBench bench;
    std::ranges::fill(bench.ram, std::byte{0xa5});
    for (const std::uint64_t misaligned : {1ull, 8ull, 32ull, 63ull, 65ull}) {
        CHECK(set_shmem(bench, bench.ram_base + misaligned, 0) == invalid_param);
    }
    CHECK(set_shmem(bench, none, 0) == invalid_param);
    CHECK(set_shmem(bench, bench.ram_base, 0, 1) == invalid_param);
    CHECK(set_shmem(bench, none, none, 1ull << 63) == invalid_param);
    CHECK(set_shmem(bench, bench.ram_base, none) == invalid_address);
    CHECK(set_shmem(bench, bench.ram_base, 1) == invalid_address);
    for (const std::uint64_t outside : {bench.ram_base - 64, bench.ram_end, std::uint64_t{0},
                                        std::uint64_t{0x1000'0000}, ~std::uint64_t{63}}) {
        CHECK(set_shmem(bench, outside, 0) == invalid_address);
    }
    CHECK(std::ranges::count(bench.ram, std::byte{0xa5}) == bench.ram_size);
}

TEST_CASE("steal time can be turned off, on or not", "[sbi_sta]") {
    GuestBench bench;
    CHECK(set_shmem(bench, none, none) == sbi_success());
    CHECK(set_shmem(bench, bench.ram_base, 0) == sbi_success());
    CHECK(set_shmem(bench, none, none) == sbi_success());
    CHECK(bench.call(SbiExtension::sta, 1) == not_supported);
}
