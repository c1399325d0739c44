// SPDX-License-Identifier: MIT
#include "lib/heap/quota_account.hpp"

#include "lib/print.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("An account admits bytes up to its limit", "[quota_account]") {
    QuotaAccount account("vm0", 100);
    CHECK(account.charge(60).has_value());
    CHECK(account.charge(41).error() == AllocError::out_of_memory);
    CHECK(account.charge(101).error() == AllocError::too_large);
    CHECK(account.charge(SIZE_MAX).error() == AllocError::too_large);
    CHECK(account.charge(40).has_value());
    CHECK(account.charge(0).has_value());
    CHECK(account.live() == 100);
    account.refund(70);
    CHECK(account.live() == 30);
    CHECK(account.peak() == 100);
    CHECK(account.refusals() == 3);
    account.refund(31);  // more than there is
    CHECK(account.live() == 0);
    CHECK(account.charge(100).has_value());
}

TEST_CASE("Corrections go past the limit; new charges do not", "[quota_account]") {
    QuotaAccount account("vm0", 100);
    REQUIRE(account.charge(90).has_value());
    account.correct(90, 112);
    CHECK(account.live() == 112);
    CHECK(account.peak() == 112);
    CHECK(account.charge(1).error() == AllocError::out_of_memory);
    CHECK(account.charge(0).has_value());
    account.correct(112, 16);
    CHECK(account.live() == 16);
    CHECK(account.charge(84).has_value());
}

TEST_CASE("An account without limit, and one without anything", "[quota_account]") {
    QuotaAccount all("all", SIZE_MAX);
    CHECK(all.charge(SIZE_MAX).has_value());
    CHECK(all.charge(1).error() == AllocError::out_of_memory);
    QuotaAccount nothing("nothing", 0);
    CHECK(nothing.charge(0).has_value());
    CHECK(nothing.charge(1).error() == AllocError::too_large);
}

TEST_CASE("An account says how it stands", "[quota_account]") {
    QuotaAccount account("debian", 65536);
    REQUIRE(account.charge(8192).has_value());
    account.refund(4096);
    REQUIRE_FALSE(account.charge(65536).has_value());
    FixedBuffer<128> text;
    print(text, "{}", account);
    CHECK(text.view() ==
          "quota 'debian': 4096 of 65536 bytes live, 8192 at most, 1 requests refused");
}
