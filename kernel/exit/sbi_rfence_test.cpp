// SPDX-License-Identifier: MIT
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t start = 0x1000;
constexpr std::uint64_t size = 0x2000;
constexpr std::uint64_t asid = 7;

SbiResult fence(GuestBench& bench, SbiRfence function, std::uint64_t mask, std::uint64_t base) {
    return bench.call(SbiExtension::rfence, function, mask, base, start, size, asid);
}

}  // namespace

TEST_CASE("a fence of the guest's hart is one of this hart", "[sbi_rfence]") {
    GuestBench bench;
    CHECK(fence(bench, SbiRfence::remote_fence_i, 1, 0) == sbi_success());
    CHECK(fake_hart.instruction_fences == 1);
    CHECK(fake_hart.vvma_fences == 0);
    CHECK(fence(bench, SbiRfence::remote_sfence_vma, 1, 0) == sbi_success());
    CHECK(fake_hart.vvma_fences == 1);
    CHECK(fence(bench, SbiRfence::remote_sfence_vma_asid, 0, ~0ull) == sbi_success());
    CHECK(fake_hart.vvma_fences == 2);
    CHECK(fake_hart.instruction_fences == 1);
    CHECK(fake_hart.gvma_fences == 0);
}

TEST_CASE("every range of addresses may be fenced", "[sbi_rfence]") {
    GuestBench bench;
    for (const auto& [from, bytes] : {std::pair{0ull, 0ull}, {0ull, ~0ull}, {~0ull, ~0ull}}) {
        CHECK(bench.call(SbiExtension::rfence, SbiRfence::remote_sfence_vma, 1, 0, from, bytes) ==
              sbi_success());
    }
    CHECK(fake_hart.vvma_fences == 3);
}

TEST_CASE("a fence of nobody does nothing, of a missing hart is refused", "[sbi_rfence]") {
    GuestBench bench;
    for (const SbiRfence function : {SbiRfence::remote_fence_i, SbiRfence::remote_sfence_vma,
                                     SbiRfence::remote_sfence_vma_asid}) {
        CHECK(fence(bench, function, 0, 0) == sbi_success());
        CHECK(fence(bench, function, 3, 0) == invalid_param);
        CHECK(fence(bench, function, 1, 5) == invalid_param);
    }
    CHECK(fake_hart.instruction_fences == 0);
    CHECK(fake_hart.vvma_fences == 0);
}

TEST_CASE("guests have no H extension to fence", "[sbi_rfence]") {
    GuestBench bench;
    for (const SbiRfence function :
         {SbiRfence::remote_hfence_gvma_vmid, SbiRfence::remote_hfence_gvma,
          SbiRfence::remote_hfence_vvma_asid, SbiRfence::remote_hfence_vvma}) {
        CHECK(fence(bench, function, 1, 0) == not_supported);
    }
    CHECK(fake_hart.gvma_fences == 0);
    CHECK(fake_hart.vvma_fences == 0);
}
