// SPDX-License-Identifier: MIT
#include "cairn/heap/general/heap_magazines.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Small = Magazine<16>;

TEST_CASE("a magazine without places is empty and full", "[heap_magazines]") {
    Small magazine;
    const MagazineTop top = magazine.clear(0);
    CHECK(held(top) == 0);
    CHECK(Small::is_full(top));
    CHECK(held(no_magazine) == 0);
    CHECK(Small::is_full(no_magazine));
    CHECK(heap_bins::SlotMagazine::is_full(no_magazine));
    CHECK_FALSE(Small::is_full(magazine.clear(1)));
}

TEST_CASE("blocks keep their order when places come and go", "[heap_magazines]") {
    std::array<std::byte, 1000> memory{};
    std::mt19937 random(1);
    Small magazine;
    MagazineTop top = magazine.clear(0);
    std::size_t places = 0;
    std::vector<std::byte*> model;
    for (std::byte& byte : memory) {
        const auto amount = random() % 5;
        switch (random() % 4) {
            case 0:
                if (!Small::is_full(top)) break;
                top =
                    extend(top, model.size(), std::min<std::size_t>(amount, Small::most - places));
                places += std::min<std::size_t>(amount, Small::most - places);
                break;
            case 1: {
                const std::size_t less = std::min<std::size_t>(amount, places - model.size());
                top = shrink(top, less);
                places -= less;
                break;
            }
            case 2:
                if (model.empty()) break;
                --top;
                model.pop_back();
                break;
            default:
                if (Small::is_full(top)) break;
                *top++ = &byte;
                model.push_back(&byte);
        }
        REQUIRE(Small::is_full(top) == (model.size() == places));
        REQUIRE(held(top) == model.size());
        REQUIRE(std::equal(model.begin(), model.end(), top - model.size()));
    }
}

}  // namespace
}  // namespace cairn
