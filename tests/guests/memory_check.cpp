// SPDX-License-Identifier: MIT
// memcpy, memmove, memset, memcmp and strlen of this program against loops over bytes, at every
// offset inside a word and around the lengths where word loops begin and end; and what they cost.
#include <array>
#include <cstring>

#include <cairn/print.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "tests/guests/runtime_check.hpp"

namespace cairn::guest {
namespace {

constexpr std::size_t room = 192;
constexpr std::size_t offsets = 8;
constexpr std::size_t longest = 150;
using Bytes = std::array<unsigned char, room>;

// Through pointers that the compiler cannot see through, or it would do the work itself.
void* (*volatile copy)(void*, const void*, std::size_t) = std::memcpy;
void* (*volatile move)(void*, const void*, std::size_t) = std::memmove;
void* (*volatile fill)(void*, int, std::size_t) = std::memset;
int (*volatile compare)(const void*, const void*, std::size_t) = std::memcmp;
std::size_t (*volatile length)(const char*) = std::strlen;

Bytes pattern(unsigned seed) {
    Bytes bytes{};
    for (std::size_t i = 0; i < room; ++i)
        bytes[i] = static_cast<unsigned char>(i * 37 + seed);
    return bytes;
}

bool same(const Bytes& a, const Bytes& b) {
    for (std::size_t i = 0; i < room; ++i) {
        if (a[i] != b[i]) return false;
    }
    return true;
}

/// `move`s within one array, from `from` to `to`, beside a loop over bytes with a second array.
bool moves(std::size_t to, std::size_t from, std::size_t count) {
    const Bytes before = pattern(3);
    Bytes expected = before;
    for (std::size_t i = 0; i < count; ++i)
        expected[to + i] = before[from + i];
    Bytes actual = before;
    const bool returned = move(&actual[to], &actual[from], count) == &actual[to];
    return returned && same(actual, expected);
}

bool copies(std::size_t to, std::size_t from, std::size_t count) {
    const Bytes source = pattern(9);
    Bytes expected = pattern(1);
    Bytes actual = expected;
    for (std::size_t i = 0; i < count; ++i)
        expected[to + i] = source[from + i];
    const bool returned = copy(&actual[to], &source[from], count) == &actual[to];
    return returned && same(actual, expected);
}

bool fills(std::size_t to, std::size_t count) {
    Bytes expected = pattern(5);
    Bytes actual = expected;
    for (std::size_t i = 0; i < count; ++i)
        expected[to + i] = 0xa5;
    return fill(&actual[to], 0x1a5, count) == &actual[to] && same(actual, expected);
}

/// Equal, and then different in the last byte either way; bytes compare as unsigned.
bool compares(std::size_t at, std::size_t count) {
    const Bytes a = pattern(2);
    Bytes b = a;
    if (compare(&a[at], &b[at], count) != 0) return false;
    if (count == 0) return true;
    b[at + count - 1] = static_cast<unsigned char>(a[at + count - 1] ^ 0x80);
    const bool above = a[at + count - 1] > b[at + count - 1];
    return above == (compare(&a[at], &b[at], count) > 0) &&
           above == (compare(&b[at], &a[at], count) < 0);
}

bool all_lengths(std::size_t to, std::size_t from) {
    bool right = true;
    for (std::size_t count = 0; count <= longest; ++count) {
        right = right && copies(to, from, count) && moves(to, from, count) &&
                moves(to + 16, from, count);
    }
    return right;
}

}  // namespace

void check_memory() {
    bool right = true;
    for (std::size_t to = 0; to < offsets; ++to) {
        for (std::size_t from = 0; from < offsets; ++from)
            right = right && all_lengths(to, from);
    }
    check(right, "memcpy and memmove do what loops over bytes do");
    right = true;
    for (std::size_t at = 0; at < offsets; ++at) {
        for (std::size_t count = 0; count <= longest; ++count)
            right = right && fills(at, count) && compares(at, count);
    }
    check(right, "memset and memcmp do what loops over bytes do");
    check(length("") == 0 && length("abcdefghi") == 9, "strlen counts to the zero");
    println("memcpy, memmove, memset, memcmp, strlen");
}

void check_memory_costs() {
    constexpr std::size_t size = 16384;
    alignas(8) static std::array<unsigned char, size + 2 * offsets> source;
    alignas(8) static std::array<unsigned char, size> destination;
    for (std::size_t shift = 0; shift < offsets; ++shift) {
        const std::uint64_t start = csr_read<Csr::instret>();
        copy(destination.data(), &source[shift], size);
        const std::uint64_t copied = csr_read<Csr::instret>();
        const bool equal = compare(destination.data(), &source[shift], size) == 0;
        const std::uint64_t compared = csr_read<Csr::instret>();
        move(&source[offsets], &source[offsets - shift], size);
        const std::uint64_t moved = csr_read<Csr::instret>();
        check(equal, "a copy is equal");
        println("{} {} {} {}", shift, copied - start, compared - copied, moved - compared);
    }
}

}  // namespace cairn::guest
