// SPDX-License-Identifier: MIT
// Random histories of the emulated PLIC beside those of its model.
#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <utility>

#include "kernel/dev/plic.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"
#include "tests/unit/plic_model.hpp"

using namespace cairn;

namespace {

/// A register that exists or nearly does, more often the former.
rc::Gen<std::uint64_t> any_register() {
    using rc::gen::inRange;
    using rc::gen::map;
    const auto id = inRange<std::uint32_t>(0, 100);
    const auto context = inRange<std::uint32_t>(0, 5);
    return rc::gen::oneOf(
        map(id, plic::priority), map(id, plic::pending), map(context, plic::threshold),
        map(context, plic::claim),
        map(rc::gen::pair(context, id), [](std::pair<std::uint32_t, std::uint32_t> at) {
            return plic::enable(at.first, at.second);
        }));
}

/// Values that are priorities, ids or sets of sources.
rc::Gen<std::uint32_t> any_value() {
    return rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 9),
                          rc::gen::inRange<std::uint32_t>(0, 100), rc::gen::just(~0u),
                          rc::gen::arbitrary<std::uint32_t>());
}

}  // namespace

TEST_CASE("any history looks like the specification's", "[plic_property]") {
    const bool holds = rc::check([] {
        const PlicConfig config{.sources = 95, .contexts = 4};
        Plic controller(config);
        test::PlicModel model(config);
        std::array<test::Wire, 4> lines;
        for (std::uint32_t c = 0; c < config.contexts; ++c)
            controller.connect(c, lines[c]);

        // Most sources are live from the start, or random histories would seldom interrupt.
        for (std::uint32_t id = 1; id <= config.sources; ++id) {
            const auto priority = static_cast<std::uint32_t>(*rc::gen::inRange(0, 8));
            controller.write(plic::priority(id), AccessWidth::word, priority).value();
            model.write(plic::priority(id), priority);
        }
        const int steps = *rc::gen::inRange(0, 400);
        for (int step = 0; step < steps; ++step) {
            const int kind = *rc::gen::inRange(0, 4);
            if (kind == 0) {
                const auto id = *rc::gen::inRange<std::uint32_t>(1, config.sources + 1);
                const auto up = *rc::gen::arbitrary<bool>();
                controller.source(id).set(up);
                model.drive(id, up);
            } else if (kind == 1) {
                const std::uint64_t place = *any_register();
                RC_ASSERT(controller.read(place, AccessWidth::word).value() == model.read(place));
            } else {
                const std::uint64_t place = *any_register();
                const std::uint32_t value = *any_value();
                controller.write(place, AccessWidth::word, value).value();
                model.write(place, value);
            }
            for (std::uint32_t c = 0; c < config.contexts; ++c) {
                RC_ASSERT(lines[c].up == model.line(c));
            }
        }
    });
    REQUIRE(holds);
}
