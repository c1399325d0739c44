// SPDX-License-Identifier: MIT
// The bump allocator as its users see it, and against a model: random sequences of every operation,
// where the model predicts each answer and every live block keeps the bytes written into it.
#include "cairn/bump_allocator.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constinit BumpAllocator global;  // usable, and empty, before any constructor has run

constexpr std::size_t grain = BumpArena::grain;
using Wide = unsigned __int128;  // the model's arithmetic does not overflow

constexpr Wide round_to(Wide value, Wide unit) {
    return (value + unit - 1) / unit * unit;
}

struct Block {
    std::size_t offset;
    std::size_t size;
    std::byte pattern;
};

/// The allocator under test beside what it should be.
class Model {
  public:
    Model(std::size_t from, std::size_t size)
        : base_(round_to(from, grain)), end_((from + size) / grain * grain), next_(base_) {
        RC_ASSERT(tested_.init({memory_.data() + from, size}).has_value());
    }

    void allocate(std::size_t size, std::size_t alignment) {
        const auto got = tested_.allocate(size, alignment);
        if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
            RC_ASSERT(got.error() == AllocError::bad_alignment);
            return;
        }
        // Addresses count, not offsets: the buffer itself is only 4 KiB-aligned.
        const auto origin = reinterpret_cast<std::uintptr_t>(memory_.data());
        const Wide start =
            round_to(Wide{origin} + next_, std::max<Wide>(alignment, grain)) - origin;
        const Wide end = start + round_to(std::max<Wide>(size, 1), grain);
        if (end > end_) {
            RC_ASSERT(got.error() == AllocError::out_of_memory);
            return;
        }
        RC_ASSERT(got.has_value());
        RC_ASSERT(*got == memory_.data() + static_cast<std::size_t>(start));
        RC_ASSERT(reinterpret_cast<std::uintptr_t>(*got) % alignment == 0);
        blocks_.push_back({static_cast<std::size_t>(start), size, next_pattern()});
        paint(blocks_.back());
        move_break(end);
    }

    void free_block(std::size_t which) {
        if (blocks_.empty()) return;
        const std::size_t index = which % blocks_.size();
        const Block block = blocks_[index];
        check(block);
        const bool last = is_last(block);
        RC_ASSERT(tested_.free_last(at(block), block.size).has_value() == last);
        if (!last) return;
        blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(index));
        move_break(block.offset);
        RC_ASSERT(!tested_.free_last(at(block), block.size).has_value());
    }

    void resize(std::size_t which, std::size_t new_size) {
        if (blocks_.empty()) return;
        Block& block = blocks_[which % blocks_.size()];
        check(block);
        const Wide old_grains = round_to(std::max<Wide>(block.size, 1), grain);
        const Wide new_grains = round_to(std::max<Wide>(new_size, 1), grain);
        const auto got = tested_.resize_last(at(block), block.size, new_size);
        if (!is_last(block) && old_grains != new_grains) {
            RC_ASSERT(got.error() == AllocError::not_last_block);
            return;
        }
        if (block.offset + new_grains > end_) {
            RC_ASSERT(got.error() == AllocError::out_of_memory);
            return;
        }
        RC_ASSERT(got.has_value());
        if (is_last(block)) move_break(block.offset + new_grains);
        const Block kept{block.offset, std::min(block.size, new_size), block.pattern};
        check(kept);  // what was in both sizes stays
        block.size = new_size;
        paint(block);
    }

    void mark() { marks_.emplace_back(tested_.mark(), next_); }

    void rewind(std::size_t which) {
        if (marks_.empty()) return;
        const auto [mark, height] = marks_[which % marks_.size()];
        if (height > next_) {
            RC_ASSERT(tested_.rewind(mark).error() == AllocError::bad_mark);
            return;
        }
        // A stale mark that the break has passed again may lie inside a block; not a use to test.
        for (const Block& block : blocks_) {
            if (block.offset < height && end_of(block) > height) return;
        }
        RC_ASSERT(tested_.rewind(mark).has_value());
        std::erase_if(blocks_, [&](const Block& block) { return block.offset >= height; });
        move_break(height);
    }

    void check_all() const {
        for (const Block& block : blocks_) {
            check(block);
            RC_ASSERT(tested_.owns(at(block)));
        }
        RC_ASSERT(tested_.used() == static_cast<std::size_t>(next_ - base_));
        RC_ASSERT(tested_.remaining() == static_cast<std::size_t>(end_ - next_));
        RC_ASSERT(tested_.capacity() == static_cast<std::size_t>(end_ - base_));
        RC_ASSERT(tested_.high_water() == static_cast<std::size_t>(peak_));
    }

  private:
    static Wide end_of(const Block& block) {
        return block.offset + round_to(std::max<Wide>(block.size, 1), grain);
    }
    bool is_last(const Block& block) const { return end_of(block) == next_; }
    const std::byte* at(const Block& block) const { return memory_.data() + block.offset; }
    void move_break(Wide to) {
        next_ = to;
        peak_ = std::max(peak_, next_ - base_);
    }
    std::byte next_pattern() { return static_cast<std::byte>(++painted_); }
    void paint(const Block& block) {
        std::fill_n(memory_.data() + block.offset, block.size, block.pattern);
    }
    void check(const Block& block) const {
        RC_ASSERT(std::all_of(at(block), at(block) + block.size,
                              [&](std::byte byte) { return byte == block.pattern; }));
    }

    alignas(4096) std::array<std::byte, 16384> memory_{};
    BumpAllocator tested_;
    Wide base_;
    Wide end_;
    Wide next_;
    Wide peak_ = 0;
    unsigned painted_ = 0;
    std::vector<Block> blocks_;
    std::vector<std::pair<BumpAllocator::Mark, Wide>> marks_;
};

