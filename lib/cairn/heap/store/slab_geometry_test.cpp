// SPDX-License-Identifier: MIT
#include "cairn/heap/store/slab_geometry.hpp"

#include "tests/unit/catch.hpp"

namespace cairn {

TEST_CASE("slot checks accept every slot and nothing else", "[slab_geometry]") {
    for (unsigned c = 1; c <= small_classes; ++c) {
        const SlotCheck check(c);
        const std::size_t size = class_size(c);
        for (std::uint32_t offset = 0; offset < slab_size; ++offset) {
            const bool is_slot = offset % size == 0 && offset / size < slots_per_slab(c);
            if (check.accepts(offset) != is_slot) FAIL("class " << c << ", offset " << offset);
        }
    }
    CHECK_FALSE(SlotCheck().accepts(0));
}

TEST_CASE("classes hold their sizes", "[slab_geometry]") {
    for (std::size_t size = 1; size <= largest_small; ++size) {
        const unsigned c = small_class(size);
        CHECK(class_size(c) >= size);
        CHECK(class_size(c) - size < 16);
    }
}

}  // namespace cairn
