// SPDX-License-Identifier: MIT
#include "cairn/heap/store/page_heap.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

/// Metadata full of garbage, a page heap on it, and the faults that it reported.
class Bench {
  public:
    explicit Bench(std::size_t pages)
        : words_((PageHeap::metadata_size(pages) + 3) / 4, 0xa5a5'a5a5) {
        heap.init(reinterpret_cast<std::byte*>(words_.data()), pages, 0x8000'0000, report_);
    }

    PageHeap heap;
    std::vector<HeapFault> faults;

  private:
    static void hear(void* self, const HeapFault& fault) {
        static_cast<Bench*>(self)->faults.push_back(fault);
    }
    FaultReporter report_{.hook = {&Bench::hear, this}, .owner = "pages"};
    std::vector<std::uint32_t> words_;
};

std::vector<unsigned> uses(const PageHeap& heap) {
    return {heap.use_map(), heap.use_map() + heap.pages()};
}

TEST_CASE("nothing is free until it is added", "[page_heap]") {
    Bench bench(16);
    CHECK(bench.heap.allocate(1) == PageHeap::none);
    CHECK(bench.heap.free_pages() == 0);
    CHECK(bench.heap.largest_free() == 0);
    CHECK(bench.heap.check());
    bench.heap.add(2, 3);
    bench.heap.add(8, 8);
    CHECK(bench.heap.free_pages() == 11);
    CHECK(bench.heap.largest_free() == 8);
    bench.heap.add(5, 3);
    CHECK(bench.heap.largest_free() == 14);
    CHECK(bench.heap.check());
    CHECK(uses(bench.heap)[1] == 0);
    CHECK(uses(bench.heap)[2] == 65);
}

TEST_CASE("used runs that are neighbours come back as one", "[page_heap]") {
    Bench bench(16);
    bench.heap.add(0, 16);
    CHECK(bench.heap.allocate(2) == 0);
    for (std::uint32_t first = 2; first < 14; first += 4)
        CHECK(bench.heap.allocate(4) == first);
    bench.heap.add(2, 12);
    CHECK(bench.heap.free_pages() == 14);
    CHECK(bench.heap.largest_free() == 14);
    CHECK(bench.heap.check());
    CHECK(bench.heap.allocate(14) == 2);
}

TEST_CASE("counts are exact, and the bytes say what a page is", "[page_heap]") {
    Bench bench(8);
    bench.heap.add(0, 8);
    CHECK(bench.heap.allocate(3) == 0);
    CHECK(bench.heap.allocate(2) == 3);
    CHECK(uses(bench.heap) == std::vector<unsigned>{66, 67, 67, 66, 67, 65, 65, 65});
    CHECK(bench.heap.run_length(0) == 3);
    bench.heap.set_use(0, 3, PageUse::block_chunk);
    CHECK(bench.heap.check());
    CHECK(bench.heap.allocate(4) == PageHeap::none);
    CHECK(bench.heap.allocate(0) == PageHeap::none);
    CHECK(bench.heap.allocate(3) == 5);
    CHECK(bench.heap.largest_free() == 0);
    bench.heap.free(0);
    bench.heap.free(5);
    bench.heap.free(3);
    CHECK(uses(bench.heap) == std::vector<unsigned>(8, 65));
    CHECK(bench.heap.largest_free() == 8);
    CHECK(bench.heap.check());
}

TEST_CASE("the closest run is taken first", "[page_heap]") {
    Bench bench(64);
    bench.heap.add(0, 8);
    bench.heap.add(10, 4);
    bench.heap.add(20, 30);
    CHECK(bench.heap.allocate(4) == 10);
    CHECK(bench.heap.allocate(3) == 0);
    CHECK(bench.heap.allocate(5) == 3);
    CHECK(bench.heap.allocate(1) == 20);
}

TEST_CASE("a run of the request's own bin is found behind shorter ones", "[page_heap]") {
    // 13 to 15 pages share a bin; the one that holds 15 is the last of its ring.
    Bench bench(400);
    bench.heap.add(0, 15);
    for (std::size_t i = 0; i < 20; ++i)
        bench.heap.add(20 + 16 * i, 13);
    CHECK(bench.heap.allocate(15) == 0);
    CHECK(bench.heap.allocate(15) == PageHeap::none);
    CHECK(bench.heap.check());
}

TEST_CASE("an aligned request takes the head of an exact run first", "[page_heap]") {
    Bench bench(64);
    bench.heap.add(1, 12);
    bench.heap.add(20, 4);
    bench.heap.add(30, 5);
    CHECK(bench.heap.allocate(4, 4) == 20);
    CHECK(bench.heap.allocate(4, 4) == 4);  // 1..3 and 8..12 stay
    CHECK(bench.heap.allocate(5, 8) == 8);
    CHECK(bench.heap.allocate(4, 4) == PageHeap::none);
    CHECK(bench.heap.allocate(4, 4, 2) == 30);  // 32 is a multiple of 4
    CHECK(bench.heap.free_pages() == 4);
    CHECK(bench.heap.check());
}

TEST_CASE("alignment up to 1 GiB, with a phase", "[page_heap]") {
    // A window that starts 256 MiB below a multiple of 1 GiB.
    constexpr std::size_t gibi_pages = 262'144;
    constexpr std::size_t phase = gibi_pages - gibi_pages / 4;
    Bench bench(3 * gibi_pages);
    bench.heap.add(100, 3 * gibi_pages - 100);
    CHECK(bench.heap.allocate(2 * gibi_pages, gibi_pages, phase) == gibi_pages / 4);
    CHECK(bench.heap.allocate(gibi_pages, gibi_pages, phase) == PageHeap::none);
    CHECK(bench.heap.allocate(512, 512, phase + 1) == 511);
    CHECK(bench.heap.largest_free() == 3 * gibi_pages / 4);
    bench.heap.free(gibi_pages / 4);
    bench.heap.free(511);
    CHECK(bench.heap.largest_free() == 3 * gibi_pages - 100);
    CHECK(bench.heap.check());
}

TEST_CASE("runs shrink and grow where they lie", "[page_heap]") {
    Bench bench(16);
    bench.heap.add(0, 16);
    const std::size_t run = bench.heap.allocate(4);
    bench.heap.set_use(run, 4, 7);
    CHECK(bench.heap.extend(run, 6));
    CHECK(uses(bench.heap) ==
          std::vector<unsigned>{7, 7, 7, 7, 67, 67, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65});
    const std::size_t after = bench.heap.allocate(2);
    CHECK(after == 6);
    CHECK_FALSE(bench.heap.extend(run, 7));
    bench.heap.free(after);
    CHECK_FALSE(bench.heap.extend(run, 17));
    CHECK_FALSE(bench.heap.extend(run, 5));
    CHECK(bench.heap.extend(run, 6));
    CHECK(bench.heap.extend(run, 16));
    CHECK(bench.heap.free_pages() == 0);
    bench.heap.shrink(run, 16);
    bench.heap.shrink(run, 1);
    CHECK(bench.heap.run_length(run) == 1);
    CHECK(bench.heap.largest_free() == 15);
    CHECK(bench.heap.check());
    bench.heap.free(run);
    CHECK(bench.heap.largest_free() == 16);
}

/// A bench with free runs at 0 (2 pages), 4 (2), 8 (8) and used ones between: 2 (2), 6 (2).
struct Scene : Bench {
    Scene() : Bench(16) {
        heap.add(0, 16);
        const std::size_t first = heap.allocate(2);
        static_cast<void>(heap.allocate(2));
        const std::size_t third = heap.allocate(2);
        static_cast<void>(heap.allocate(2));
        heap.free(first);
        heap.free(third);
        REQUIRE(heap.check());
    }
    /// Where `check` finds the damage; -1 where it finds none.
    [[nodiscard]] int damaged_page() {
        if (heap.check()) return -1;
        REQUIRE(faults.size() == 1);
        CHECK(faults[0].kind == HeapFaultKind::corrupt_page_table);
        CHECK(faults[0].owner == "pages");
        const auto offset = reinterpret_cast<std::uintptr_t>(faults[0].address) - 0x8000'0000;
        return static_cast<int>(offset / PageHeap::page_size);
    }
};

TEST_CASE("a used run is split into two", "[page_heap]") {
    Bench bench(16);
    bench.heap.add(0, 16);
    const std::size_t run = bench.heap.allocate(8);
    bench.heap.split(run, run);
    bench.heap.split(run, run + 8);
    CHECK(bench.heap.run_length(run) == 8);
    bench.heap.split(run, run + 3);
    CHECK(bench.heap.run_length(run) == 3);
    CHECK(bench.heap.run_length(run + 3) == 5);
    CHECK(bench.heap.run_of(run + 2) == run);
    CHECK(bench.heap.run_of(run + 7) == run + 3);
    CHECK(bench.heap.check());
    bench.heap.free(run);
    CHECK(bench.heap.check());
    bench.heap.free(run + 3);
    CHECK(bench.heap.largest_free() == 16);
    CHECK(bench.heap.check());
}

TEST_CASE("check finds what was damaged", "[page_heap]") {
    Scene scene;
    CHECK(scene.damaged_page() == -1);
    SECTION("the length of a free run") {
        scene.heap.info(4).extent = 3;
        CHECK(scene.damaged_page() == 4);
    }
    SECTION("the length at the other end") {
        scene.heap.info(15).extent = 9;
        CHECK(scene.damaged_page() == 8);
    }
    SECTION("no length") {
        scene.heap.info(2).extent = 0;
        CHECK(scene.damaged_page() == 2);
    }
    SECTION("the length of a used run, beyond everything") {
        scene.heap.info(6).extent = UINT32_MAX;
        CHECK(scene.damaged_page() == 6);
    }
    SECTION("a free page that is called used") {
        scene.heap.use_map()[12] = 67;
        CHECK(scene.damaged_page() == 8);
    }
    SECTION("a used page that is called free") {
        scene.heap.use_map()[7] = 65;
        CHECK(scene.damaged_page() == 6);
    }
    SECTION("a free run that is called foreign") {
        scene.heap.set_use(4, 2, PageUse::foreign);
        CHECK(scene.damaged_page() == 0);  // no page is wrong, but their sum
    }
    SECTION("a run without a first page") {
        scene.heap.use_map()[6] = 67;
        CHECK(scene.damaged_page() == 6);
    }
    SECTION("two free runs that touch") {
        scene.heap.set_use(2, 2, PageUse::free);
        CHECK(scene.damaged_page() == 0);
    }
    SECTION("a link to a used page") {
        scene.heap.info(4).next = 6;
        CHECK(scene.damaged_page() == 4);
    }
    SECTION("a link out of the window") {
        scene.heap.info(4).next = 0xdead'beef;
        CHECK(scene.damaged_page() == 4);
    }
    SECTION("a link back that leads elsewhere") {
        scene.heap.info(0).prev = 8;
        CHECK(scene.damaged_page() == 4);
    }
}

TEST_CASE("damage is reported and not followed", "[page_heap]") {
    Scene scene;
    SECTION("in a link, by who allocates") {
        scene.heap.info(4).next = 0xdead'beef;
        CHECK(scene.heap.allocate(2) == 8);
    }
    SECTION("in a length, by who allocates") {
        scene.heap.info(4).extent = 0xffff'ffff;
        CHECK(scene.heap.allocate(2) == 8);
    }
    SECTION("in the length of a neighbour, by who frees") {
        scene.heap.info(5).extent = 0x7fff'ffff;
        scene.heap.free(6);
        CHECK(scene.heap.run_length(6) == 10);
    }
    SECTION("in the link of a neighbour, by who frees") {
        scene.heap.info(8).prev = 0x7fff'ffff;
        scene.heap.free(6);
        CHECK(scene.heap.run_length(4) == 4);
    }
    SECTION("in the link of a neighbour, by who grows") {
        scene.heap.info(8).next = 3;
        CHECK_FALSE(scene.heap.extend(6, 4));
    }
    SECTION("in a ring's head, by who adds to it") {
        scene.heap.info(16 + 1).next = 0xffff'fff0;  // of the runs of two pages
        scene.heap.shrink(6, 1);
        static_cast<void>(scene.heap.allocate(7));
        scene.heap.shrink(2, 1);  // page 3 joins 4 and 5
        scene.heap.free(2);
    }
    REQUIRE_FALSE(scene.faults.empty());
    for (const HeapFault& fault : scene.faults)
        CHECK(fault.kind == HeapFaultKind::corrupt_page_table);
}

/// What the pages are by the simplest account: a run's number for each, 0 for free, -1 for foreign.
class Model {
  public:
    explicit Model(std::size_t pages) : owner_(pages, -1) {}

