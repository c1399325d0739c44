// SPDX-License-Identifier: MIT
#include "cairn/heap/store/slot_depot.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "cairn/heap/general/heap_test_support.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Batch = std::array<std::byte*, SlotDepot::batch>;

/// Addresses that nobody reads.
Batch batch_at(std::uintptr_t base) {
    Batch slots;
    for (std::size_t i = 0; i < slots.size(); ++i)
        slots[i] = reinterpret_cast<std::byte*>(base + i * 64);
    return slots;
}

TEST_CASE("a depot keeps batches by owner and class, the last one first", "[heap_core_depot]") {
    const auto depot = std::make_unique<SlotDepot>();
    const Batch first = batch_at(0x10000);
    const Batch second = batch_at(0x20000);
    Batch taken{};
    CHECK(!depot->take(4, 1, taken.data()));
    CHECK(depot->put(4, 1, first.data()));
    CHECK(depot->put(4, 1, second.data()));
    CHECK(depot->bytes() == 2 * 16 * 64);
    CHECK(depot->holds(first[3], 4));
    CHECK(!depot->holds(first[3], 5));
    CHECK(!depot->take(4, 2, taken.data()));
    CHECK(!depot->take(5, 1, taken.data()));
    CHECK(depot->take(4, 1, taken.data()));
    CHECK(taken == second);
    CHECK(!depot->holds(second[0], 4));
    CHECK(!depot->take_any(31, taken.data()));
    CHECK(depot->take_any(1, taken.data()));
    CHECK(taken == first);
    CHECK(depot->bytes() == 0);
}

TEST_CASE("a depot has bounds: batches, bytes of a class, bytes in all", "[heap_core_depot]") {
    const auto depot = std::make_unique<SlotDepot>();
    const Batch slots = batch_at(0x10000);
    const auto fill = [&](std::size_t small_class, std::uint32_t owner) {
        std::size_t count = 0;
        while (depot->put(small_class, owner, slots.data()))
            ++count;
        return count;
    };
    CHECK(fill(1, 1) == 16);
    CHECK(fill(16, 1) == 16);  // 64 KiB
    CHECK(fill(17, 1) == 15);
    CHECK(fill(small_classes, 1) == 4);
    for (std::uint32_t owner = 1; owner < SlabStore::owners; ++owner) {
        for (unsigned c = 1; c <= small_classes; ++c)
            (void)fill(c, owner);
    }
    CHECK(depot->bytes() <= SlotDepot::most_bytes);
    CHECK(depot->bytes() > SlotDepot::most_bytes - std::size_t{16} * 1024);
    Batch taken{};
    CHECK(depot->take(1, 1, taken.data()));
    CHECK(depot->put(1, 1, slots.data()));
    CHECK(depot->take(1, 1, taken.data()));
    depot->close();
    CHECK(!depot->put(1, 1, slots.data()));
    CHECK(depot->take_any(1, taken.data()));
}

// --- in a heap -----------------------------------------------------------------------------------

constexpr std::size_t size = 48;
constexpr std::size_t batch = SlotDepot::batch;

/// Two caches of a heap with a depot, as two threads have.
struct Pair : test::HeapBench {
    Pair() { core.set_depot(*depot); }

    static std::vector<std::byte*> take(HeapCache& cache, std::size_t count) {
        std::vector<std::byte*> slots(count);
        for (std::byte*& slot : slots)
            slot = cache.take(size);
        return slots;
    }
    static void give(HeapCache& cache, std::span<std::byte* const> slots) {
        for (std::byte* const slot : slots)
            cache.give(slot);
    }
    /// `count` batches that `cache` allocated and `other` freed are in the depot. Those slots.
    std::vector<std::byte*> hand_over(std::size_t count) {
        constexpr std::size_t full = 63;
        const auto slots = take(cache, full + count * batch - batch + 1);
        cache.flush();
        give(other, slots);
        REQUIRE(depot->bytes() == count * batch * size);
        // The top of the full magazine, then that of what came since.
        std::vector<std::byte*> handed;
        std::ranges::copy_if(slots, std::back_inserter(handed), [&](std::byte* slot) {
            return depot->holds(slot, small_class(size));
        });
        return handed;
    }

    std::unique_ptr<SlotDepot> depot = std::make_unique<SlotDepot>();
    HeapCache other{core};
};

