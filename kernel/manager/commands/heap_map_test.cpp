// SPDX-License-Identifier: MIT
#include "kernel/manager/commands/heap_map.hpp"

#include <cairn/global_heap.hpp>
#include <string>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

std::vector<std::string> lines_of(const std::vector<std::uint8_t>& pages) {
    HeapMap map(pages.size());
    std::vector<std::string> lines;
    for (const std::uint8_t use : pages)
        if (map.take(use)) lines.emplace_back(map.line());
    if (map.finish()) lines.emplace_back(map.line());
    return lines;
}

std::uint8_t number(PageUse use) {
    return static_cast<std::uint8_t>(use);
}

}  // namespace

TEST_CASE("each kind of page has its letter", "[heap_map]") {
    const std::vector<std::uint8_t> pages{number(PageUse::foreign),
                                          number(PageUse::free),
                                          number(PageUse::internal),
                                          1,
                                          32,
                                          number(PageUse::uncarved),
                                          number(PageUse::block_chunk),
                                          number(PageUse::run),
                                          number(PageUse::inside),
                                          number(PageUse::cached_run),
                                          number(PageUse::inside)};
    CHECK(lines_of(pages) == std::vector<std::string>{".-isssbrrcc"});
    for (const char letter : std::string_view(".-isbrc"))
        CHECK(HeapMap::legend.contains(std::string(1, letter) + " "));
}

TEST_CASE("a map has so many lines, and no empty one", "[heap_map]") {
    CHECK(lines_of({}).empty());
    for (const std::size_t pages : {1u, 63u, 64u, 65u, 1024u, 1025u, 2048u, 25'600u}) {
        CAPTURE(pages);
        const auto lines = lines_of(std::vector<std::uint8_t>(pages, 1));
        const std::size_t each = HeapMap(pages).map().things_of_letter();
        std::size_t letters = 0;
        for (const std::string& line : lines)
            letters += line.size();
        CHECK(lines.size() <= LetterMap::most_lines);
        CHECK(letters == (pages + each - 1) / each);
        CHECK(!lines.back().empty());
    }
}

TEST_CASE("a letter is what most of its pages are for", "[heap_map]") {
    std::vector<std::uint8_t> pages(4096, number(PageUse::free));  // four for a letter
    pages[0] = pages[1] = pages[2] = number(PageUse::run);
    pages[4] = number(PageUse::run);
    pages[8] = number(PageUse::cached_run);
    pages[9] = pages[10] = number(PageUse::inside);
    CHECK(lines_of(pages).front().starts_with("r-c-"));
}
