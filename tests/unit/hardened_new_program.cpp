// SPDX-License-Identifier: MIT
// Links lib/cairn/heap/hardened_new.cpp, as a build with CAIRN_HARDENED does: the mistakes that the
// plain heap does not see end in a sentence, and a correct program does not notice.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include <cairn/global_heap.hpp>
#include <cairn/host_region.hpp>
#include <cairn/inlined_new.hpp>
#include "tests/unit/plain_test.hpp"

namespace {

using namespace cairn;
using namespace cairn::test;

constexpr std::size_t heap_size = std::size_t{16} << 20;
volatile std::size_t beyond = 100;  // out of the compiler's sight

void test_correct_use() {
    std::vector<std::unique_ptr<std::vector<char>>> parts;
    for (std::size_t size = 1; size < 300'000; size += size / 3 + 1)
        parts.push_back(std::make_unique<std::vector<char>>(size, 'x'));
    for (const auto& part : parts)
        part->resize(part->size() + 1000, 'y');
    auto* const aligned = ::operator new(100, std::align_val_t{4096});
    EXPECT(reinterpret_cast<std::uintptr_t>(aligned) % 4096 == 0);
    ::operator delete(aligned, std::size_t{100}, std::align_val_t{4096});
    const auto* const fresh = static_cast<unsigned char*>(::operator new(50));
    EXPECT(fresh[0] == 0xcd && fresh[49] == 0xcd);
    ::operator delete(const_cast<unsigned char*>(fresh));
    struct Node : inlined_new {
        std::array<std::uint64_t, 8> words{};
    };
    delete new Node;
    EXPECT(::operator new(heap_size, std::nothrow) == nullptr);
    ::operator delete(nullptr);
}

void test_mistakes() {
    const auto overflow = dying_words([] {
        auto* const block = static_cast<volatile char*>(::operator new(100));
        block[beyond] = 'x';
        ::operator delete(const_cast<char*>(block));
    });
    EXPECT(contains(overflow, "heap 'test': "));
    EXPECT(contains(overflow, "100 bytes"));
    const auto twice = dying_words([] {
        void* const block = ::operator new(100);
        ::operator delete(block);
        ::operator delete(block);
    });
    EXPECT(contains(twice, "double free"));
    const auto late = dying_words([] {
        auto* const block = static_cast<volatile char*>(::operator new(100));
        ::operator delete(const_cast<char*>(block));
        block[beyond - 50] = 'x';
        for (int i = 0; i < 10'000; ++i)  // until the quarantine lets it go
            ::operator delete(::operator new(100));
    });
    EXPECT(contains(late, "after it was freed"));
    const auto wrong = dying_words([] { ::operator delete(::operator new(100), beyond + 1); });
    EXPECT(contains(wrong, "heap 'test': "));
}

}  // namespace

int main() {
    EXPECT(::operator new(1, std::nothrow) == nullptr);  // no region yet
    const auto region = mmap_region(heap_size);
    if (!region || !global_break().init(*region) || !global_heap().init("test"))
        return EXIT_FAILURE;
    test_correct_use();
    test_mistakes();
    if (failures == 0) std::printf("hardened operator new and delete: as documented\n");
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
