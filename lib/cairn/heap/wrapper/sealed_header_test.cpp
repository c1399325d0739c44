// SPDX-License-Identifier: MIT
#include "cairn/heap/wrapper/sealed_header.hpp"

#include <array>
#include <cstring>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct Contents {
    std::uint64_t size;
    void* owner;
};
using Header = SealedHeader<Contents>;
static_assert(sizeof(Header) == 32);
static_assert(Header::front(1) == 32 && Header::front(32) == 32 && Header::front(4096) == 4096);

struct Block {
    alignas(16) std::array<std::byte, 64> memory{};
    std::byte* block = memory.data() + 32;
    Header& header = Header::open(block, {100, this});

    void flip(std::size_t byte, unsigned bit) { memory[byte] ^= static_cast<std::byte>(1U << bit); }
};

}  // namespace

TEST_CASE("A header keeps its contents and knows its block", "[sealed_header]") {
    Block b;
    CHECK(&Header::before(b.block) == &b.header);
    CHECK(b.header.block() == b.block);
    CHECK(b.header.contents().size == 100);
    CHECK(b.header.contents().owner == &b);
    CHECK_FALSE(b.header.fault());
    b.header.change([](Contents& contents) { contents.size = 7; });
    CHECK(b.header.contents().size == 7);
    CHECK_FALSE(b.header.fault());
    b.header.close();
    CHECK(b.header.fault() == HeapFaultKind::double_free);
    CHECK(b.header.seal_is_right());
}

TEST_CASE("Every bit of a header counts, and tells where it was", "[sealed_header]") {
    Block b;
    for (std::size_t byte = 0; byte < 32; ++byte) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            b.flip(byte, bit);
            const auto expected =
                byte < 24 ? HeapFaultKind::corrupt_header : HeapFaultKind::underflow;
            REQUIRE(b.header.fault() == expected);
            b.flip(byte, bit);
            REQUIRE_FALSE(b.header.fault());
        }
    }
}

TEST_CASE("Anything else is no header", "[sealed_header]") {
    Block b;
    std::memset(b.memory.data(), 0xa5, 32);
    CHECK(b.header.fault() == HeapFaultKind::invalid_pointer);
    std::memset(b.memory.data(), 0, 32);
    CHECK(b.header.fault() == HeapFaultKind::invalid_pointer);
    // Nor is the copy of one elsewhere.
    const Block right;
    std::memcpy(b.memory.data(), right.memory.data(), 32);
    CHECK(b.header.fault() == HeapFaultKind::invalid_pointer);
}

TEST_CASE("A change does not repair what was damaged", "[sealed_header]") {
    Block b;
    b.flip(8, 0);
    b.header.change([](Contents& contents) { contents.owner = nullptr; });
    CHECK(b.header.fault() == HeapFaultKind::corrupt_header);
}