    void add(std::size_t first, std::size_t count) { fill(first, count, 0); }
    void fill(std::size_t first, std::size_t count, int owner) {
        std::fill_n(owner_.begin() + static_cast<std::ptrdiff_t>(first), count, owner);
    }
    [[nodiscard]] bool all(std::size_t first, std::size_t count, int owner) const {
        if (first > owner_.size() || count > owner_.size() - first) return false;
        return std::all_of(owner_.begin() + static_cast<std::ptrdiff_t>(first),
                           owner_.begin() + static_cast<std::ptrdiff_t>(first + count),
                           [=](int held) { return held == owner; });
    }
    [[nodiscard]] bool fits(std::size_t count, std::size_t alignment, std::size_t phase) const {
        for (std::size_t first = 0; first < owner_.size(); ++first) {
            if ((first + phase) % alignment == 0 && all(first, count, 0)) return true;
        }
        return false;
    }
    [[nodiscard]] auto free_pages() const { return std::count(owner_.begin(), owner_.end(), 0); }
    [[nodiscard]] std::size_t largest_free() const {
        std::size_t largest = 0;
        std::size_t length = 0;
        for (const int owner : owner_) {
            length = owner == 0 ? length + 1 : 0;
            largest = std::max(largest, length);
        }
        return largest;
    }

