// SPDX-License-Identifier: MIT
#include "kernel/bundle/host_disk_name.hpp"

#include <cairn/print.hpp>
#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("a disk of the machine's has a number, and may have a partition's", "[host_disk_name]") {
    CHECK(parse_host_disk("host:0") == HostDiskName{0, 0});
    CHECK(parse_host_disk("host:7/12") == HostDiskName{7, 12});
    for (const char* const text :
         {"", "host", "host:", "host:x", "host:-1", "host:1x", "host:4294967296", "host:0/",
          "host:0/0", "host:0/x", "host:/1", "host:0/1/2", "host:0/1 ", "hosts:1"})
        CHECK_FALSE(parse_host_disk(text));
}

TEST_CASE("it is written as it is read", "[host_disk_name]") {
    FixedBuffer<32> text;
    print(text, "{} {}", HostDiskName{3, 0}, HostDiskName{0, 128});
    CHECK(text.view() == "host:3 host:0/128");
}

TEST_CASE("a disk has all of its partitions, and no other's", "[host_disk_name]") {
    const HostDiskName whole{1, 0};
    const HostDiskName first{1, 1};
    CHECK(whole.has_part_of(first));
    CHECK(first.has_part_of(whole));
    CHECK(first.has_part_of(first));
    CHECK_FALSE(first.has_part_of({1, 2}));
    CHECK_FALSE(first.has_part_of({0, 1}));
    CHECK_FALSE(whole.has_part_of({0, 0}));
}
