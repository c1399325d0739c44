// SPDX-License-Identifier: MIT
#include "kernel/vm/guest_features.hpp"

#include "tests/unit/catch.hpp"

using namespace cairn;

TEST_CASE("each feature opens its own bits of henvcfg", "[guest_features]") {
    CHECK(henvcfg_for({}) == 0);
    CHECK(henvcfg_for({.fiom = true}) == 1);
    CHECK(henvcfg_for({.sstc = true}) == 1ull << 63);
    CHECK(henvcfg_for({.svpbmt = true}) == 1ull << 62);
    CHECK(henvcfg_for({.zicboz = true}) == 1 << 7);
    // cbo.clean and cbo.flush; cbo.inval acts as cbo.flush (CBIE = 01), for the guest must not
    // bring back what memory held before it.
    CHECK(henvcfg_for({.zicbom = true}) == (1 << 6 | 0b01 << 4));
    CHECK(henvcfg_for({.fp = true}) == 0);
}

TEST_CASE("henvcfg is the union of what its features open, and sticks", "[guest_features]") {
    for (unsigned set = 0; set < 32; ++set) {
        const GuestFeatures features{.sstc = (set & 1) != 0,
                                     .svpbmt = (set & 2) != 0,
                                     .zicbom = (set & 4) != 0,
                                     .zicboz = (set & 8) != 0,
                                     .fp = (set & 16) != 0};
        const std::uint64_t value = henvcfg_for(features);
        CHECK(value ==
              (henvcfg_for({.sstc = features.sstc}) | henvcfg_for({.svpbmt = features.svpbmt}) |
               henvcfg_for({.zicbom = features.zicbom}) |
               henvcfg_for({.zicboz = features.zicboz})));
        CHECK((value & ~0xc000'0000'0000'00f1ull) == 0);  // what sticks on QEMU 7.2
    }
}