  private:
    std::vector<int> owner_;
};

struct Actions {
    Bench& bench;
    Model& model;
    std::map<std::size_t, std::size_t>& runs;

    void allocate() {
        const auto count = *rc::gen::weightedOneOf<std::size_t>(
            {{4, rc::gen::inRange<std::size_t>(1, 6)}, {1, rc::gen::inRange<std::size_t>(1, 90)}});
        const auto alignment = std::size_t{1} << *rc::gen::inRange(0, 7);
        const auto phase = *rc::gen::inRange<std::size_t>(0, 100);
        const std::size_t first = bench.heap.allocate(count, alignment, phase);
        if (first == PageHeap::none) {
            RC_ASSERT_FALSE(model.fits(count, alignment, phase));
            return;
        }
        RC_ASSERT((first + phase) % alignment == 0U);
        RC_ASSERT(model.all(first, count, 0));
        RC_ASSERT(bench.heap.run_length(first) == count);
        model.fill(first, count, static_cast<int>(first) + 1);
        runs[first] = count;
    }
    void free(std::size_t first) {
        bench.heap.free(first);
        model.add(first, runs[first]);
        runs.erase(first);
    }
    void resize(std::size_t first) {
        const std::size_t count = runs[first];
        const auto new_count = *rc::gen::inRange<std::size_t>(1, 2 * count + 4);
        if (new_count <= count) {
            bench.heap.shrink(first, new_count);
            model.add(first + new_count, count - new_count);
        } else {
            const bool possible = model.all(first + count, new_count - count, 0);
            RC_ASSERT(bench.heap.extend(first, new_count) == possible);
            if (!possible) return;
            model.fill(first, new_count, static_cast<int>(first) + 1);
        }
        runs[first] = new_count;
    }
    [[nodiscard]] std::size_t any_run() {
        const auto which = *rc::gen::inRange<std::size_t>(0, runs.size());
        return std::next(runs.begin(), static_cast<std::ptrdiff_t>(which))->first;
    }
};

TEST_CASE("a page heap does what a list of owners does", "[page_heap]") {
    const bool holds = rc::check("against a model", [] {
        constexpr std::size_t pages = 300;
        Bench bench(pages);
        Model model(pages);
        std::map<std::size_t, std::size_t> runs;
        Actions act{bench, model, runs};
        // The window's parts come one after the other, with foreign pages at 100 and 299.
        std::vector<std::pair<std::size_t, std::size_t>> parts{{101, 99}, {0, 100}, {200, 99}};
        const auto steps = *rc::gen::inRange(1, 150);
        for (int step = 0; step < steps; ++step) {
            const int what = *rc::gen::inRange(0, 16);
            if (!parts.empty() && (what == 0 || parts.size() == 3)) {
                bench.heap.add(parts.back().first, parts.back().second);
                model.add(parts.back().first, parts.back().second);
                parts.pop_back();
            } else if (!runs.empty() && what < 7) {
                act.free(act.any_run());
            } else if (!runs.empty() && what < 10) {
                act.resize(act.any_run());
            } else {
                act.allocate();
            }
            RC_ASSERT(bench.heap.free_pages() == static_cast<std::size_t>(model.free_pages()));
            RC_ASSERT(bench.heap.largest_free() == model.largest_free());
            RC_ASSERT(bench.heap.check());
        }
        while (!runs.empty())
            act.free(act.any_run());
        RC_ASSERT(bench.heap.largest_free() == model.largest_free());
        RC_ASSERT(bench.heap.check());
        RC_ASSERT(bench.faults.empty());
    });
    CHECK(holds);
}

}  // namespace
}  // namespace cairn
