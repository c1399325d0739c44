// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/queue/virt_queue.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;
namespace feature = virtio::feature;

namespace {

/// A queue of 8 entries in memory, by the driver of the bench.
struct Queue {
    explicit Queue(std::uint64_t features = feature::ring_indirect_desc) {
        queue.setup() = {8, {VirtioBench::descriptors}, {VirtioBench::avail}, {VirtioBench::used}};
        REQUIRE(queue.start(bench.memory, features));
    }
    VirtQueue::Answer take() {
        DmaTurn turn(bench.memory, 1 << 20);
        return queue.take(turn, chain);
    }
    std::optional<RingFault> fault_of(std::uint16_t head) {
        bench.offer(head);
        const auto taken = take();
        if (taken) return std::nullopt;
        return taken.error();
    }
    bool give_back(std::uint32_t written = 0) {
        DmaTurn turn(bench.memory, 1 << 20);
        return queue.give_back(turn, chain.token(), written).has_value();
    }
    bool interrupts() {
        DmaTurn turn(bench.memory, 1 << 20);
        return queue.is_interrupt_due(turn).value();
    }
    bool awaits_more() {
        DmaTurn turn(bench.memory, 1 << 20);
        return queue.await_more(turn).value();
    }

    VirtioBench bench;
    VirtQueue queue;
    DescriptorChain chain;
};

constexpr std::uint64_t ram = 0x8001'0000;

}  // namespace

TEST_CASE("a chain is taken with its buffers in order", "[virt_queue]") {
    Queue queue;
    CHECK(queue.take() == false);
    queue.bench.chain(2, {{ram, 16}, {ram + 64, 0}, {ram + 100, 7}, {ram + 200, 9, true}});
    queue.bench.offer(2);
    REQUIRE(queue.take() == true);
    CHECK(queue.chain.token().id == 2);
    auto readable = queue.chain.readable();
    auto writable = queue.chain.writable();
    CHECK(readable.left() == 23);
    CHECK(writable.left() == 9);
    CHECK(readable.front(100) == GuestRange{{ram}, 16});
    CHECK(readable.front(3) == GuestRange{{ram}, 3});
    readable.advance(10);
    CHECK(readable.front(100) == GuestRange{{ram + 10}, 6});
    readable.advance(6);
    CHECK(readable.front(100) == GuestRange{{ram + 100}, 7});
    CHECK(writable.take_last() == GuestPhys{ram + 208});
    CHECK(writable.front(100) == GuestRange{{ram + 200}, 8});
    CHECK(queue.take() == false);
}

TEST_CASE("chains come in the order of the ring, around its end", "[virt_queue]") {
    Queue queue;
    for (std::uint32_t n = 0; n < 70'000; ++n) {  // the index wraps, too
        const auto head = static_cast<std::uint16_t>(n % 5);
        queue.bench.chain(head, {{ram + n % 100, 1}});
        queue.bench.offer(head);
        REQUIRE(queue.take() == true);
        REQUIRE(queue.chain.token().id == head);
        REQUIRE(queue.give_back(n));
        REQUIRE(queue.bench.used_index() == static_cast<std::uint16_t>(n + 1));
        REQUIRE(queue.bench.used_element(n).id == head);
        REQUIRE(queue.bench.used_element(n).length == n);
    }
}

TEST_CASE("a table of descriptors stands for the rest of a chain", "[virt_queue]") {
    Queue queue;
    constexpr std::uint64_t table = 0x8002'0000;
    queue.bench.chain(0, {{ram + 32, 4}, {ram + 64, 8, true}}, table);
    queue.bench.describe(0, {ram, 16, virtio_ring::desc_next, 1});
    // The write flag of a descriptor that refers to a table is ignored (section 2.7.5.3.2).
    queue.bench.describe(1, {table, 32, virtio_ring::desc_indirect | virtio_ring::desc_write, 0});
    CHECK(!queue.fault_of(0));
    CHECK(queue.chain.readable().left() == 20);
    CHECK(queue.chain.writable().left() == 8);
}

