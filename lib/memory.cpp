// SPDX-License-Identifier: MIT
// memcpy, memmove, memset and memcmp for the target, where the compiler calls them. picolibc's for
// rv64imac move a byte at a time; guests of hundreds of MiB are zeroed and filled with these, so
// they move words, 64 bytes a round, and never make a misaligned access, which many harts trap on.
//
//     source      .....|abcdefgh|ijklmnop|...      read in aligned words,
//     destination    |..abcdef|ghijklmn|op         written in aligned words: two neighbours shifted
//
// Host builds compile it under other names (lib/memory_test.cpp).
#include "lib/memory.hpp"

#include <cstdint>

namespace cairn::memory {
namespace {

using Word = std::uint64_t __attribute__((may_alias));
constexpr std::size_t word = sizeof(Word);
constexpr std::size_t block = 8;  ///< words a round

std::size_t misalignment(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer) % word;
}

/// Copies whole words upwards; both are aligned.
void copy_words(Word*& to, const Word*& from, std::size_t count) {
    for (; count >= block; count -= block, to += block, from += block) {
        const Word a = from[0], b = from[1], c = from[2], d = from[3];
        const Word e = from[4], f = from[5], g = from[6], h = from[7];
        to[0] = a, to[1] = b, to[2] = c, to[3] = d;
        to[4] = e, to[5] = f, to[6] = g, to[7] = h;
    }
    for (; count != 0; --count)
        *to++ = *from++;
}

/// The same where the source lies `shift` bytes (1 to 7) behind `from`, which is aligned.
void copy_shifted_words(Word*& to, const Word* from, std::size_t shift, std::size_t count) {
    const unsigned down = static_cast<unsigned>(shift * 8);
    Word low = *from++;
    for (; count != 0; --count) {
        const Word high = *from++;
        *to++ = low >> down | high << (64 - down);
        low = high;
    }
}

void copy_bytes_down(unsigned char* to, const unsigned char* from, std::size_t size) {
    while (size != 0) {
        --size;
        to[size] = from[size];
    }
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
    // Reads stay ahead of the writes unless the destination starts within the source; with shifted
    // words they also run up to 15 bytes ahead, never behind.
    if (distance >= size) return copy(destination, source, size);
    if (misalignment(to) != misalignment(from) || size < 2 * word) {
        copy_bytes_down(to, from, size);
        return destination;
    }
    while (misalignment(to + size) != 0) {
        --size;
        to[size] = from[size];
    }
    for (; size >= word; size -= word) {
        *reinterpret_cast<Word*>(to + size - word) =
            *reinterpret_cast<const Word*>(from + size - word);
    }
    copy_bytes_down(to, from, size);
    return destination;
}

void* set(void* destination, int value, std::size_t size) {
    auto* to = static_cast<unsigned char*>(destination);
    const auto byte = static_cast<unsigned char>(value);
    for (; size != 0 && misalignment(to) != 0; --size)
        *to++ = byte;
    const Word pattern = byte * 0x0101'0101'0101'0101u;
    auto* words = reinterpret_cast<Word*>(to);
    for (; size >= block * word; size -= block * word, words += block) {
        words[0] = pattern, words[1] = pattern, words[2] = pattern, words[3] = pattern;
        words[4] = pattern, words[5] = pattern, words[6] = pattern, words[7] = pattern;
    }
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
    if (misalignment(a) == 0 && misalignment(b) == 0) {
        while (size >= word &&
               *reinterpret_cast<const Word*>(a) == *reinterpret_cast<const Word*>(b)) {
            a += word, b += word, size -= word;
        }
    }
    for (; size != 0; --size, ++a, ++b) {
        if (*a != *b) return *a < *b ? -1 : 1;
    }
    return 0;
}

}  // namespace cairn::memory

#ifdef __riscv
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
}
#endif