/// Mostly small sizes, some as large as the region, and a few that would wrap.
rc::Gen<std::size_t> any_size() {
    return rc::gen::weightedOneOf<std::size_t>(
        {{8, rc::gen::inRange<std::size_t>(0, 200)},
         {3, rc::gen::inRange<std::size_t>(0, 17000)},
         {2, rc::gen::map(rc::gen::inRange<std::size_t>(0, 40),
                          [](std::size_t below) { return SIZE_MAX - below; })},
         {1, rc::gen::arbitrary<std::size_t>()}});
}

rc::Gen<std::size_t> any_alignment() {
    return rc::gen::weightedOneOf<std::size_t>(
        {{12, rc::gen::map(rc::gen::inRange(0, 11), [](int bit) { return std::size_t{1} << bit; })},
         {2, rc::gen::map(rc::gen::inRange(0, 64), [](int bit) { return std::size_t{1} << bit; })},
         {1, rc::gen::arbitrary<std::size_t>()}});
}

void step(Model& model) {
    const auto which = *rc::gen::inRange<std::size_t>(0, 1000);
    switch (*rc::gen::inRange(0, 10)) {
        case 0:
        case 1: model.free_block(which); break;
        case 2: model.resize(which, *any_size()); break;
        case 3: model.mark(); break;
        case 4: model.rewind(which); break;
        default: model.allocate(*any_size(), *any_alignment()); break;
    }
    model.check_all();
}

}  // namespace

TEST_CASE("A global bump allocator is empty until it has a region", "[bump_allocator]") {
    CHECK(global.allocate(1).error() == AllocError::out_of_memory);
    CHECK(global.allocate(1, 3).error() == AllocError::bad_alignment);
    CHECK(global.capacity() == 0);
    CHECK_FALSE(global.free_last(nullptr, 0).has_value());

    alignas(64) static std::array<std::byte, 256> memory{};
    REQUIRE(global.init({memory.data(), memory.size()}).has_value());
    CHECK(global.init({memory.data(), memory.size()}).error() == AllocError::already_initialised);
    const auto mark = global.mark();
    const auto block = global.allocate(10, 64);
    REQUIRE(block.has_value());
    CHECK(*block == memory.data());
    CHECK(global.owns(*block));
    CHECK(global.resize_last(*block, 10, 256).has_value());
    CHECK(global.remaining() == 0);
    CHECK(global.allocate(0).error() == AllocError::out_of_memory);
    CHECK(global.rewind(mark).has_value());
    CHECK(global.used() == 0);
    CHECK(global.high_water() == 256);
}

TEST_CASE("The lock is a choice", "[bump_allocator]") {
    alignas(16) std::array<std::byte, 64> memory{};
    BasicBumpAllocator<NullLock> unlocked;
    static_assert(sizeof(unlocked) == sizeof(BumpArena) + sizeof(BreakGrowth));
    REQUIRE(unlocked.init({memory.data(), memory.size()}).has_value());
    CHECK(unlocked.allocate(64).has_value());
    CHECK(unlocked.allocate(1).error() == AllocError::out_of_memory);
}

TEST_CASE("As a ByteAllocator it takes back the last block or nothing", "[bump_allocator]") {
    alignas(64) std::array<std::byte, 256> memory{};
    BumpAllocator bump;
    REQUIRE(bump.init({memory.data(), memory.size()}).has_value());
    const Layout layout{.size = 20, .alignment = 64};
    std::byte* const first = bump.allocate(layout).value();
    std::byte* const last = bump.allocate(layout).value();
    CHECK(last == first + 64);
    CHECK(bump.allocate({.size = 1, .alignment = 3}).error() == AllocError::bad_alignment);

    CHECK(bump.try_resize(first, layout, 32));  // within its grains
    CHECK_FALSE(bump.try_resize(first, layout, 33));
    CHECK(bump.try_resize(last, layout, 192));
    CHECK(bump.remaining() == 0);
    CHECK_FALSE(bump.try_resize(last, {192, 64}, 193));
    CHECK(bump.try_resize(last, {192, 64}, 16));

    bump.deallocate(first, layout);
    bump.deallocate(nullptr, layout);
    CHECK(bump.used() == 80);
    bump.deallocate(last, {16, 64});
    CHECK(bump.used() == 64);
}

