// SPDX-License-Identifier: MIT
// memcpy, memmove, memset and memcmp for the target, where the compiler calls them. picolibc's for
// rv64imac move a byte at a time; guests of hundreds of MiB are zeroed and filled with these, so
// they move words, 256 bytes a round, and never make a misaligned access, which many harts trap on.
//
//     source      .....|abcdefgh|ijklmnop|...      read in aligned words,
//     destination    |..abcdef|ghijklmn|op         written in aligned words: two neighbours shifted
//
// Host builds compile it under other names (lib/cairn/base/memory_test.cpp).
#include "cairn/base/memory.hpp"

#include <algorithm>
#include <cstdint>

namespace cairn::memory {
namespace {

using Word = std::uint64_t __attribute__((may_alias));
using HalfWord = std::uint32_t __attribute__((may_alias));
constexpr std::size_t word = sizeof(Word);
constexpr std::size_t block = 8;   ///< words that are copied at once
constexpr std::size_t round = 32;  ///< words in a round: RAM is zeroed, and images copied, by these

std::size_t misalignment(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer) % word;
}

// Shaped for: "first touch of a page".

/// Eight units, all of them read before the first is written.
template <class Unit>
[[gnu::always_inline]] inline void copy_block(Unit* to, const Unit* from) {
    const Unit a = from[0], b = from[1], c = from[2], d = from[3];
    const Unit e = from[4], f = from[5], g = from[6], h = from[7];
    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
    to[4] = e, to[5] = f, to[6] = g, to[7] = h;
}

/// A block of one word's value.
[[gnu::always_inline]] inline void set_block(Word* to, Word value) {
    to[0] = value, to[1] = value, to[2] = value, to[3] = value;
    to[4] = value, to[5] = value, to[6] = value, to[7] = value;
}

/// Copies whole words upwards; both are aligned.
void copy_words(Word*& to, const Word* from, std::size_t count) {
    for (; count >= round; count -= round, to += round, from += round) {
        for (std::size_t n = 0; n != round; n += block)
            copy_block(to + n, from + n);
    }
    for (; count >= block; count -= block, to += block, from += block)
        copy_block(to, from);
    for (; count != 0; --count)
        *to++ = *from++;
}

/// The same where the source is aligned to half a word: four accesses for a word are fewer
/// instructions than two and the shifts between them.
void copy_half_words(Word*& to_words, const unsigned char* from_bytes, std::size_t count) {
    auto* to = reinterpret_cast<HalfWord*>(to_words);
    auto* from = reinterpret_cast<const HalfWord*>(from_bytes);
    to_words += count;
    count *= 2;
    for (; count >= 2 * block; count -= 2 * block, to += 2 * block, from += 2 * block) {
        copy_block(to, from);
        copy_block(to + block, from + block);
    }
    for (; count != 0; --count)
        *to++ = *from++;
}

/// The eight bytes that begin `shift` bytes (1 to 7) into `low`; `high` is its upper neighbour.
class Merge {
  public:
    explicit Merge(std::size_t shift) : down_(static_cast<unsigned>(shift * 8)) {}
    [[gnu::always_inline]] Word operator()(Word low, Word high) const {
        return low >> down_ | high << (64 - down_);
    }

  private:
    unsigned down_;
};

/// Eight merged words; gives the last one that was read.
[[gnu::always_inline]] inline Word copy_shifted_block(Word* to, const Word* from, Merge merge,
                                                      Word low) {
    const Word a = from[0], b = from[1], c = from[2], d = from[3];
    const Word e = from[4], f = from[5], g = from[6], h = from[7];
    to[0] = merge(low, a), to[1] = merge(a, b), to[2] = merge(b, c), to[3] = merge(c, d);
    to[4] = merge(d, e), to[5] = merge(e, f), to[6] = merge(f, g), to[7] = merge(g, h);
    return h;
}

/// Copies words upwards where the source lies `shift` bytes (1 to 7) behind `from`, which is
/// aligned.
void copy_shifted_words(Word*& to, const Word* from, std::size_t shift, std::size_t count) {
    const Merge merge(shift);
    Word low = *from++;
    for (; count >= 2 * block; count -= 2 * block, to += 2 * block, from += 2 * block) {
        low = copy_shifted_block(to, from, merge, low);
        low = copy_shifted_block(to + block, from + block, merge, low);
    }
    for (; count != 0; --count) {
        const Word high = *from++;
        *to++ = merge(low, high);
        low = high;
    }
}

/// copy_words downwards: both pointers are the ends.
void copy_words_down(Word*& to, const Word* from, std::size_t count) {
    for (; count >= block; count -= block)
        copy_block(to -= block, from -= block);
    for (; count != 0; --count)
        *--to = *--from;
}

/// copy_shifted_words downwards: `to` is the end, and that of the source lies `shift` bytes behind
/// `from`.
void copy_shifted_words_down(Word*& to, const Word* from, std::size_t shift, std::size_t count) {
    const Merge merge(shift);
    Word high = *from;
    for (; count >= block; count -= block) {
        // The upper neighbour is read again: what was written since lies above what counts of it.
        const Word next = *(from - block);
        copy_shifted_block(to -= block, from - block + 1, merge, next);
        from -= block;
        high = next;
    }
    for (; count != 0; --count) {
        const Word low = *--from;
        *--to = merge(low, high);
        high = low;
    }
}

/// memmove of ranges that overlap, with the destination above: from their ends downwards.
void move_down(unsigned char* to, const unsigned char* from, std::size_t size) {
    const auto copy_bytes = [&](std::size_t count) {
        size -= count;
        while (count-- != 0)
            *--to = *--from;
    };
    copy_bytes(std::min(misalignment(to), size));
    const std::size_t shift = misalignment(from);
    // Shifted, a word goes by bytes: the first one's upper neighbour may lie beyond the source.
    if (shift != 0) copy_bytes(std::min(word, size));
    auto* to_words = reinterpret_cast<Word*>(to);
    auto* from_words = reinterpret_cast<const Word*>(from - shift);
    const std::size_t words = size / word;
    if (shift == 0) {
        copy_words_down(to_words, from_words, words);
    } else if (words != 0) {
        copy_shifted_words_down(to_words, from_words, shift, words);
    }
    to -= words * word, from -= words * word, size -= words * word;
    copy_bytes(size);
}

/// How many bytes are equal, in whole words from aligned `a` on; those of `b` may be shifted.
std::size_t equal_words(const unsigned char* a, const unsigned char* b, std::size_t size) {
    auto* left = reinterpret_cast<const Word*>(a);
    const std::size_t shift = misalignment(b);
    auto* right = reinterpret_cast<const Word*>(b - shift);
    std::size_t words = size / word;
    if (shift == 0) {
        for (; words != 0 && *left == *right; --words)
            ++left, ++right;
    } else if (words > 1) {
        // One word fewer: the last one's upper neighbour may lie beyond the range.
        const Merge merge(shift);
        Word low = *right++;
        for (--words; words != 0; --words, ++left) {
            const Word high = *right++;
            if (*left != merge(low, high)) break;
            low = high;
        }
    }
    return static_cast<std::size_t>(reinterpret_cast<const unsigned char*>(left) - a);
}

}  // namespace

