// SPDX-License-Identifier: MIT
#include "kernel/host/memory/counted_frames.hpp"

#include "kernel/host/memory/memory_map.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

/// Gives frames that nobody touches, as many as it is told to have.
class Frames final : public FrameSource {
  public:
    std::optional<HostPhys> allocate_frames(std::size_t count, std::uint64_t alignment) override {
        if (count > left) return std::nullopt;
        left -= count;
        last_alignment = alignment;
        return HostPhys{0x8000'0000};
    }
    void free_frames(HostPhys base, std::size_t count) override {
        CHECK(base == HostPhys{0x8000'0000});
        left += count;
    }
    std::byte* at(HostPhys address) override {
        return reinterpret_cast<std::byte*>(address.value + 1);
    }

    std::size_t left = 10;
    std::uint64_t last_alignment = 0;
};

}  // namespace

TEST_CASE("frames are counted, and refused beyond the limit", "[counted_frames]") {
    Frames below;
    QuotaAccount account("vm0", 5 * frame_size + 100);
    CountedFrames frames(below, account);
    const auto four = frames.allocate_frames(4, 16384);
    REQUIRE(four.has_value());
    CHECK(below.last_alignment == 16384);
    CHECK(account.live() == 4 * frame_size);
    CHECK_FALSE(frames.allocate_frames(2, frame_size).has_value());
    CHECK(account.refusals() == 1);
    CHECK(below.left == 6);
    REQUIRE(frames.allocate_frames(1, frame_size).has_value());
    frames.free_frames(*four, 4);
    CHECK(account.live() == frame_size);
    CHECK(below.left == 9);
    CHECK(frames.at({0x1234}) == below.at({0x1234}));
}

TEST_CASE("frames that are not there cost nothing", "[counted_frames]") {
    Frames below;
    QuotaAccount account("vm0", SIZE_MAX);
    CountedFrames frames(below, account);
    CHECK_FALSE(frames.allocate_frames(11, frame_size).has_value());
    CHECK_FALSE(frames.allocate_frames(SIZE_MAX / 2, frame_size).has_value());
    CHECK(account.live() == 0);
    CHECK(account.refusals() == 0);
}
