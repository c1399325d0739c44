// SPDX-License-Identifier: MIT
// Memory maps beside a set of frames.
#include <rapidcheck.h>

#include <algorithm>
#include <set>
#include <vector>

#include "kernel/host/memory/memory_map.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr std::uint64_t base = 0x8000'0000;
constexpr std::uint64_t most_frames = 64;

using Frames = std::set<std::uint64_t>;  // by number, from `base` on

/// Some bytes of the window, or nothing, or more than there is.
HostRange any_range() {
    const auto at = *rc::gen::inRange<std::uint64_t>(0, most_frames * 4);
    const auto size = *rc::gen::inRange<std::uint64_t>(0, 40);
    const auto odd = *rc::gen::element<std::uint64_t>(0, 0, 1, 0xfff);
    return {{base + at * 0x400 + odd}, size * 0x400};
}

std::vector<HostRange> some_ranges(std::size_t most) {
    std::vector<HostRange> ranges(*rc::gen::inRange<std::size_t>(0, most + 1));
    std::ranges::generate(ranges, any_range);
    return ranges;
}

/// The frames that lie whole in one of `memory` and that no byte of
/// `reserved` touches.
Frames model_of(const std::vector<HostRange>& memory, const std::vector<HostRange>& reserved) {
    Frames frames;
    for (std::uint64_t frame = 0; frame < most_frames + 16; ++frame) {
        const HostRange page{{base + frame * frame_size}, frame_size};
        const bool is_memory = std::ranges::any_of(
            memory, [&](HostRange range) { return range.contains(page.base, page.size); });
        const bool is_reserved = std::ranges::any_of(
            reserved, [&](HostRange range) { return range.size != 0 && range.overlaps(page); });
        if (is_memory && !is_reserved) frames.insert(frame);
    }
    return frames;
}

Frames frames_of(HostRange range) {
    Frames frames;
    for (std::uint64_t at = 0; at < range.size; at += frame_size)
        frames.insert((range.base.value + at - base) / frame_size);
    return frames;
}

/// The map holds the model's frames, as ranges in order and apart.
void check_same(const MemoryMap& map, const Frames& model) {
    Frames frames;
    HostPhys end{0};
    for (const HostRange& range : map.ranges()) {
        RC_ASSERT(range.size != 0 && range.base.value % frame_size == 0);
        RC_ASSERT(range.size % frame_size == 0);
        RC_ASSERT(range.base > end);
        end = range.end();
        frames.merge(frames_of(range));
    }
    RC_ASSERT(frames == model);
    RC_ASSERT(map.bytes() == model.size() * frame_size);
}

/// The shortest run of the model's frames that has `count` of them, by its length.
std::uint64_t shortest_run(const Frames& model, std::uint64_t count) {
    std::uint64_t best = 0;
    for (auto at = model.begin(); at != model.end();) {
        std::uint64_t length = 0;
        for (std::uint64_t next = *at; at != model.end() && *at == next; ++at, ++next)
            ++length;
        if (length >= count && (best == 0 || length < best)) best = length;
    }
    return best;
}

}  // namespace

TEST_CASE("a map is its frames, and what is taken is gone", "[memory_map_property]") {
    const bool holds = rc::check("against a set of frames", [] {
        const auto memory = some_ranges(8);
        const auto reserved = some_ranges(5);
        auto map = MemoryMap::create(memory, reserved);
        RC_ASSERT(map.has_value());
        Frames model = model_of(memory, reserved);
        check_same(*map, model);
        for (auto takes = *rc::gen::inRange(0, 20); takes > 0; --takes) {
            if (map->ranges().size() > 1 && *rc::gen::inRange(0, 4) == 0) {
                const HostRange first = map->ranges().front(), last = map->ranges().back();
                const HostRange far = map->take_farthest();
                RC_ASSERT(far == first || far == last);
                for (const std::uint64_t frame : frames_of(far))
                    RC_ASSERT(model.erase(frame) == 1U);
                check_same(*map, model);
                continue;
            }
            const auto size = *rc::gen::inRange<std::uint64_t>(0, 12 * frame_size);
            const std::uint64_t count = (size + frame_size - 1) / frame_size;
            const std::uint64_t run = shortest_run(model, count);
            const auto taken = map->take(size);
            RC_ASSERT(taken.has_value() == (size != 0 && run != 0));
            if (!taken) continue;
            RC_ASSERT(taken->size == count * frame_size);
            for (const std::uint64_t frame : frames_of(*taken))
                RC_ASSERT(model.erase(frame) == 1U);
            check_same(*map, model);
            // It was the shortest run: what is left of it is what it had too much.
            const std::uint64_t next = *frames_of(*taken).rbegin() + 1;
            std::uint64_t left = 0;
            while (model.contains(next + left))
                ++left;
            RC_ASSERT(left == run - count);
        }
    });
    CHECK(holds);
}
