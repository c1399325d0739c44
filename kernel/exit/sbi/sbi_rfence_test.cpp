// SPDX-License-Identifier: MIT
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t start = 0x1000;
constexpr std::uint64_t size = 0x2000;
constexpr std::uint64_t asid = 7;
constexpr std::uint64_t any = ~std::uint64_t{0};
using Narrow = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

GuestBench* remote_bench = nullptr;

/// The other harts, which answer at once when they are interrupted.
void answer_at_once(const FakeSbiCall& call) {
    for (std::uint32_t n = 0; n < 64; ++n) {
        if ((call.arguments[0] >> n & 1) == 0) continue;
        remote_bench->answer_on(static_cast<std::uint32_t>(call.arguments[1]) + n);
    }
}

SbiResult fence(GuestBench& bench, SbiRfence function, std::uint64_t mask, std::uint64_t base) {
    return bench.call(SbiExtension::rfence, function, mask, base, start, size, asid);
}

}  // namespace

TEST_CASE("a fence of the guest's hart is one of this hart", "[sbi_rfence]") {
    GuestBench bench;
    CHECK(fence(bench, SbiRfence::remote_fence_i, 1, 0) == sbi_success());
    CHECK(fake_hart.instruction_fences == 1);
    CHECK(fake_hart.narrow_fences.empty());
    CHECK(fence(bench, SbiRfence::remote_sfence_vma, 1, 0) == sbi_success());
    CHECK(fake_hart.narrow_fences == Narrow{{0x1000, any}, {0x2000, any}});
    CHECK(fence(bench, SbiRfence::remote_sfence_vma_asid, 0, ~0ull) == sbi_success());
    CHECK(fake_hart.narrow_fences ==
          Narrow{{0x1000, any}, {0x2000, any}, {0x1000, asid}, {0x2000, asid}});
    CHECK(fake_hart.instruction_fences == 1);
    CHECK(fake_hart.vvma_fences == 0);
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

TEST_CASE("a remote fence is over when every running hart has fenced", "[sbi_rfence]") {
    GuestBench bench({}, 4);
    bench.run(1);
    bench.run(2);
    remote_bench = &bench;
    fake_sbi_effect = answer_at_once;
    // Hart 3 is stopped: it fences everything when it begins.
    CHECK(fence(bench, SbiRfence::remote_sfence_vma, 0xe, 0) == sbi_success());
    CHECK(fake_hart.narrow_fences.size() == 2 * 2);  // of two pages each
    CHECK(fence(bench, SbiRfence::remote_sfence_vma_asid, 0, ~0ull) == sbi_success());
    CHECK(fake_hart.narrow_fences.size() == 5 * 2);
    CHECK(fake_hart.instruction_fences == 0);
    CHECK(fence(bench, SbiRfence::remote_fence_i, 3, 1) == sbi_success());
    CHECK(fake_hart.instruction_fences == 2);
    CHECK(fake_hart.narrow_fences.size() == 5 * 2);
    CHECK(fence(bench, SbiRfence::remote_fence_i, 8, 0) == sbi_success());
    CHECK(fake_hart.instruction_fences == 2);
}

TEST_CASE("a vCPU that lies in no hart is not interrupted: it forgets everything when loaded",
          "[sbi_rfence]") {
    GuestBench bench({}, 2);
    bench.run(1);
    loaded_vcpu = &bench.vm.vcpu(1);
    bench.vm.vcpu(1).put_away();
    loaded_vcpu = &bench.vcpu();
    CHECK(fence(bench, SbiRfence::remote_sfence_vma, 2, 0) == sbi_success());
    CHECK(fake_sbi_calls.empty());
    CHECK(fake_hart.narrow_fences.empty());
    CHECK(!bench.vcpu().leaves_guest());
}

TEST_CASE("a fence of a vCPU that lies in no hart is counted like any other", "[sbi_rfence]") {
    constexpr unsigned counter = 3;
    GuestBench bench({}, 3);  // the last is stopped
    bench.run(1);
    loaded_vcpu = &bench.vm.vcpu(1);
    bench.vm.vcpu(1).put_away();
    loaded_vcpu = &bench.vcpu();
    const auto count = [&](std::uint32_t vcpu, SbiFirmwareEvent event) -> VcpuPmu& {
        VcpuPmu& pmu = bench.vm.vcpu(vcpu).pmu();
        pmu.assign(counter, static_cast<std::uint32_t>(event));
        pmu.start(counter);
        return pmu;
    };
    const VcpuPmu& sender = count(0, SbiFirmwareEvent::sfence_vma_sent);
    const VcpuPmu& receiver = count(1, SbiFirmwareEvent::sfence_vma_received);
    CHECK(fence(bench, SbiRfence::remote_sfence_vma, 6, 0) == sbi_success());
    CHECK(sender.value(counter) == 1);
    CHECK(receiver.value(counter) == 1);
}

TEST_CASE("who has asked others for a fence leaves the guest until they have", "[sbi_rfence]") {
    GuestBench bench({}, 2);
    bench.run(1);
    CHECK(fence(bench, SbiRfence::remote_sfence_vma, 3, 0) == sbi_success());
    CHECK(fake_hart.narrow_fences.size() == 2);  // its own part is done
    CHECK(bench.vcpu().leaves_guest());
    CHECK(!bench.vcpu().is_fence_done());
    bench.answer_on(1);
    CHECK(bench.vcpu().is_fence_done());
}
