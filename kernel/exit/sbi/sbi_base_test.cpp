// SPDX-License-Identifier: MIT
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

TEST_CASE("the base extension says what it is", "[sbi_base]") {
    GuestBench bench;
    const auto base = [&](SbiBase function) {
        const SbiResult result = bench.call(SbiExtension::base, function);
        CHECK(result.ok());
        return result.value;
    };
    CHECK(base(SbiBase::get_spec_version) == 0x0300'0000);
    CHECK(base(SbiBase::get_impl_id) > 11);  // the specification's table ends with 11
    CHECK(base(SbiBase::get_impl_version) == 0x100);
}

TEST_CASE("the base extension hands on the machine's ids", "[sbi_base]") {
    GuestBench bench;
    CHECK(bench.call(SbiExtension::base, SbiBase::get_mvendorid) == sbi_success(0x489));
    CHECK(bench.call(SbiExtension::base, SbiBase::get_marchid) ==
          sbi_success(0x8000'0000'0000'0007));
    CHECK(bench.call(SbiExtension::base, SbiBase::get_mimpid) == sbi_success(0x2021));
    CHECK(fake_sbi_calls.empty());  // read once, by the host
}

TEST_CASE("probing an extension that does not exist succeeds with 0", "[sbi_base]") {
    GuestBench bench;
    CHECK(bench.call(SbiExtension::base, SbiBase::probe_extension, ~0ull) == sbi_success(0));
    CHECK(bench.call(SbiExtension::base, SbiBase::probe_extension, 0x10) == sbi_success(1));
}
