// SPDX-License-Identifier: MIT
#include "cairn/host_region.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "cairn/bump_allocator.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

std::size_t page_size() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

bool is_page_aligned(Region region) {
    return reinterpret_cast<std::uintptr_t>(region.base) % page_size() == 0 &&
           region.size % page_size() == 0;
}

/// Both sources promise the same.
template <class Source>
void check_source(Source source) {
    const auto region = source(3 * page_size() - 1);
    REQUIRE(region.has_value());
    CHECK(is_page_aligned(*region));
    CHECK(region->size == 3 * page_size());
    std::fill_n(region->base, region->size, std::byte{0x5a});
    CHECK(region->base[region->size - 1] == std::byte{0x5a});

    const auto second = source(1);
    REQUIRE(second.has_value());
    CHECK(is_page_aligned(*second));
    CHECK((second->base >= region->base + region->size ||
           second->base + second->size <= region->base));

    CHECK(source(0).error() == RegionError::empty);
    CHECK(source(SIZE_MAX).error() == RegionError::too_large);
    CHECK(source(std::size_t{1} << 63).error() == RegionError::too_large);
    CHECK(source(std::size_t{1} << 62).error() == RegionError::refused);
}

}  // namespace

TEST_CASE("mmap gives whole pages or a reason", "[host_region]") {
    check_source(mmap_region);
}

TEST_CASE("sbrk gives whole pages or a reason, wherever the break stands", "[host_region]") {
    check_source(sbrk_region);
    REQUIRE(reinterpret_cast<std::intptr_t>(::sbrk(24)) != -1);
    check_source(sbrk_region);
}

TEST_CASE("A break grows at the process's break", "[host_region]") {
    BumpAllocator source;
    const auto first = sbrk_region(1);
    REQUIRE(first.has_value());
    REQUIRE(source.init(*first, sbrk_region, std::size_t{1} << 30).has_value());
    const auto a = source.allocate(first->size);
    const auto b = source.allocate(1000);
    const auto c = source.allocate(std::size_t{1} << 20, 4096);
    REQUIRE((a.has_value() && b.has_value() && c.has_value()));
    CHECK(*b == *a + first->size);
    CHECK(source.capacity() == first->size + (std::size_t{1} << 30));
    std::fill_n(*c, std::size_t{1} << 20, std::byte{0x5a});
    CHECK(source.allocate(std::size_t{1} << 30).error() == AllocError::out_of_memory);
}

TEST_CASE("The hosted heap is as large as the kernel's", "[host_region]") {
    const auto region = platform_init_heap();
    REQUIRE(region.has_value());
    CHECK(region->size == 100U * 1024 * 1024);
    CHECK(is_page_aligned(*region));
    ::munmap(region->base, region->size);
}

TEST_CASE("Every region error has a sentence of its own", "[host_region]") {
    using enum RegionError;
    const auto all = {empty, misaligned, too_large, refused};
    for (const RegionError a : all) {
        CHECK_FALSE(to_string(a).empty());
        CHECK(std::ranges::count(all, to_string(a), [](RegionError b) { return to_string(b); }) ==
              1);
    }
}
