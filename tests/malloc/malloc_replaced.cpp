// SPDX-License-Identifier: MIT
// Replaces two of operator new's and delete's forms, by ones that are no blocks of malloc; the
// others are made of them then.
#include <cstdlib>
#include <new>
#include <vector>

#include "tests/malloc/expect.hpp"

namespace {

int live = 0;
constexpr std::size_t before = 32;

}  // namespace

void* operator new(std::size_t size) {
    auto* const block = static_cast<char*>(std::malloc(size + before));
    if (block == nullptr) throw std::bad_alloc();
    ++live;
    return block + before;
}

void operator delete(void* block) noexcept {
    if (block == nullptr) return;
    --live;
    std::free(static_cast<char*>(block) - before);
}

int main() {
    const int at_start = live;
    for (const std::size_t size : {8U, 600U, 70'000U}) {
        ::operator delete(::operator new(size), size);
        ::operator delete[](::operator new[](size), size);
        ::operator delete[](::operator new[](size));
        ::operator delete(::operator new(size, std::nothrow), std::nothrow);
        ::operator delete[](::operator new[](size, std::nothrow), std::nothrow);
        const std::align_val_t aligned{64};
        ::operator delete(::operator new(size, aligned), size, aligned);
    }
    void* const one = ::operator new[](100);
    EXPECT(live == at_start + 1);
    ::operator delete[](one);
    const std::vector<int> numbers(1000);
    EXPECT(live == at_start + 1);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
