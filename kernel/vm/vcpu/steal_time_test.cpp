// SPDX-License-Identifier: MIT
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

struct StealBench : GuestBench {
    [[nodiscard]] StealTime::Report report() {
        return vm.memory().load<StealTime::Report>(at).value();
    }
    void ask() {
        REQUIRE(call(SbiExtension::sta, SbiSta::steal_time_set_shmem, at.value, 0, 0) ==
                sbi_success());
    }

    GuestPhys at{ram_base + 0x40};
    StealTime& steal = vcpu().steal_time();
};

}  // namespace

TEST_CASE("a guest is told what its vCPU has waited since it asked", "[steal_time]") {
    StealBench bench;
    bench.steal.note_run(1000, bench.vm.memory());
    bench.ask();
    CHECK(bench.report().steal == 0);
    bench.steal.note_run(700, bench.vm.memory());
    CHECK(bench.report().steal == 700);
    CHECK(bench.report().sequence == 2);
    bench.steal.note_run(100, bench.vm.memory());
    CHECK(bench.report().steal == 800);
    CHECK(bench.report().sequence == 4);
}

TEST_CASE("a vCPU whose hart is taken is preempted until it runs", "[steal_time]") {
    StealBench bench;
    bench.steal.note_preemption(bench.vm.memory());  // nobody has asked
    bench.ask();
    CHECK(bench.report().preempted == 0);
    bench.steal.note_preemption(bench.vm.memory());
    CHECK(bench.report().preempted == 1);
    CHECK(bench.report().sequence == 0);
    bench.steal.note_run(5, bench.vm.memory());
    CHECK(bench.report().preempted == 0);
    CHECK(bench.report().flags == 0);
}

TEST_CASE("a guest that writes to its steal time deceives itself", "[steal_time]") {
    StealBench bench;
    bench.ask();
    std::ranges::fill(bench.ram, std::byte{0xff});
    bench.steal.note_run(30, bench.vm.memory());
    CHECK(bench.report().sequence == 0);
    CHECK(bench.report().steal == 29);
    CHECK(bench.report().preempted == 0);
    CHECK(std::ranges::count(bench.ram, std::byte{0xff}) == bench.ram_size - 4 - 8 - 1);
}

TEST_CASE("nothing is told once the guest has had enough, or begins anew", "[steal_time]") {
    for (const bool begins_anew : {false, true}) {
        StealBench bench;
        bench.ask();
        if (begins_anew) {
            bench.vcpu().reset(bench.entry, 0, bench.vm.features());
        } else {
            constexpr std::uint64_t none = ~std::uint64_t{0};
            bench.call(SbiExtension::sta, SbiSta::steal_time_set_shmem, none, none, 0);
        }
        bench.steal.note_run(10, bench.vm.memory());
        bench.steal.note_preemption(bench.vm.memory());
        CHECK(bench.report().steal == 0);
        CHECK(bench.report().preempted == 0);
    }
}
