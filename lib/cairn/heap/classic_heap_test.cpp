// SPDX-License-Identifier: MIT
#include "cairn/classic_heap.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/fault_log.hpp"

using namespace cairn;
using tests::FaultLog;

namespace {

BumpAllocator no_break;
constinit ClassicHeap<BestFit> global(no_break);  // needs no constructor to run

constexpr std::size_t header = classic::Block::header();

/// A heap in 64 KiB of its own, with small chunks so that growth is seen.
template <class Fit, std::size_t chunk = 1024>
struct Fixture {
    alignas(4096) std::array<std::byte, std::size_t{64} << 10> memory{};
    BumpAllocator source;
    FaultLog log;
    ClassicHeap<Fit> heap{source, {.chunk_size = chunk, .owner = "test", .hook = log.hook()}};

    Fixture() { REQUIRE(source.init({memory.data(), memory.size()}).has_value()); }

    std::byte* take(std::size_t size, std::size_t alignment = 16) {
        const auto block = heap.allocate({size, alignment});
        REQUIRE(block.has_value());
        return *block;
    }
    std::string picture() {
        FixedBuffer<1024> buffer;
        heap.draw(buffer);
        return std::string(buffer.view());
    }
    std::size_t at(const std::byte* block) const {
        return static_cast<std::size_t>(block - memory.data());
    }
};

/// Free blocks of 64, 32 and 96 bytes between used ones, then 16 bytes at the end of the chunk.
template <class Fit>
struct Holes : Fixture<Fit, 16 * 28> {
    std::byte* first = this->take(64);
    std::byte* wall_1 = this->take(16);
    std::byte* second = this->take(32);
    std::byte* wall_2 = this->take(16);
    std::byte* third = this->take(96);
    std::byte* rest = this->take(32);

    Holes() {
        for (std::byte* each : {first, second, third})
            this->heap.deallocate(each);
        REQUIRE(this->picture() == "[.... 64][# 16][.. 32][# 16][...... 96][## 32]");
    }
};

}  // namespace

TEST_CASE("Blocks are split off, and join their neighbours again", "[classic_heap]") {
    Fixture<FirstFit> fixture;
    CHECK(fixture.picture().empty());
    std::byte* const a = fixture.take(50);
    std::byte* const b = fixture.take(0);
    std::byte* const c = fixture.take(128);
    CHECK(fixture.at(a) == header);
    CHECK(fixture.picture() == "[#### 64][# 16][######## 128][........ 688]");
    CHECK(fixture.heap.usable_size(a) == 64);
    CHECK(fixture.heap.usable_size(b) == 16);

    SECTION("free after free") {
        fixture.heap.deallocate(a);
        fixture.heap.deallocate(b);
        CHECK(fixture.picture() == "[....... 112][######## 128][........ 688]");
    }
    SECTION("free before free") {
        fixture.heap.deallocate(b);
        fixture.heap.deallocate(a);
        CHECK(fixture.picture() == "[....... 112][######## 128][........ 688]");
    }
    SECTION("free between two free ones") {
        fixture.heap.deallocate(a);
        fixture.heap.deallocate(c);
        CHECK(fixture.picture() == "[.... 64][# 16][........ 848]");
        fixture.heap.deallocate(b);
        CHECK(fixture.picture() == "[........ 992]");
    }
    SECTION("nullptr is nothing") {
        fixture.heap.deallocate(nullptr);
        fixture.heap.deallocate(nullptr, {8, 8});
        CHECK(fixture.heap.statistics().used_blocks == 3);
    }
    CHECK(fixture.heap.check());
    CHECK(fixture.log.empty());
}

TEST_CASE("A rest that is too short for a block stays with the block", "[classic_heap]") {
    Fixture<FirstFit, 0> fixture;  // chunks exactly as long as needed
    std::byte* const a = fixture.take(96);
    fixture.take(16);
    fixture.heap.deallocate(a);
    CHECK(fixture.take(64) == a);  // 32 bytes more: no room for a header and a payload
    CHECK(fixture.picture() == "[###### 96][# 16]");
    CHECK(fixture.heap.usable_size(a) == 96);
    fixture.heap.deallocate(a, {64, 16});
    CHECK(fixture.take(48) == a);
    CHECK(fixture.picture() == "[### 48][. 16][# 16]");
}

