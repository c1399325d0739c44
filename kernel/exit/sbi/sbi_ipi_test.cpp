// SPDX-License-Identifier: MIT
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

struct Sent {
    SbiResult result;
    std::uint64_t hvip;
};

Sent send(std::uint64_t mask, std::uint64_t base) {
    GuestBench bench;
    const SbiResult result = bench.call(SbiExtension::ipi, SbiIpi::send_ipi, mask, base);
    return {result, csr_read<Csr::hvip>()};
}

}  // namespace

TEST_CASE("an IPI to hart 0 is its supervisor software interrupt", "[sbi_ipi]") {
    for (const Sent& sent : {send(1, 0), send(0, ~0ull), send(~0ull, ~0ull)}) {
        CHECK(sent.result == sbi_success());
        CHECK(sent.hvip == 1 << 2);
    }
}

TEST_CASE("an IPI to nobody succeeds and interrupts nobody", "[sbi_ipi]") {
    for (const Sent& sent : {send(0, 0), send(0, 17)}) {
        CHECK(sent.result == sbi_success());
        CHECK(sent.hvip == 0);
    }
}

TEST_CASE("an IPI to a hart that does not exist is refused whole", "[sbi_ipi]") {
    for (const Sent& sent : {send(3, 0), send(1, 1), send(1ull << 63, 0), send(1, ~0ull - 1)}) {
        CHECK(sent.result == invalid_param);
        CHECK(sent.hvip == 0);
    }
}

TEST_CASE("an IPI to another hart interrupts the hart that runs it", "[sbi_ipi]") {
    GuestBench bench({}, 4);
    bench.run(1);
    bench.run(3);
    const IpiTarget seventy{.hart = 70};
    bench.vm.vcpu(3).answer_on(seventy);
    // All of them; hart 2 does not run, and begins without pending interrupts.
    CHECK(bench.call(SbiExtension::ipi, SbiIpi::send_ipi, 0, ~0ull) == sbi_success());
    CHECK(csr_read<Csr::hvip>() == 1 << 2);
    using Calls = std::vector<FakeSbiCall>;
    CHECK(fake_sbi_calls == Calls{{SbiExtension::ipi, 0, {1, 1}}, {SbiExtension::ipi, 0, {1, 70}}});
    fake_sbi_calls.clear();
    CHECK(bench.call(SbiExtension::ipi, SbiIpi::send_ipi, 1, 1) == sbi_success());
    CHECK(fake_sbi_calls.empty());  // it has not looked at the first one yet
    csr_write<Csr::hvip>(0);
    csr_write<Csr::sip>(2);
    bench.answer_on(1);
    CHECK(csr_read<Csr::hvip>() == 1 << 2);
    CHECK(csr_read<Csr::sip>() == 0);
    CHECK(bench.call(SbiExtension::ipi, SbiIpi::send_ipi, 1, 1) == sbi_success());
    CHECK(fake_sbi_calls == Calls{{SbiExtension::ipi, 0, {1, 1}}});
}

TEST_CASE("one hart too many, and nobody is interrupted", "[sbi_ipi]") {
    GuestBench bench({}, 2);
    bench.run(1);
    CHECK(bench.call(SbiExtension::ipi, SbiIpi::send_ipi, 7, 0) == invalid_param);
    CHECK(bench.call(SbiExtension::ipi, SbiIpi::send_ipi, 3, 1) == invalid_param);
    CHECK(csr_read<Csr::hvip>() == 0);
    CHECK(fake_sbi_calls.empty());
    CHECK(!bench.vm.vcpu(1).is_asked());
}