namespace {

/// A source with 1 MiB in pages of 1 KiB. `gap` bytes of it are lost at each call.
struct Source {
    alignas(64) static inline std::array<std::byte, std::size_t{1} << 20> memory{};
    static inline std::size_t taken = 0;
    static inline std::size_t gap = 0;
    static inline unsigned calls = 0;

    static constexpr std::size_t page = 1024;

    static std::expected<Region, RegionError> region(std::size_t size) {
        ++calls;
        size = (size + page - 1) / page * page;
        if (size > memory.size() - taken - gap) return std::unexpected(RegionError::refused);
        std::byte* const base = memory.data() + taken + gap;
        taken += gap + size;
        return Region{base, size};
    }
    static Region start(std::size_t size) {
        taken = size;
        gap = 0;
        calls = 0;
        return {memory.data(), size};
    }
};

}  // namespace

TEST_CASE("What is reserved becomes memory when the break comes there", "[bump_allocator]") {
    constexpr std::size_t reserved = 100'000;
    BumpAllocator grown;
    CHECK(grown.init(Source::start(1024), Source::region, SIZE_MAX).error() ==
          AllocError::bad_region);
    REQUIRE(grown.init(Source::start(1024), Source::region, reserved).has_value());
    CHECK(grown.init(Source::start(1024), Source::region, 0).error() ==
          AllocError::already_initialised);
    CHECK(grown.region() == Region{Source::memory.data(), 1024 + reserved});
    CHECK(grown.owns(Source::memory.data() + 1023 + reserved));
    CHECK_FALSE(grown.owns(Source::memory.data() + 1024 + reserved));

    const auto first = grown.allocate(1000);
    CHECK(Source::calls == 0);
    const auto second = grown.allocate(100);
    CHECK(*second == *first + 1008);  // across what was the end
    CHECK(Source::taken == 1024 + Source::page);
    const auto third = grown.allocate(5000, 512);
    CHECK(third.has_value());
    CHECK(Source::calls == 2);
    CHECK(grown.remaining() == grown.capacity() - grown.used());
    CHECK(grown.capacity() == 1024 + reserved);

    CHECK(grown.allocate(SIZE_MAX).error() == AllocError::out_of_memory);
    CHECK(grown.allocate(1, std::size_t{1} << 63).error() == AllocError::out_of_memory);
    CHECK(grown.allocate(SIZE_MAX, 4096).error() == AllocError::out_of_memory);
    CHECK(grown.allocate(1, 24'000).error() == AllocError::bad_alignment);
    CHECK(grown.allocate(reserved).error() == AllocError::out_of_memory);
    CHECK(Source::calls == 2);
    while (grown.allocate(1000)) {
    }
    while (grown.allocate(0)) {
    }
    CHECK(grown.used() == 1024 + reserved);
    CHECK(grown.remaining() == 0);
    CHECK(grown.allocate(1).error() == AllocError::out_of_memory);
}

TEST_CASE("A break refuses while its source does, and does not grow over a gap",
          "[bump_allocator]") {
    BumpAllocator grown;
    REQUIRE(grown.init(Source::start(1024), Source::region, 2 * Source::memory.size()).has_value());
    CHECK(grown.allocate(Source::memory.size() + 16).error() == AllocError::out_of_memory);
    CHECK(grown.remaining() == 1024 + 2 * Source::memory.size());
    Source::gap = 16;
    CHECK(grown.allocate(1025).error() == AllocError::out_of_memory);
    CHECK(grown.allocate(1025).error() == AllocError::out_of_memory);
    CHECK(Source::calls == 2);  // it is not asked again, as what it gives is lost
    CHECK(grown.allocate(1024).has_value());
    CHECK(grown.capacity() == 1024);
}

TEST_CASE("Every operation does what the model does", "[bump_allocator]") {
    const bool holds = rc::check("bump allocator against its model", [] {
        const auto from = *rc::gen::inRange<std::size_t>(0, 4200);
        const auto size = *rc::gen::inRange<std::size_t>(2 * grain, 16384 - from);
        const auto model = std::make_unique<Model>(from, size);
        const int steps = *rc::gen::inRange(1, 60);
        for (int i = 0; i < steps; ++i)
            step(*model);
    });
    CHECK(holds);
}