TEST_CASE("First fit takes the lowest block that fits", "[classic_heap]") {
    Holes<FirstFit> holes;
    CHECK(holes.take(32) == holes.first);
    CHECK(holes.picture() == "[#### 64][# 16][.. 32][# 16][...... 96][## 32]");
    CHECK(holes.take(32) == holes.second);
    CHECK(holes.take(32) == holes.third);
    CHECK(holes.picture() == "[#### 64][# 16][## 32][# 16][## 32][.. 32][## 32]");
}

TEST_CASE("Next fit goes on where the last search ended", "[classic_heap]") {
    Holes<NextFit> holes;
    CHECK(holes.take(16) == holes.first);
    CHECK(holes.picture() == "[# 16][. 16][# 16][.. 32][# 16][...... 96][## 32]");
    CHECK(holes.take(32) == holes.second);
    holes.heap.deallocate(holes.first);
    CHECK(holes.take(16) == holes.third);
    CHECK(holes.take(48) == holes.third + 16 + header);  // the rest of the one before
    CHECK(holes.picture() == "[.... 64][# 16][## 32][# 16][# 16][### 48][## 32]");
    CHECK(holes.take(16) == holes.first);  // once around
}

TEST_CASE("Next fit's place survives when its block goes into another", "[classic_heap]") {
    Fixture<NextFit> fixture;
    std::byte* const a = fixture.take(64);
    fixture.take(16);
    fixture.take(16);
    std::byte* const b = fixture.take(640);
    std::byte* const c = fixture.take(16);
    CHECK(fixture.picture() == "[#### 64][# 16][# 16][######## 640][# 16][..... 80]");
    fixture.heap.deallocate(c);
    fixture.heap.deallocate(b);  // swallows what the place was
    fixture.heap.deallocate(a);
    CHECK(fixture.take(16) == b);
    CHECK(fixture.heap.check());
}

TEST_CASE("Best fit takes the smallest block that fits", "[classic_heap]") {
    Holes<BestFit> holes;
    CHECK(holes.take(20) == holes.second);
    CHECK(holes.take(33) == holes.first);
    CHECK(holes.take(10) == holes.third);
    CHECK(holes.picture() == "[#### 64][# 16][## 32][# 16][# 16][... 48][## 32]");
}

TEST_CASE("Free blocks are used before the heap grows", "[classic_heap]") {
    Fixture<FirstFit> fixture;
    std::byte* const a = fixture.take(992);
    CHECK(fixture.source.used() == 1024);
    fixture.heap.deallocate(a);
    for (int i = 0; i < 100; ++i)
        fixture.heap.deallocate(fixture.take(992));
    CHECK(fixture.source.used() == 1024);
    fixture.take(993);
    CHECK(fixture.source.used() == 1024 + 1008 + header);  // larger than a chunk: as much as needed
    CHECK(fixture.heap.statistics().chunks == 1);          // it lay next to the first one
}

TEST_CASE("Chunks join where they touch, and only there", "[classic_heap]") {
    Fixture<FirstFit, 128> fixture;
    std::byte* const a = fixture.take(96);
    std::byte* const b = fixture.take(96);
    REQUIRE(fixture.source.allocate(16).has_value());  // somebody else's
    std::byte* const c = fixture.take(96);
    CHECK(fixture.picture() == "[###### 96][###### 96] [###### 96]");
    for (std::byte* each : {a, c, b})
        fixture.heap.deallocate(each);
    CHECK(fixture.picture() == "[........ 224] [...... 96]");
    CHECK(fixture.heap.statistics().chunks == 2);
    CHECK(fixture.heap.statistics().free_blocks == 2);
    CHECK(fixture.heap.check());
    CHECK(fixture.heap.owns(a));
    CHECK(fixture.heap.owns(c + 95));
    CHECK_FALSE(fixture.heap.owns(c - header - 1));  // somebody else's
    CHECK_FALSE(fixture.heap.owns(c + 96));
    CHECK(fixture.heap.owns(fixture.memory.data()));
    CHECK_FALSE(fixture.heap.owns(fixture.memory.data() - 1));
    for (std::size_t i = 0; i < sizeof global; ++i)
        CHECK_FALSE(global.owns(reinterpret_cast<const std::byte*>(&global) + i));
}

