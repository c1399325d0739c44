// SPDX-License-Identifier: MIT
#include "kernel/dev/syscon.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"

using namespace cairn;
using Event = test::PowerLog::Event;

TEST_CASE("each command is delivered as its event", "[syscon]") {
    test::PowerLog log;
    Syscon syscon(log);
    CHECK(syscon.write(0, AccessWidth::word, 0x5555));
    CHECK(syscon.write(0, AccessWidth::word, 0x002a'3333));
    CHECK(syscon.write(0, AccessWidth::word, 0xffff'3333));
    CHECK(syscon.write(0, AccessWidth::word, 0x1'0000'3333));
    CHECK(syscon.write(0, AccessWidth::word, 0x7777));
    CHECK(
        log.events ==
        std::vector<Event>{{"pass", 0}, {"fail", 42}, {"fail", 0xffff}, {"fail", 0}, {"reset", 0}});
}

TEST_CASE("a pass carries no code", "[syscon]") {
    test::PowerLog log;
    Syscon syscon(log);
    CHECK(syscon.write(0, AccessWidth::word, 0x0001'5555));
    CHECK(log.events == std::vector<Event>{{"pass", 0}});
}

TEST_CASE("16-bit commands have no code", "[syscon]") {
    test::PowerLog log;
    Syscon syscon(log);
    CHECK(syscon.write(0, AccessWidth::half, 0x3333));
    CHECK(syscon.write(0, AccessWidth::half, 0x002a'3333));  // only the low half is written
    CHECK(log.events == std::vector<Event>{{"fail", 0}, {"fail", 0}});
}

TEST_CASE("other values and offsets do nothing, and reads give 0", "[syscon]") {
    test::PowerLog log;
    Syscon syscon(log);
    CHECK(syscon.write(0, AccessWidth::word, 0));
    CHECK(syscon.write(0, AccessWidth::word, 0x5554));
    CHECK(syscon.write(4, AccessWidth::word, 0x5555));
    CHECK(syscon.read(0, AccessWidth::word) == 0u);
    CHECK(log.events.empty());
}

TEST_CASE("bytes and double words are refused", "[syscon]") {
    test::PowerLog log;
    Syscon syscon(log);
    for (const AccessWidth width : {AccessWidth::byte, AccessWidth::dword}) {
        CHECK(syscon.write(0, width, 0x5555).error() == BusError::width);
        CHECK(syscon.read(0, width).error() == BusError::width);
    }
    CHECK(log.events.empty());
}
