// SPDX-License-Identifier: MIT
// Does one thing that no program may do, by its name; the heap is expected to end it with a
// sentence.
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>
#include <string_view>

namespace {

volatile std::size_t size = 48;  // out of the compiler's sight

void free_twice() {
    void* const block = std::malloc(size);
    std::free(block);
    std::free(block);
}

void free_from_stack() {
    alignas(16) char bytes[64];
    std::free(bytes + size % 16);
}

void free_inside() {
    std::free(static_cast<char*>(std::malloc(size)) + 16);
}

void free_inside_after_free() {
    auto* const block = static_cast<char*>(std::malloc(size));
    std::free(block);
    std::free(block + size / 32 * 16);
}

/// Its header would lie where nothing can be touched.
void free_behind() {
    std::free(static_cast<char*>(std::malloc(size)) + (size + 256) / 16 * 16);
}

/// Further on than the slots that a cache takes at once: those are free already.
void free_never_handed_out() {
    std::free(static_cast<char*>(std::malloc(size)) + size * 30);
}

void free_with_wrong_size() {
    ::operator delete(::operator new(size), size * 3);
}

void write_behind() {
    auto* const block = static_cast<char*>(std::malloc(size));
    std::memset(block, 1, malloc_usable_size(block) + 8);
    std::free(block);
    std::free(std::malloc(40'000));
}

void write_after_free() {
    void* volatile const block = std::malloc(size);
    std::free(block);
    std::memset(block, 1, 16);
    std::free(std::malloc(size));
}

/// Of the first word alone, which is all that some blocks have.
void write_first_word_after_free() {
    auto* volatile const block = static_cast<std::size_t*>(std::malloc(size));
    std::free(block);
    *block = 1;
    std::free(std::malloc(size));
}

void read_nothing() {
    const auto* const block = static_cast<volatile char*>(std::malloc(size - size));
    std::printf("%d\n", *block);
}

void write_nothing() {
    *static_cast<volatile char*>(std::malloc(size - size)) = 1;
}

void free_nothing_twice() {
    void* const block = ::operator new(size - size);
    ::operator delete(block, size - size);
    ::operator delete(block);
}

/// Further than any block that there is.
void write_far_behind() {
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    block[std::size_t{4} << 20] = 1;
}

void write_far_before() {
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    block[-(std::ptrdiff_t{4} << 20)] = 1;
}

// What only the hardened heap sees.

void write_one_behind() {
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    block[size] = 1;
    std::free(const_cast<char*>(block));
}

void write_one_before() {
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    block[-1] = 0;
    std::free(const_cast<char*>(block));
}

/// The next call sees it, though the block itself never comes back.
void write_one_behind_and_keep() {
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    block[size] = 0;
    std::free(std::malloc(size));
}

/// Nothing is called after that which looks at these blocks, but for the end of the process.
void write_behind_until_the_end() {
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    std::free(std::malloc(size));
    (void)!std::malloc(size);
    block[size] = 1;
}

void write_after_free_until_the_end() {
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    std::free(const_cast<char*>(block));
    std::free(std::malloc(size));
    std::free(std::malloc(size));
    block[size - 1] = 1;
}

void write_last_byte_after_free() {
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    std::free(const_cast<char*>(block));
    block[size - 1] = 1;
    for (int i = 0; i < 3000; ++i)
        std::free(std::malloc(size));
}

void read_long_after_free() {
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    std::free(const_cast<char*>(block));
    std::printf("%d\n", block[size / 2]);
}

void read_behind() {
    auto* const block = static_cast<volatile char*>(std::malloc(size));
    std::printf("%d\n", block[size + 16]);
}

void free_what_is_new() {
    std::free(::operator new(size));
}

void delete_what_is_malloced() {
    ::operator delete(std::malloc(size));
}

void delete_what_is_an_array() {
    ::operator delete(::operator new[](size));
}

void delete_one_byte_less() {
    ::operator delete(::operator new(size), size - 1);
}

/// No mistake: what is in memory that is new, after it was another's.
void look_for_secrets() {
    constexpr std::size_t count = 200;
    void* blocks[count];
    for (void*& block : blocks)
        block = std::memset(std::malloc(size), 'x', size);
    for (void* const block : blocks)
        std::free(block);
    std::size_t found = 0;
    for (void*& block : blocks) {
        block = std::malloc(size);
        for (std::size_t i = 0; i < size; ++i)
            found += static_cast<volatile char*>(block)[i] != 0;
    }
    std::printf("%zu bytes of somebody else\n", found);
    std::exit(EXIT_SUCCESS);
}

void resize_after_free() {
    void* const block = std::malloc(size);
    std::free(block);
    std::free(std::realloc(block, size * 10));
}

/// It has room for as much as that.
void resize_in_place_after_free() {
    void* const block = std::malloc(size);
    std::free(block);
    std::free(std::realloc(block, size));
}

void resize_inside() {
    char* const block = static_cast<char*>(std::malloc(size));
    std::memset(block, 0, size);
    std::free(std::realloc(block + 16, size));
}

/// Whoever handles the end may still want the heap.
void handle_abort(int /*signal*/) {
    for (int i = 0; i < 1000; ++i)
        (void)std::malloc(static_cast<std::size_t>(i) * 40);
    constexpr std::string_view words = "handled\n";
    (void)!::write(STDERR_FILENO, words.data(), words.size());
}

struct Misuse {
    std::string_view name;
    void (*commit)();
};
constexpr Misuse misuses[] = {
    {"free_twice", free_twice},
    {"free_from_stack", free_from_stack},
    {"free_inside", free_inside},
    {"free_inside_after_free", free_inside_after_free},
    {"free_behind", free_behind},
    {"free_never_handed_out", free_never_handed_out},
    {"free_with_wrong_size", free_with_wrong_size},
    {"write_behind", write_behind},
    {"write_after_free", write_after_free},
    {"write_first_word_after_free", write_first_word_after_free},
    {"read_nothing", read_nothing},
    {"write_nothing", write_nothing},
    {"free_nothing_twice", free_nothing_twice},
    {"write_far_behind", write_far_behind},
    {"write_far_before", write_far_before},
    {"resize_after_free", resize_after_free},
    {"resize_in_place_after_free", resize_in_place_after_free},
    {"resize_inside", resize_inside},
    {"write_one_behind", write_one_behind},
    {"write_one_before", write_one_before},
    {"write_one_behind_and_keep", write_one_behind_and_keep},
    {"write_behind_until_the_end", write_behind_until_the_end},
    {"write_after_free_until_the_end", write_after_free_until_the_end},
    {"write_last_byte_after_free", write_last_byte_after_free},
    {"read_long_after_free", read_long_after_free},
    {"read_behind", read_behind},
    {"free_what_is_new", free_what_is_new},
    {"delete_what_is_malloced", delete_what_is_malloced},
    {"delete_what_is_an_array", delete_what_is_an_array},
    {"delete_one_byte_less", delete_one_byte_less},
    {"look_for_secrets", look_for_secrets},
};

}  // namespace

int main(int argc, char** arguments) {
    if (argc < 3) return EXIT_FAILURE;
    size = std::strtoul(arguments[2], nullptr, 10);
    std::signal(SIGABRT, handle_abort);
    for (const Misuse& misuse : misuses) {
        if (misuse.name == arguments[1]) misuse.commit();
    }
    std::puts("nobody noticed");
    std::fflush(stdout);
    return EXIT_FAILURE;
}