TEST_CASE("When the break has no chunk left, it is asked for what is needed", "[classic_heap]") {
    Fixture<FirstFit, 4096> fixture;
    REQUIRE(fixture.source.allocate((std::size_t{64} << 10) - 256).has_value());
    CHECK(fixture.heap.allocate({224}).has_value());
    CHECK(fixture.source.remaining() == 0);
    CHECK(fixture.heap.allocate({1}).error() == AllocError::out_of_memory);
    CHECK(fixture.heap.check());
}

TEST_CASE("Every refusal has its reason", "[classic_heap]") {
    Fixture<FirstFit> fixture;
    CHECK(fixture.heap.allocate({SIZE_MAX}).error() == AllocError::too_large);
    CHECK(fixture.heap.allocate({std::size_t{PTRDIFF_MAX} + 1}).error() == AllocError::too_large);
    CHECK(fixture.heap.allocate({PTRDIFF_MAX}).error() == AllocError::out_of_memory);
    CHECK(fixture.heap.allocate({PTRDIFF_MAX, std::size_t{1} << 63}).error() ==
          AllocError::out_of_memory);
    CHECK(fixture.heap.allocate({8, 0}).error() == AllocError::bad_alignment);
    CHECK(fixture.heap.allocate({8, 24}).error() == AllocError::bad_alignment);
    CHECK(fixture.heap.allocate({64 << 10}).error() == AllocError::out_of_memory);
    CHECK(fixture.source.used() == 0);
    CHECK(no_break.capacity() == 0);
    CHECK(global.allocate({1}).error() == AllocError::out_of_memory);
}

TEST_CASE("What an aligned block skips stays free", "[classic_heap]") {
    Fixture<FirstFit> fixture;
    std::byte* const a = fixture.take(16, 256);
    CHECK(fixture.at(a) == 256);
    CHECK(fixture.picture() == "[........ 192][# 16][........ 720]");
    std::byte* const b = fixture.take(100, 1);
    CHECK(fixture.at(b) == header);
    // At 64 the gap would be too short for a block, so it begins at 128.
    fixture.heap.deallocate(b);
    std::byte* const c = fixture.take(16, 64);
    CHECK(fixture.at(c) == 128);
    fixture.heap.deallocate(a, {16, 256});
    fixture.heap.deallocate(c, {16, 64});
    CHECK(fixture.heap.statistics().free_blocks == 1);
    CHECK(fixture.at(fixture.take(16, 4096)) % 4096 == 0);
    CHECK(fixture.heap.check());
}

TEST_CASE("Blocks change their size where they lie", "[classic_heap]") {
    Fixture<FirstFit> fixture;
    std::byte* const a = fixture.take(64);
    std::byte* const b = fixture.take(64);
    std::byte* const wall = fixture.take(16);
    std::fill_n(a, 64, std::byte{0x5a});

    CHECK_FALSE(fixture.heap.try_resize(a, {64}, 65));
    CHECK(fixture.heap.try_resize(a, {64}, 50));
    CHECK(fixture.heap.usable_size(a) == 64);  // 14 bytes make no block
    CHECK(fixture.heap.try_resize(a, {50}, 0));
    CHECK(fixture.picture() == "[# 16][. 16][#### 64][# 16][........ 752]");
    CHECK(fixture.heap.try_resize(a, {0}, 64));
    CHECK(fixture.picture() == "[#### 64][#### 64][# 16][........ 752]");
    fixture.heap.deallocate(b);
    CHECK_FALSE(fixture.heap.try_resize(a, {64}, 64 + header + 64 + 1));
    CHECK(fixture.heap.try_resize(a, {64}, 100));
    CHECK(fixture.picture() == "[####### 112][. 16][# 16][........ 752]");
    CHECK(fixture.heap.try_resize(a, {100}, 64 + header + 64));
    CHECK(fixture.picture() == "[######## 160][# 16][........ 752]");
    CHECK(fixture.heap.try_resize(wall, {16}, 800));
    CHECK_FALSE(fixture.heap.try_resize(wall, {800}, 801));
    CHECK_FALSE(fixture.heap.try_resize(wall, {800}, SIZE_MAX));
    CHECK(std::all_of(a, a + 16, [](std::byte byte) { return byte == std::byte{0x5a}; }));
    CHECK(fixture.heap.check());
    CHECK(fixture.log.empty());
}

