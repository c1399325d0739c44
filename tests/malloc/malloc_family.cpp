// SPDX-License-Identifier: MIT
// The malloc family's edges, function by function, as C23, POSIX 2024 and glibc's manual have them.
// With an argument, leaves out what glibc's own malloc does otherwise.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "tests/malloc/expect.hpp"

namespace {

// Out of the compiler's sight, which would object.
volatile std::size_t too_many = PTRDIFF_MAX;
volatile std::size_t no_power_of_two = 48;
volatile std::size_t zero = 0;
constexpr std::size_t sizes[] = {1,    8,    15,    16,     17,      100,     512,      513,
                                 4000, 5000, 32000, 70'000, 262'144, 300'000, 1'100'000};
bool is_ours = true;

std::span<unsigned char> bytes(void* block, std::size_t size) {
    return {static_cast<unsigned char*>(block), size};
}

void fill(void* block, std::size_t size, unsigned seed) {
    for (auto& byte : bytes(block, size))
        byte = static_cast<unsigned char>(seed = seed * 5 + 7);
}

bool is_filled(void* block, std::size_t size, unsigned seed) {
    return std::ranges::all_of(bytes(block, size), [&](unsigned char byte) {
        return byte == static_cast<unsigned char>(seed = seed * 5 + 7);
    });
}

bool is_aligned(const void* block, std::size_t alignment) {
    return block != nullptr && reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

/// Whether `result` says that there is no memory, in errno too.
bool is_refusal(const void* result, int error = ENOMEM) {
    return result == nullptr && std::exchange(errno, 0) == error;
}

void test_malloc() {
    std::vector<void*> blocks;
    for (std::size_t size = 0; size < 40'000; size += 1 + size / 64) {
        void* const block = std::malloc(size);
        EXPECT(is_aligned(block, 16));
        EXPECT(malloc_usable_size(block) >= size);
        fill(block, malloc_usable_size(block), static_cast<unsigned>(size));
        blocks.push_back(block);
    }
    unsigned size = 0;
    for (void* block : blocks) {
        EXPECT(is_filled(block, malloc_usable_size(block), size));
        std::free(block);
        size += 1 + size / 64;
    }
    EXPECT(is_refusal(std::malloc(too_many)));
    EXPECT(is_refusal(std::malloc(too_many + 1)));
    EXPECT(is_refusal(std::malloc(too_many * 2 + 1)));
    EXPECT(is_refusal(std::malloc(too_many / 16)));
}

void test_nothing() {
    void* const a = std::malloc(0);
    void* const b = std::malloc(0);
    EXPECT(a != nullptr && b != nullptr && a != b);
    std::free(a);
    std::free(b);
    for (int i = 0; i < 100; ++i)
        std::free(std::calloc(0, 5));
    errno = 99;
    std::free(nullptr);
    for (const std::size_t size : sizes)
        std::free(std::malloc(size));
    EXPECT(errno == 99);
    EXPECT(malloc_usable_size(nullptr) == 0);
}

void test_calloc() {
    for (const std::size_t size : sizes) {
        for (int round = 0; round < 20; ++round) {
            void* const used = std::malloc(size);
            std::memset(used, 0xff, malloc_usable_size(used));
            std::free(used);
            void* const block = std::calloc(size, 1);
            EXPECT(std::ranges::all_of(bytes(block, size), [](auto byte) { return byte == 0; }));
            std::memset(block, 0xff, size);
            std::free(block);
        }
    }
    EXPECT(is_refusal(std::calloc(too_many, 4)));
    EXPECT(is_refusal(std::calloc(4, too_many)));
    EXPECT(is_refusal(std::calloc(std::size_t{1} << 33, std::size_t{1} << 31)));
    EXPECT(is_refusal(std::calloc(too_many, 1)));
}

void test_realloc() {
    EXPECT(is_refusal(std::realloc(nullptr, too_many)));
    for (const std::size_t from : sizes) {
        for (const std::size_t to : sizes) {
            void* block = std::realloc(nullptr, from);
            fill(block, from, 5);
            EXPECT(is_refusal(std::realloc(block, too_many)));
            EXPECT(is_refusal(reallocarray(block, too_many, 4)));
            EXPECT(is_filled(block, from, 5));
            block = std::realloc(block, to);
            EXPECT(is_aligned(block, 16) && malloc_usable_size(block) >= to);
            EXPECT(is_filled(block, std::min(from, to), 5));
            // Other blocks do not change with it.
            void* const other = std::malloc(from);
            fill(other, from, 6);
            fill(block, to, 7);
            EXPECT(is_filled(other, from, 6));
            std::free(other);
            EXPECT(reallocarray(block, 0, 4) == nullptr);
        }
    }
    void* grown = nullptr;
    std::size_t before = 0;
    for (std::size_t size = 1; size < 3'000'000; size += 1 + size / 10) {
        grown = std::realloc(grown, size);
        EXPECT(is_filled(grown, before, 9));
        fill(grown, size, 9);
        before = size;
    }
    std::free(grown);
}

void test_aligned() {
    for (std::size_t alignment = 1; alignment <= std::size_t{1} << 22; alignment *= 2) {
        for (const std::size_t size : sizes) {
            void* block = aligned_alloc(alignment, size);
            EXPECT(is_aligned(block, alignment) && malloc_usable_size(block) >= size);
            fill(block, size, 3);
            void* const other = memalign(alignment, size);
            EXPECT(is_aligned(other, alignment));
            fill(other, size, 4);
            EXPECT(is_filled(block, size, 3));
            block = std::realloc(block, size + 1000);
            EXPECT(is_filled(block, size, 3));
            std::free(block);
            std::free(other);
        }
    }
    EXPECT(is_refusal(aligned_alloc(64, too_many)));
    EXPECT(is_refusal(aligned_alloc(64, SIZE_MAX - 10)));
    EXPECT(is_refusal(memalign(too_many + 1, 64)));
    EXPECT(is_refusal(memalign(too_many + 2, 64), EINVAL));
    void* const rounded = memalign(no_power_of_two, 10);
    EXPECT(is_aligned(rounded, 64));
    std::free(rounded);
    // glibc 2.36 lets aligned_alloc round as well.
    EXPECT(!is_ours || is_refusal(aligned_alloc(no_power_of_two, 10), EINVAL));
    EXPECT(!is_ours || is_refusal(aligned_alloc(zero, 10), EINVAL));
    EXPECT(!is_ours || is_refusal(aligned_alloc(zero + 24, 10), EINVAL));
    void* const rounded_to_32 = memalign(zero + 24, 10);
    EXPECT(is_aligned(rounded_to_32, 32));
    std::free(rounded_to_32);
}

void test_posix_memalign() {
    int mark = 0;
    void* result = &mark;
    errno = 99;
    for (const std::size_t alignment : {0u, 1u, 2u, 4u, 7u, 24u, 48u})
        EXPECT(posix_memalign(&result, alignment, 10) == EINVAL && result == &mark);
    EXPECT(posix_memalign(&result, 64, too_many) == ENOMEM && result == &mark);
    EXPECT(!is_ours || errno == 99);
    for (std::size_t alignment = 8; alignment <= 65536; alignment *= 2) {
        EXPECT(posix_memalign(&result, alignment, 0) == 0 && is_aligned(result, alignment));
        std::free(result);
    }
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* block = valloc(100);
    EXPECT(is_aligned(block, page));
    std::free(block);
    block = pvalloc(page + 1);
    EXPECT(is_aligned(block, page) && malloc_usable_size(block) >= 2 * page);
    std::free(block);
    EXPECT(is_refusal(pvalloc(SIZE_MAX - 10)));
    EXPECT(is_refusal(valloc(SIZE_MAX - 10)));
}

int handler_calls = 0;

void test_operator_new() {
    for (const std::size_t alignment : {16u, 64u, 4096u}) {
        const std::align_val_t value{alignment};
        void* const block = ::operator new(100, value);
        EXPECT(is_aligned(block, alignment));
        ::operator delete(block, std::size_t{100}, value);
    }
    std::set_new_handler([] {
        if (++handler_calls % 3 == 0) throw std::bad_alloc();
    });
    int thrown = 0;
    for (const bool array : {false, true}) {
        try {
            (void)(array ? ::operator new[](too_many) : ::operator new(too_many));
        } catch (const std::bad_alloc&) {
            ++thrown;
        }
        try {
            (void)::operator new(too_many, std::align_val_t{64});
        } catch (const std::bad_alloc&) {
            ++thrown;
        }
    }
    EXPECT(thrown == 4 && handler_calls == 12);
    EXPECT(::operator new(too_many, std::nothrow) == nullptr&& handler_calls == 15);
    EXPECT(::operator new[](too_many, std::align_val_t{64}, std::nothrow) == nullptr);
    EXPECT(handler_calls == 18);
    std::set_new_handler(nullptr);
    try {
        (void)new char[too_many];
        EXPECT(false);
    } catch (const std::bad_alloc&) {
    }
}

/// What is free in bulk goes back to the system, and large zeroed blocks cost nothing yet.
void test_resident_size() {
    constexpr std::size_t mib = 1 << 20;
    const std::size_t before = resident_size();
    void* const sparse = std::calloc(1024, mib);
    EXPECT(resident_size() < before + 4 * mib);
    std::free(sparse);
    for (const std::size_t size : {std::size_t{100}, std::size_t{3000}, 40 * mib}) {
        std::vector<void*> blocks(80 * mib / size);
        for (void*& block : blocks) {
            block = std::malloc(size);
            std::memset(block, 1, size);
        }
        EXPECT(resident_size() > 70 * mib);
        for (void* block : blocks)
            std::free(block);
    }
    EXPECT(!is_ours || resident_size() < before + 40 * mib);
}

/// Memory from before main, and for after it.
struct Early {
    void* block = std::malloc(1000);
    ~Early() {
        std::free(block);
        std::free(std::malloc(2000));
    }
} early;

}  // namespace

int main(int argc, char** /*arguments*/) {
    is_ours = argc == 1;
    test_malloc();
    test_nothing();
    test_calloc();
    test_realloc();
    test_aligned();
    test_posix_memalign();
    test_operator_new();
    test_resident_size();
    if (failures == 0) std::puts("the malloc family: all as documented");
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
