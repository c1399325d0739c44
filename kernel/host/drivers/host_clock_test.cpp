// SPDX-License-Identifier: MIT
#include "kernel/host/drivers/host_clock.hpp"

#include "kernel/arch/isa/csr_access.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("the machine's clock is asked where there is one", "[host_clock]") {
    struct Rtc final : HostRtc {
        std::uint64_t read() override { return 42; }
    } rtc;
    HostClock clock;
    clock.start(&rtc, 10'000'000);
    CHECK(clock.now() == 42);
}

TEST_CASE("else it counts from the machine's start, at any rate", "[host_clock]") {
    fake_csr_access = [] {};
    for (const std::uint64_t rate : {1'000ull, 10'000'000ull, 32'768ull, 100'000'000'000ull}) {
        HostClock clock;
        clock.start(nullptr, rate);
        csr_write<Csr::time>(7 * rate + rate / 2);
        CHECK(clock.now() == 7'500'000'000);
        csr_write<Csr::time>(8 * rate - 1);
        CHECK(clock.now() == 8'000'000'000 - (1'000'000'000 + rate - 1) / rate);
    }
    csr_write<Csr::time>(0);
}
