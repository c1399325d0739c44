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