void* copy(void* destination, const void* source, std::size_t size) {
    auto* to = static_cast<unsigned char*>(destination);
    auto* from = static_cast<const unsigned char*>(source);
    for (; size != 0 && misalignment(to) != 0; --size)
        *to++ = *from++;
    const std::size_t words = size / word;
    const std::size_t shift = misalignment(from);
    auto* to_words = reinterpret_cast<Word*>(to);
    auto* from_words = reinterpret_cast<const Word*>(from - shift);
    if (shift == 0) {
        copy_words(to_words, from_words, words);
    } else if (shift == sizeof(HalfWord)) {
        copy_half_words(to_words, from, words);
    } else if (words > 1) {
        // One word fewer: the last one's upper neighbour may lie beyond the source.
        copy_shifted_words(to_words, from_words, shift, words - 1);
    }
    const auto done = static_cast<std::size_t>(reinterpret_cast<unsigned char*>(to_words) - to);
    for (std::size_t i = done; i != size; ++i)
        to[i] = from[i];
    return destination;
}

void* move(void* destination, const void* source, std::size_t size) {
    auto* to = static_cast<unsigned char*>(destination);
    auto* from = static_cast<const unsigned char*>(source);
    const auto distance =
        reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from);
    // Reads stay ahead of the writes unless the destination starts within the source; shifted
    // words are read further ahead than that, never behind.
    if (distance >= size) return copy(destination, source, size);
    move_down(to + size, from + size, size);
    return destination;
}

void* set(void* destination, int value, std::size_t size) {
    auto* to = static_cast<unsigned char*>(destination);
    const auto byte = static_cast<unsigned char>(value);
    for (; size != 0 && misalignment(to) != 0; --size)
        *to++ = byte;
    const Word pattern = byte * 0x0101'0101'0101'0101u;
    auto* words = reinterpret_cast<Word*>(to);
    for (; size >= round * word; size -= round * word, words += round) {
        for (std::size_t n = 0; n != round; n += block)
            set_block(words + n, pattern);
    }
    for (; size >= block * word; size -= block * word, words += block)
        set_block(words, pattern);
    for (; size >= word; size -= word)
        *words++ = pattern;
    to = reinterpret_cast<unsigned char*>(words);
    for (; size != 0; --size)
        *to++ = byte;
    return destination;
}

int compare(const void* left, const void* right, std::size_t size) {
    auto* a = static_cast<const unsigned char*>(left);
    auto* b = static_cast<const unsigned char*>(right);
    if (size >= 2 * word) {
        for (; misalignment(a) != 0; --size, ++a, ++b) {
            if (*a != *b) return *a < *b ? -1 : 1;
        }
        const std::size_t equal = equal_words(a, b, size);
        a += equal, b += equal, size -= equal;
    }
    for (; size != 0; --size, ++a, ++b) {
        if (*a != *b) return *a < *b ? -1 : 1;
    }
    return 0;
}

}  // namespace cairn::memory

#if !defined(__unix__) && !defined(_WIN32)
// The names that the compiler calls.
extern "C" {
void* memcpy(void* destination, const void* source, std::size_t size) {
    return cairn::memory::copy(destination, source, size);
}
void* memmove(void* destination, const void* source, std::size_t size) {
    return cairn::memory::move(destination, source, size);
}
void* memset(void* destination, int value, std::size_t size) {
    return cairn::memory::set(destination, value, size);
}
int memcmp(const void* left, const void* right, std::size_t size) {
    return cairn::memory::compare(left, right, size);
}
#ifndef __riscv
// What else of a C library is called; RISC-V's programs have picolibc for it.
void* memchr(const void* bytes, int value, std::size_t size) {
    auto* each = static_cast<const unsigned char*>(bytes);
    for (; size != 0; --size, ++each) {
        if (*each == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(each);
    }
    return nullptr;
}
std::size_t strlen(const char* text) {
    std::size_t length = 0;
    while (text[length] != '\0')
        ++length;
    return length;
}
#endif
}
#endif
