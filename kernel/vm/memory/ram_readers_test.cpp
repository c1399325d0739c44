// SPDX-License-Identifier: MIT
#include "kernel/vm/memory/ram_readers.hpp"

#include <rapidcheck.h>

#include <list>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

TEST_CASE("who began before is waited for, who begins later is not", "[ram_readers]") {
    RamReaders readers;
    CHECK(readers.all_have_ended());
    const auto before = readers.begin();
    readers.restart();
    CHECK_FALSE(readers.all_have_ended());
    const auto later = readers.begin();
    CHECK_FALSE(readers.all_have_ended());
    readers.end(before);
    CHECK(readers.all_have_ended());
    readers.restart();
    CHECK_FALSE(readers.all_have_ended());  // the later one is one of before now
    readers.end(later);
    CHECK(readers.all_have_ended());
}

TEST_CASE("without anything taken away there is nothing to wait for", "[ram_readers]") {
    RamReaders readers;
    const RamHold hold(&readers);
    CHECK(readers.all_have_ended());
    const RamHold none(nullptr);
}

/// Each is told when it may be over at the earliest: when all of its time have ended.
TEST_CASE("whatever begins and ends, all of before have ended", "[ram_readers]") {
    struct Reader {
        RamReaders::Side side;
        bool is_of_before;
    };
    const bool holds = rc::check("readers", [] {
        RamReaders readers;
        std::list<Reader> there;
        for (const int what : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100))) {
            if (what < 40) {
                there.push_back({readers.begin(), false});
            } else if (what < 80 && !there.empty()) {
                auto each = there.begin();
                std::advance(each, what % static_cast<int>(there.size()));
                readers.end(each->side);
                there.erase(each);
            } else if (what < 90) {
                readers.restart();
                for (Reader& each : there)
                    each.is_of_before = true;
            } else {
                const bool over = readers.all_have_ended();
                for (const Reader& each : there)
                    RC_ASSERT(!(over && each.is_of_before));
            }
        }
        for (const Reader& each : there)
            readers.end(each.side);
        RC_ASSERT(readers.all_have_ended());
    });
    CHECK(holds);
}

TEST_CASE("readers that never cease do not hold up what was taken away", "[ram_readers]") {
    RamReaders readers;
    auto last = readers.begin();
    readers.restart();
    int asked = 0;
    while (!readers.all_have_ended()) {
        const auto next = readers.begin();  // before the one before it ends
        readers.end(last);
        last = next;
        REQUIRE(++asked < 4);
    }
    readers.end(last);
}

}  // namespace
}  // namespace cairn