TEST_CASE("Every step is told", "[classic_heap]") {
    Fixture<FirstFit, 256> fixture;
    FixedBuffer<1024> story;
    const auto told = [&story] {
        const std::string since(story.view());
        story.clear();
        return since;
    };
    fixture.heap.set_trace(&story);
    std::byte* const a = fixture.take(40);
    CHECK(told() ==
          "allocate: 40 bytes at a multiple of 16\n"
          "    grow: the break gives 256 bytes at +0\n"
          "    split: +32 keeps 48 bytes, and +112 is a block of its own\n"
          "    take: +32, 48 bytes\n");
    fixture.take(16);
    fixture.heap.deallocate(a);
    told();
    std::byte* const b = fixture.take(64, 32);
    CHECK(told() ==
          "allocate: 64 bytes at a multiple of 32\n"
          "    too small: +32, 48 bytes\n"
          "    fits: +160, 96 bytes\n"
          "    take: +160, 96 bytes\n");
    fixture.heap.deallocate(b);
    CHECK(told() == "free: +160, 96 bytes\n");
    CHECK(fixture.heap.try_resize(fixture.memory.data() + 112, {16}, 32));
    CHECK(told() ==
          "resize: +112 from 16 bytes to 32\n"
          "    coalesce: +112 and +160 become one block of 144 bytes\n"
          "    split: +112 keeps 32 bytes, and +176 is a block of its own\n");
    CHECK(fixture.heap.allocate({64 << 10}).error() == AllocError::out_of_memory);
    CHECK(told() ==
          "allocate: 65536 bytes at a multiple of 16\n"
          "    too small: +32, 48 bytes\n"
          "    too small: +176, 80 bytes\n"
          "    refuse: nothing fits, and the break gives no more\n");
    fixture.heap.set_trace({});
    fixture.take(16);
    CHECK(told().empty());
}

// --- misuse --------------------------------------------------------------------------------------

TEST_CASE("A block that comes back twice is reported", "[classic_heap]") {
    Fixture<FirstFit> fixture;
    std::byte* const a = fixture.take(64);
    std::byte* const b = fixture.take(64);
    std::byte* const c = fixture.take(64);
    fixture.heap.deallocate(a);
    fixture.heap.deallocate(a);
    CHECK(fixture.log.took(HeapFaultKind::double_free, a));
    fixture.heap.deallocate(b);  // goes into a
    fixture.heap.deallocate(b, {64});
    CHECK(fixture.log.took(HeapFaultKind::double_free, b));
    CHECK_FALSE(fixture.heap.try_resize(b, {64}, 16));
    CHECK(fixture.log.took(HeapFaultKind::double_free, b));
    CHECK(fixture.take(160) == a);  // b's old header now lies inside
    fixture.heap.deallocate(b);
    CHECK(fixture.log.took(HeapFaultKind::double_free, b));
    fixture.heap.deallocate(c);
    CHECK(fixture.log.empty());
    CHECK(fixture.heap.check());
}

TEST_CASE("What is no block of this heap is reported", "[classic_heap]") {
    Fixture<FirstFit, 128> fixture;
    std::byte outside{};
    fixture.heap.deallocate(&outside);
    CHECK(fixture.log.took(HeapFaultKind::foreign_pointer, &outside));
    std::byte* const a = fixture.take(96);
    const auto theirs = fixture.source.allocate(64);
    REQUIRE(theirs.has_value());
    std::memset(*theirs, 0xff, 64);
    std::byte* const b = fixture.take(96);
    for (std::byte* wild : {&outside, fixture.memory.data(), fixture.memory.data() + 16, b + 96,
                            fixture.memory.data() + fixture.memory.size()}) {
        fixture.heap.deallocate(wild);
        CHECK(fixture.log.took(HeapFaultKind::foreign_pointer, wild));
    }
    for (std::byte* wrong : {a + 1, a + 8, a + 16, a + 80, *theirs + 32, b - 16, b + 16}) {
        fixture.heap.deallocate(wrong);
        CHECK(fixture.log.took(HeapFaultKind::invalid_pointer, wrong));
        CHECK(fixture.heap.usable_size(wrong) == 0);
    }
    // A copy of a block's header does not make a block.
    std::memcpy(*theirs, a - header, header);
    fixture.heap.deallocate(*theirs + header);
    CHECK(fixture.log.took(HeapFaultKind::invalid_pointer, *theirs + header));
    CHECK(fixture.heap.usable_size(&outside) == 0);
    fixture.heap.deallocate(a);
    fixture.heap.deallocate(b);
    CHECK(fixture.log.empty());
    CHECK(fixture.heap.check());
}

