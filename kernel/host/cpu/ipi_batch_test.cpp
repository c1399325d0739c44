// SPDX-License-Identifier: MIT
#include "kernel/host/cpu/ipi_batch.hpp"

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

FakeSbiCall ipi(std::uint64_t mask, std::uint64_t base) {
    return {SbiExtension::ipi, 0, {mask, base}};
}

std::vector<FakeSbiCall> sent_to(std::initializer_list<std::uint64_t> harts) {
    fake_sbi_calls.clear();
    {
        IpiBatch batch;
        for (const std::uint64_t hart : harts)
            batch.add({.hart = hart});
    }
    return fake_sbi_calls;
}

}  // namespace

TEST_CASE("harts near each other are interrupted by one call", "[ipi_batch]") {
    CHECK(sent_to({}).empty());
    CHECK(sent_to({0}) == std::vector{ipi(1, 0)});
    CHECK(sent_to({3, 4, 66}) == std::vector{ipi(1ull << 63 | 3, 3)});
    CHECK(sent_to({~0ull >> 1}) == std::vector{ipi(1, ~0ull >> 1)});
}

TEST_CASE("harts far from each other, or out of order, take more", "[ipi_batch]") {
    CHECK(sent_to({1, 65}) == std::vector{ipi(1, 1), ipi(1, 65)});
    CHECK(sent_to({5, 2, 3}) == std::vector{ipi(1, 5), ipi(3, 2)});
}

TEST_CASE("what is sent is not sent again", "[ipi_batch]") {
    fake_sbi_calls.clear();
    IpiBatch batch;
    batch.add({.hart = 7});
    batch.send();
    batch.send();
    CHECK(fake_sbi_calls.size() == 1);
}

TEST_CASE("a hart with an SSWI register is interrupted by a store, and at once", "[ipi_batch]") {
    fake_sbi_calls.clear();
    std::uint32_t set_ssip = 0;
    IpiBatch batch;
    batch.add({.hart = 1});
    batch.add({.hart = 2, .set_ssip = {reinterpret_cast<std::uintptr_t>(&set_ssip)}});
    CHECK(set_ssip == 1);
    CHECK(fake_sbi_calls.empty());
    batch.add({.hart = 3});
    batch.send();
    CHECK(fake_sbi_calls == std::vector{ipi(5, 1)});
}
