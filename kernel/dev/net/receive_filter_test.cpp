// SPDX-License-Identifier: MIT
#include "kernel/dev/net/receive_filter.hpp"

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr MacAddress own{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress everybody{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

MacAddress single(std::uint8_t number) {
    return {{2, 0, 0, 0, 1, number}};
}
MacAddress group(std::uint8_t number) {
    return {{0x33, 0x33, 0, 0, 0, number}};
}

}  // namespace

TEST_CASE("a filter takes its own address and everybody's", "[receive_filter]") {
    ReceiveFilter filter(own);
    CHECK(filter.takes(own));
    CHECK(filter.takes(everybody));
    CHECK(!filter.takes(single(1)));
    CHECK(!filter.takes(group(1)));
    filter.set_own(single(1));
    CHECK(filter.takes(single(1)));
    CHECK(!filter.takes(own));
}

TEST_CASE("a filter takes what is in its tables, each for its own kind", "[receive_filter]") {
    ReceiveFilter filter(own);
    ReceiveFilter::Tables tables;
    tables.single.add(single(1));
    tables.single.add(group(9));
    tables.groups.add(group(1));
    tables.groups.add(single(9));
    filter.set_tables(tables);
    CHECK(filter.takes(own));
    CHECK(filter.takes(single(1)));
    CHECK(filter.takes(group(1)));
    CHECK(!filter.takes(single(2)));
    CHECK(!filter.takes(group(2)));
    CHECK(!filter.takes(single(9)));
    CHECK(!filter.takes(group(9)));
    filter.set_tables({});
    CHECK(!filter.takes(single(1)));
    CHECK(!filter.takes(group(1)));
}

TEST_CASE("a filter takes all, or all groups, as long as it is to", "[receive_filter]") {
    ReceiveFilter filter(own);
    filter.take_all_groups(true);
    CHECK(filter.takes(group(1)));
    CHECK(!filter.takes(single(1)));
    filter.take_all_groups(false);
    CHECK(!filter.takes(group(1)));
    filter.take_all(true);
    CHECK(filter.takes(group(1)));
    CHECK(filter.takes(single(1)));
    filter.reset(own);
    CHECK(!filter.takes(single(1)));
    CHECK(filter.takes(own));
}

TEST_CASE("a table that is too long takes all of its kind", "[receive_filter]") {
    ReceiveFilter filter(own);
    ReceiveFilter::Tables tables;
    for (std::size_t n = 0; n < ReceiveFilter::most_addresses; ++n)
        tables.groups.add(group(static_cast<std::uint8_t>(n)));
    filter.set_tables(tables);
    CHECK(!filter.takes(group(200)));
    tables.groups.add(group(100));
    CHECK(tables.groups.is_too_long());
    filter.set_tables(tables);
    CHECK(filter.takes(group(200)));
    CHECK(!filter.takes(single(200)));
}