TEST_CASE("a bad table of descriptors is found", "[virt_queue]") {
    constexpr std::uint64_t table = 0x8002'0000;
    constexpr std::uint16_t indirect = virtio_ring::desc_indirect;
    Queue queue;
    const auto fault_of = [&](const virtio_ring::Descriptor& descriptor) {
        queue.bench.describe(0, descriptor);
        return queue.fault_of(0);
    };
    queue.bench.chain(0, {{ram, 4}}, table);
    CHECK(fault_of({table, 0, indirect, 0}) == RingFault::bad_indirect);
    CHECK(fault_of({table, 24, indirect, 0}) == RingFault::bad_indirect);
    CHECK(fault_of({table, 9 * 16, indirect, 0}) == RingFault::bad_indirect);
    CHECK(fault_of({table, 16, indirect | virtio_ring::desc_next, 1}) == RingFault::bad_indirect);
    CHECK(fault_of({0x1000'1000, 16, indirect, 0}) == RingFault::outside_ram);
    queue.bench.describe(0, {table, 16, indirect, 0}, table);
    CHECK(fault_of({table, 16, indirect, 0}) == RingFault::bad_indirect);  // nested
    queue.bench.describe(0, {ram, 4, virtio_ring::desc_next, 1}, table);
    CHECK(fault_of({table, 16, indirect, 0}) == RingFault::bad_next);  // beyond its end
    queue.bench.describe(0, {ram, 4, virtio_ring::desc_next, 0}, table);
    CHECK(fault_of({table, 16, indirect, 0}) == RingFault::too_long);  // a loop

    Queue without(0);
    without.bench.chain(0, {{ram, 4}}, table);
    without.bench.describe(0, {table, 16, indirect, 0});
    CHECK(without.fault_of(0) == RingFault::bad_indirect);
}

TEST_CASE("a chain begins at a descriptor", "[virt_queue]") {
    CHECK(Queue().fault_of(8) == RingFault::bad_head);
    CHECK(Queue().fault_of(0xffff) == RingFault::bad_head);
}

TEST_CASE("a bad chain is found", "[virt_queue]") {
    Queue queue;
    const auto fault_of = [&](const std::vector<Buffer>& buffers) {
        queue.bench.chain(0, buffers);
        return queue.fault_of(0);
    };
    queue.bench.describe(0, {ram, 4, virtio_ring::desc_next, 8});
    CHECK(queue.fault_of(0) == RingFault::bad_next);
    queue.bench.describe(0, {ram, 4, virtio_ring::desc_next, 1});
    queue.bench.describe(1, {ram, 4, virtio_ring::desc_next, 0});
    CHECK(queue.fault_of(0) == RingFault::too_long);
    CHECK(fault_of({{ram, 4, true}, {ram, 4}}) == RingFault::wrong_order);
    CHECK(fault_of({{0x1000'0000, 4}}) == RingFault::outside_ram);  // the UART
    CHECK(fault_of({{0x800f'ffff, 2}}) == RingFault::outside_ram);
    CHECK(fault_of({{0xffff'ffff'ffff'fffc, 8}}) == RingFault::outside_ram);
    CHECK(fault_of({{ram, 0xffff'ffff}}) == RingFault::outside_ram);
}

TEST_CASE("more than the ring can hold is no number of chains", "[virt_queue]") {
    Queue queue;
    queue.bench.memory.store(GuestPhys{VirtioBench::avail + 2}, std::uint16_t{9});
    CHECK(queue.take().error() == RingFault::index_jump);
    queue.bench.memory.store(GuestPhys{VirtioBench::avail + 2}, std::uint16_t{0xffff});
    CHECK(queue.take().error() == RingFault::index_jump);
}

TEST_CASE("more than 2^32 bytes are no chain", "[virt_queue]") {
    // In RAM that is large enough, of which nothing is touched but the descriptors.
    class Large final : public DmaMemory {
      public:
        Large() : DmaMemory({{0}, ~std::uint64_t{0}}) {}
        bool is_ready(GuestRange) const override { return true; }
        std::span<std::byte> piece(GuestRange range) override { return below.piece(range); }
        BenchMemory below;
        DmaWindow window(GuestPhys) override { return {}; }
    };
    VirtioBench bench;
    Large memory;
    VirtQueue queue;
    DescriptorChain chain;
    queue.setup() = {8, {VirtioBench::descriptors}, {VirtioBench::avail}, {VirtioBench::used}};
    REQUIRE(queue.start(memory, 0));
    bench.chain(0, {{ram, 0xffff'ffff}, {ram, 1}});
    bench.chain(2, {{ram, 0xffff'ffff}, {ram, 2}});
    bench.offer(0);
    bench.offer(2);
    std::memcpy(memory.below.at({VirtioBench::descriptors}),
                bench.memory.at({VirtioBench::descriptors}), 0x3000);
    DmaTurn turn(memory, 1 << 20);
    CHECK(queue.take(turn, chain) == true);
    CHECK(chain.bytes() == 1ull << 32);
    CHECK(queue.take(turn, chain).error() == RingFault::too_many_bytes);
}

TEST_CASE("a driver that wants no interrupts gets none", "[virt_queue]") {
    Queue queue;
    queue.bench.chain(0, {{ram, 4}});
    CHECK_FALSE(queue.interrupts());  // nothing is used
    queue.bench.offer(0);
    REQUIRE(queue.take() == true);
    REQUIRE(queue.give_back());
    CHECK(queue.interrupts());
    CHECK_FALSE(queue.interrupts());
    queue.bench.memory.store(GuestPhys{VirtioBench::avail}, std::uint16_t{1});
    queue.bench.offer(0);
    REQUIRE(queue.take() == true);
    REQUIRE(queue.give_back());
    CHECK_FALSE(queue.interrupts());
}

TEST_CASE("events say when one is told", "[virt_queue]") {
    Queue queue(feature::ring_event_idx);
    queue.bench.chain(0, {{ram, 4}});
    const GuestPhys used_event{VirtioBench::avail + 4 + 8 * 2};
    const GuestPhys avail_event{VirtioBench::used + 4 + 8 * 8};
    const auto use_one = [&] {
        queue.bench.offer(0);
        REQUIRE(queue.take() == true);
        REQUIRE(queue.give_back());
    };
    queue.bench.memory.store(used_event, std::uint16_t{1});
    use_one();
    CHECK_FALSE(queue.interrupts());
    use_one();
    CHECK(queue.interrupts());  // the one behind index 1
    queue.bench.memory.store(used_event, std::uint16_t{3});
    use_one();
    use_one();
    use_one();
    CHECK(queue.interrupts());  // once for three
    CHECK_FALSE(queue.awaits_more());
    CHECK(queue.bench.memory.load<std::uint16_t>(avail_event) == 5);
    queue.bench.offer(0);
    CHECK(queue.awaits_more());  // it came meanwhile
}

TEST_CASE("a turn is charged, and ends with what takes long", "[virt_queue]") {
    Queue queue;
    queue.bench.chain(0, {{ram, 4}, {ram, 4}});
    queue.bench.offer(0);
    DmaTurn turn(queue.bench.memory, 10'000);
    REQUIRE(queue.queue.take(turn, queue.chain) == true);
    CHECK(turn.left() == 10'000 - 512);
    REQUIRE(queue.queue.give_back(turn, {0, 1}, 0));
    CHECK(!turn.is_over());
    CHECK(turn.made_ready() == 0);
    queue.bench.memory.slow = {{VirtioBench::used}, 64};
    queue.bench.offer(0);
    DmaTurn next(queue.bench.memory, 10'000);
    REQUIRE(queue.queue.give_back(next, {0, 1}, 0));
    CHECK(next.is_over());
    CHECK(next.made_ready() != 0);
}

TEST_CASE("RAM without page tables is a fault of Cairn's", "[virt_queue]") {
    Queue queue;
    queue.bench.offer(0);
    queue.bench.memory.refuses = {{VirtioBench::descriptors}, 16};
    CHECK(queue.take().error() == RingFault::no_memory);
    CHECK(to_string(RingFault::no_memory) == "there is no memory for the guest's page tables");
}

TEST_CASE("where the rings lie is found once, and again when that may have changed",
          "[virt_queue]") {
    Queue queue;
    queue.bench.chain(0, {{ram, 4}});
    const auto use_one = [&] {
        queue.bench.offer(0);
        REQUIRE(queue.take() == true);
        REQUIRE(queue.give_back());
    };
    use_one();
    const int found = queue.bench.memory.windows_found;
    CHECK(found != 0);
    use_one();
    CHECK(queue.bench.memory.windows_found == found);
    queue.bench.memory.slow = {{VirtioBench::used}, 64};
    queue.bench.offer(0);
    REQUIRE(queue.take() == true);
    DmaTurn turn(queue.bench.memory, 10'000);
    REQUIRE(queue.queue.give_back(turn, {0, 1}, 0));
    CHECK(turn.is_over());
    CHECK(queue.bench.used_index() == 3);
}

TEST_CASE("rings of two pieces are rings as well", "[virt_queue]") {
    Queue queue;
    queue.bench.memory.piece_size = 16;
    queue.bench.chain(0, {{ram, 4}, {ram + 64, 4}, {ram + 128, 4, true}});
    for (std::uint16_t n = 1; n < 20; ++n) {
        queue.bench.offer(0);
        REQUIRE(queue.take() == true);
        CHECK(queue.chain.bytes() == 12);
        REQUIRE(queue.give_back(4));
        CHECK(queue.bench.used_index() == n);
        CHECK(queue.bench.used_element(n - 1u).length == 4);
    }
}