TEST_CASE("Another layout than the block's is reported", "[classic_heap]") {
    Fixture<FirstFit> fixture;
    fixture.take(16);
    std::byte* const a = fixture.take(64);
    for (const Layout wrong : {Layout{65}, Layout{16}, Layout{SIZE_MAX}, Layout{64, 24}}) {
        fixture.heap.deallocate(a, wrong);
        CHECK(fixture.log.took(HeapFaultKind::wrong_size, a));
    }
    REQUIRE(fixture.at(a) % 64 != 0);
    fixture.heap.deallocate(a, {64, 64});
    CHECK(fixture.log.took(HeapFaultKind::wrong_alignment, a));
    fixture.heap.deallocate(a, {49, 8});
    CHECK(fixture.log.empty());
}

TEST_CASE("Writing past a block's end is seen when it comes back", "[classic_heap]") {
    Fixture<FirstFit> fixture;
    std::byte* const a = fixture.take(64);
    std::byte* const b = fixture.take(64);
    const std::byte saved = a[64];
    a[64] ^= std::byte{1};
    fixture.heap.deallocate(a);
    CHECK(fixture.log.faults().at(0).size == 64);
    CHECK(FaultLog::sentence(fixture.log.faults()[0]).starts_with("heap 'test': overflow: the "));
    CHECK(fixture.log.took(HeapFaultKind::overflow, a));
    fixture.heap.deallocate(b);
    CHECK(fixture.log.took(HeapFaultKind::corrupt_header, b));
    CHECK_FALSE(fixture.heap.check());
    CHECK(fixture.log.took(HeapFaultKind::corrupt_header, b));
    CHECK(fixture.picture() == "[#### 64][?]");
    fixture.heap.deallocate(fixture.take(16));  // the heap goes on
    a[64] = saved;
    fixture.heap.deallocate(a);
    fixture.heap.deallocate(b);
    CHECK(fixture.log.empty());
    CHECK(fixture.picture() == "[........ 992]");
}

TEST_CASE("Every damaged byte of a header is seen", "[classic_heap]") {
    Fixture<BestFit> fixture;
    fixture.take(16);
    std::byte* const a = fixture.take(64);
    fixture.take(16);
    for (std::size_t i = 0; i < header; ++i) {
        for (const auto flip : {std::byte{1}, std::byte{0x80}, std::byte{0xff}}) {
            (a - header)[i] ^= flip;
            fixture.heap.deallocate(a);
            (a - header)[i] ^= flip;
            CHECK(fixture.log.took(HeapFaultKind::corrupt_header, a));
        }
    }
    fixture.heap.deallocate(a);
    CHECK(fixture.log.empty());
}

TEST_CASE("Links of free blocks that were written over are found", "[classic_heap]") {
    Fixture<FirstFit> fixture;
    std::byte* const a = fixture.take(64);
    std::byte* const wall = fixture.take(16);
    fixture.heap.deallocate(a);
    std::byte* const last = wall + 16 + header;  // free as well
    CHECK(fixture.heap.check());
    for (std::byte* each : {a, last}) {
        for (const std::size_t link : {std::size_t{0}, sizeof(void*)}) {
            each[link] ^= std::byte{0x10};
            CHECK_FALSE(fixture.heap.check());
            const auto faults = fixture.log.faults();
            REQUIRE(faults.size() == 1);
            CHECK(fixture.log.took(HeapFaultKind::corrupt_free_list, faults[0].address));
            each[link] ^= std::byte{0x10};
        }
    }
    CHECK(fixture.heap.check());
    CHECK(fixture.log.empty());
}

TEST_CASE("A damaged header is found behind a block that was cut or joined", "[classic_heap]") {
    Fixture<FirstFit> fixture;
    std::byte* const a = fixture.take(512);
    std::byte* const b = fixture.take(64);
    fixture.heap.deallocate(a);
    classic::Block::of(b)->size += 16;
    std::byte* const cut = fixture.take(64);
    fixture.heap.deallocate(cut);
    fixture.heap.deallocate(b);
    CHECK(fixture.log.took(HeapFaultKind::corrupt_header, b));
}