TEST_CASE("what another cache freed comes back in batches", "[heap_core_depot]") {
    Pair heap;
    auto handed = heap.hand_over(3);
    const HeapStatistics before = heap.core.statistics();
    CHECK(before.live == 0);
    CHECK(before.cached >= (63 + 2 * batch + 1) * size);
    auto taken = Pair::take(heap.cache, 3 * batch);
    CHECK(heap.depot->bytes() == 0);
    std::ranges::sort(handed);
    std::ranges::sort(taken);
    CHECK(taken == handed);
    CHECK(heap.core.statistics().live == 3 * batch * size);
    Pair::give(heap.cache, taken);
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

TEST_CASE("a cache's own slots, and those of several, go to their slabs", "[heap_core_depot]") {
    Pair heap;
    Pair::give(heap.cache, Pair::take(heap.cache, 200));
    CHECK(heap.depot->bytes() == 0);
    HeapCache third(heap.core);
    const auto some = Pair::take(heap.cache, 200);
    const auto others = Pair::take(third, 200);
    for (std::size_t i = 0; i < some.size(); ++i) {
        heap.other.give(some[i]);
        heap.other.give(others[i]);
    }
    CHECK(heap.depot->bytes() == 0);
    third.close();
    heap.other.close();
    heap.cache.close();
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.core.check());
}

TEST_CASE("nothing waits for a cache that is closed", "[heap_core_depot]") {
    Pair heap;
    const auto more = Pair::take(heap.cache, 200);
    heap.hand_over(2);
    heap.cache.close();
    CHECK(heap.depot->bytes() == 0);
    Pair::give(heap.other, more);
    CHECK(heap.depot->bytes() == 0);
    heap.other.close();
    CHECK(heap.core.statistics().cached == 0);
    CHECK(heap.core.statistics().live == 0);
    CHECK(heap.core.check());
}

TEST_CASE("mistakes with slots that were handed over are seen", "[heap_core_depot]") {
    Pair heap;
    const auto handed = heap.hand_over(2);
    SECTION("freed again, by anybody") {
        heap.cache.give(handed[0]);
        CHECK(heap.faults.only() == HeapFaultKind::double_free);
        heap.other.give(handed.back());
        CHECK(heap.faults.only() == HeapFaultKind::double_free);
    }
    SECTION("written to, and handed out") {
        // What the depot's user takes out first, and what waits in its magazine then.
        for (const std::size_t at : {std::size_t{0}, batch, batch + 3})
            std::memset(handed[at], 0x11, size);
        const auto taken = Pair::take(heap.cache, 2 * batch);
        CHECK(heap.faults.seen.size() == 3);
        for (const HeapFault& fault : heap.faults.seen)
            CHECK(fault.kind == HeapFaultKind::use_after_free);
        for (const std::size_t at : {std::size_t{0}, batch, batch + 3})
            CHECK(std::ranges::find(taken, handed[at]) == taken.end());
    }
    SECTION("written to, and walked over") {
        std::memset(handed[3], 0x11, 8);
        CHECK(!heap.core.check());
        CHECK(heap.faults.only() == HeapFaultKind::use_after_free);
    }
}

TEST_CASE("an alignment that no address has leaves a depot as it is", "[heap_core_depot]") {
    Pair heap;
    heap.hand_over(4);
    const std::size_t failures = heap.core.statistics().failures;
    CHECK(heap.cache.take(size, std::size_t{1} << (sizeof(std::size_t) * 8 - 2)) == nullptr);
    CHECK(heap.core.statistics().failures == failures + 1);
    CHECK(heap.depot->bytes() == 4 * batch * size);
    CHECK(heap.core.check());
}

TEST_CASE("a depot is empty before a request fails, and closed from then on", "[heap_core_depot]") {
    Pair heap;
    heap.hand_over(4);
    std::vector<std::byte*> blocks;
    while (std::byte* const block = heap.cache.take(100'000))
        blocks.push_back(block);
    CHECK(heap.depot->bytes() == 0);
    Pair::give(heap.cache, blocks);
    heap.cache.give(heap.cache.take(300'000));  // pages, which are few until the spare chunk goes
    Pair::give(heap.other, Pair::take(heap.cache, 200));
    CHECK(heap.depot->bytes() == 0);
    CHECK(heap.core.check());
    CHECK(heap.faults.seen.empty());
}

}  // namespace
}  // namespace cairn
