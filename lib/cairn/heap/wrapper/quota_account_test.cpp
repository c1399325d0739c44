// SPDX-License-Identifier: MIT
#include "cairn/quota_account.hpp"

#include "cairn/print.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("An account admits bytes up to its limit", "[quota_account]") {
    QuotaAccount account("vm0", 100);
    CHECK(account.reserve(60).has_value());
    CHECK(account.peak() == 0);
    account.settle(60, 60);
    CHECK(account.peak() == 60);
    CHECK(account.reserve(41).error() == AllocError::out_of_memory);
    CHECK(account.reserve(101).error() == AllocError::too_large);
    CHECK(account.reserve(SIZE_MAX).error() == AllocError::too_large);
    CHECK(account.reserve(40).has_value());
    CHECK(account.reserve(0).has_value());
    CHECK(account.live() == 100);
    account.settle(40, 0);  // no memory after all
    CHECK(account.live() == 60);
    CHECK(account.peak() == 60);
    account.refund(30);
    CHECK(account.live() == 30);
    CHECK(account.peak() == 60);
    CHECK(account.refusals() == 3);
    account.refund(31);  // more than there is
    CHECK(account.live() == 0);
    CHECK(account.reserve(100).has_value());
}

TEST_CASE("What is rounded up goes past the limit; new reservations do not", "[quota_account]") {
    QuotaAccount account("vm0", 100);
    REQUIRE(account.reserve(90).has_value());
    account.settle(90, 112);
    CHECK(account.live() == 112);
    CHECK(account.peak() == 112);
    CHECK(account.reserve(1).error() == AllocError::out_of_memory);
    CHECK(account.reserve(0).has_value());
    account.settle(112, 16);
    CHECK(account.live() == 16);
    CHECK(account.reserve(84).has_value());
}

TEST_CASE("An account without limit, and one without anything", "[quota_account]") {
    QuotaAccount all("all", SIZE_MAX);
    CHECK(all.reserve(SIZE_MAX).has_value());
    CHECK(all.reserve(1).error() == AllocError::out_of_memory);
    QuotaAccount nothing("nothing", 0);
    CHECK(nothing.reserve(0).has_value());
    CHECK(nothing.reserve(1).error() == AllocError::too_large);
}

TEST_CASE("An account says how it stands", "[quota_account]") {
    QuotaAccount account("debian", 65536);
    REQUIRE(account.reserve(8192).has_value());
    account.settle(8192, 8192);
    account.refund(4096);
    REQUIRE_FALSE(account.reserve(65536).has_value());
    FixedBuffer<128> text;
    print(text, "{}", account);
    CHECK(text.view() ==
          "quota 'debian': 4096 of 65536 bytes live, 8192 at most, 1 request refused");
}
