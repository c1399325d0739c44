// SPDX-License-Identifier: MIT
#include "cairn/container/map/seeded_hash.hpp"

#include <array>
#include <bit>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

enum class Colour : std::uint8_t { red, green };

struct Page {
    std::uint16_t vm;
    std::uint64_t number;
    bool operator==(const Page&) const = default;
};
constexpr void hash_append(Hasher& hasher, const Page& page) {
    hasher.add(page.vm, page.number);
}

template <class T>
constexpr std::uint64_t hash_of(const T& value, HashSeed seed = {1, 2}) {
    return seeded_hash<T>(seed)(value);
}

template <class Hash>
concept IsTransparent = requires { typename Hash::is_transparent; };
static_assert(IsTransparent<seeded_hash<std::string>>);
static_assert(!IsTransparent<seeded_hash<std::uint64_t>>);
static_assert(hash_of(5) == hash_of(std::uint64_t{5}));
static_assert(hash_of(5) != hash_of(5, {1, 3}) && hash_of(5) != hash_of(5, {2, 2}));
static_assert(seeded_hash<std::string_view>(HashSeed{})("a") == 0x4074'48d2'b89b'1813);

// From CPython 3.11, which hashes bytes by SipHash-1-3. PYTHONHASHSEED=0 makes the key zero; 42
// makes it the other one (its generator: x = x * 214013 + 2531011, the byte is x >> 16).
struct Vector {
    std::string_view text;
    std::uint64_t with_zero;
    std::uint64_t with_42;
};
constexpr HashSeed seed_42{0xdc50'4fd3'68cd'90af, 0xb920'bb9f'fe99'e9c1};
constexpr Vector vectors[] = {
    {"a", 0x4074'48d2'b89b'1813, 0xfe4a'4733'5692'551e},
    {"abcdefg", 0x6db1'2aae'9070'f506, 0x1316'2120'b6bf'06ed},
    {"abcdefgh", 0x3f7b'849c'0b8e'35ea, 0xb441'be6d'79f2'1056},
    {"abcdefghi", 0xf89b'34a3'd11e'b6e5, 0xad25'5ab3'5982'cc7f},
    {"abcdefghijklmnop", 0x94f6'0d3d'29e6'a312, 0x87bb'c029'63c8'5b14},
    {"The quick brown fox jumps over the lazy dog", 0x8df6'76d3'd00c'451e, 0x8464'245b'd96a'618c},
};

TEST_CASE("texts hash as in another implementation", "[seeded_hash]") {
    for (const Vector& each : vectors) {
        INFO(each.text);
        CHECK(hash_of(each.text, {}) == each.with_zero);
        CHECK(hash_of(each.text, seed_42) == each.with_42);
        CHECK(seeded_hash<std::string>(seed_42)(each.text) == each.with_42);
        CHECK(hash_of(std::string(each.text), seed_42) == each.with_42);
    }
}

TEST_CASE("what can be a key", "[seeded_hash]") {
    const int here = 1;
    CHECK(hash_of(&here) == hash_of(reinterpret_cast<std::uintptr_t>(&here)));
    CHECK(hash_of(Colour::green) == hash_of(1));
    CHECK(hash_of(Page{1, 2}) == hash_of(std::pair(1, 2)));
    CHECK(hash_of(Page{1, 2}) != hash_of(Page{2, 1}));
    using Texts = std::pair<std::string_view, std::string_view>;
    CHECK(hash_of(Texts("ab", "c")) != hash_of(Texts("a", "bc")));
}

TEST_CASE("every hash has a seed of its own", "[seeded_hash]") {
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 100; ++i)
        seen.insert(seeded_hash<int>()(7));
    CHECK(seen.size() == 100);
    const seeded_hash<int> hash;
    const seeded_hash<int> copy = hash;  // NOLINT: the copy is what is tested
    CHECK(hash(7) == copy(7));
}

TEST_CASE("a change of one bit changes about half of the hash", "[seeded_hash]") {
    const seeded_hash<std::uint64_t> hash;
    int changed = 0;
    for (std::uint64_t key = 0; key < 1000; ++key) {
        const std::uint64_t other = key ^ std::uint64_t{1} << key % 64;
        const int bits = std::popcount(hash(key) ^ hash(other));
        CHECK(bits > 5);
        CHECK(bits < 59);
        changed += bits;
    }
    CHECK(std::abs(changed - 32'000) < 1'000);
}

}  // namespace
}  // namespace cairn
