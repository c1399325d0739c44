// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/queue/packed_ring.hpp"

#include <deque>

#include "kernel/dev/virtio/queue/virt_queue.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/packed_driver.hpp"

using namespace cairn;
using namespace cairn::test;
using virtio_packed::Descriptor;
namespace feature = virtio::feature;

namespace {

constexpr std::uint64_t ram = 0x8001'0000;
constexpr std::uint64_t table = 0x8002'0000;
constexpr std::uint16_t next_flag = virtio_ring::desc_next;
constexpr std::uint16_t write_flag = virtio_ring::desc_write;
constexpr std::uint16_t indirect_flag = virtio_ring::desc_indirect;

/// A packed queue in memory.
struct Queue {
    explicit Queue(std::uint32_t size = 8, std::uint64_t features = feature::ring_indirect_desc)
        : driver(memory, VirtioBench::descriptors, VirtioBench::avail, VirtioBench::used, size) {
        driver.begin();
        queue.setup() = {
            size, {VirtioBench::descriptors}, {VirtioBench::avail}, {VirtioBench::used}};
        REQUIRE(queue.start(memory, features | feature::ring_packed));
    }
    RingAnswer take() {
        DmaTurn turn(memory, 1 << 20);
        return queue.take(turn, chain);
    }
    /// What is wrong with what it finds.
    std::optional<RingFault> fault() {
        const auto taken = take();
        if (taken) return std::nullopt;
        return taken.error();
    }
    std::optional<RingFault> fault_of(const std::vector<Descriptor>& descriptors) {
        driver.offer(descriptors);
        return fault();
    }
    bool give_back(std::uint32_t written = 0) { return give_back(chain.token(), written); }
    bool give_back(ChainToken token, std::uint32_t written) {
        DmaTurn turn(memory, 1 << 20);
        return queue.give_back(turn, token, written).has_value();
    }
    bool interrupts() {
        DmaTurn turn(memory, 1 << 20);
        return queue.is_interrupt_due(turn).value();
    }
    bool awaits_more() {
        DmaTurn turn(memory, 1 << 20);
        return queue.await_more(turn).value();
    }
    bool has_more_than(std::uint32_t entries) {
        DmaTurn turn(memory, 1 << 20);
        return queue.has_more_than(turn, entries).value();
    }
    /// A chain of one descriptor, there and back.
    void use_one() {
        driver.offer(1, {{ram, 4}});
        REQUIRE(take() == true);
        REQUIRE(give_back());
        REQUIRE(driver.used());
        driver.skip(1);
    }

    BenchMemory memory;
    PackedDriver driver;
    VirtQueue queue;
    DescriptorChain chain;
};

}  // namespace

TEST_CASE("a packed chain is taken with its buffers in order", "[packed_ring]") {
    Queue queue;
    CHECK(queue.take() == false);
    queue.driver.offer(700, {{ram, 16}, {ram + 64, 0}, {ram + 100, 7}, {ram + 200, 9, true}});
    REQUIRE(queue.take() == true);
    CHECK(queue.chain.token().id == 700);  // any number will do
    CHECK(queue.chain.token().entries == 4);
    const auto readable = queue.chain.readable();
    CHECK(readable.left() == 23);
    CHECK(readable.front(100) == GuestRange{{ram}, 16});
    CHECK(queue.chain.writable().left() == 9);
    CHECK(queue.take() == false);
    CHECK_FALSE(queue.driver.used());
    REQUIRE(queue.give_back(9));
    REQUIRE(queue.driver.used());
    CHECK(queue.driver.used()->id == 700);
    CHECK(queue.driver.used()->length == 9);
    CHECK((queue.driver.used()->flags & write_flag) != 0);
    queue.driver.skip(4);
    CHECK_FALSE(queue.driver.used());
    queue.driver.offer(1, {{ram, 16}});
    REQUIRE(queue.take() == true);
    REQUIRE(queue.give_back(0));
    CHECK((queue.driver.used()->flags & write_flag) == 0);  // nothing is written
}

TEST_CASE("a packed ring has any size, and chains end out of order around its end",
          "[packed_ring]") {
    for (const std::uint32_t size : {1u, 2u, 3u, 5u, 7u, 8u, 100u, 256u}) {
        Queue queue(size);
        std::deque<ChainToken> in_flight;
        std::uint32_t taken_entries = 0;
        for (std::uint16_t n = 0; n < 3000; ++n) {
            const auto entries = std::min<std::uint32_t>(n % 4 + 1u, size);
            while (taken_entries + entries > size) {
                const bool last = n % 3 == 0;
                const ChainToken token = last ? in_flight.back() : in_flight.front();
                last ? in_flight.pop_back() : in_flight.pop_front();
                REQUIRE(queue.give_back(token, token.id + 1u));
                const auto used = queue.driver.used();
                REQUIRE(used);
                REQUIRE(used->id == token.id);
                REQUIRE(used->length == token.id + 1u);
                queue.driver.skip(token.entries);
                REQUIRE_FALSE(queue.driver.used());
                taken_entries -= token.entries;
            }
            REQUIRE(queue.take() == false);
            queue.driver.offer(n, std::vector<Buffer>(entries, {ram + n, 1}));
            REQUIRE(queue.take() == true);
            REQUIRE(queue.chain.token().id == n);
            REQUIRE(queue.chain.token().entries == entries);
            REQUIRE(queue.chain.bytes() == entries);
            in_flight.push_back(queue.chain.token());
            taken_entries += entries;
        }
    }
}

TEST_CASE("of what a packed queue is said to be, each part has its rules", "[packed_ring]") {
    BenchMemory memory;
    VirtQueue queue;
    const auto fault_of = [&](const VirtQueue::Setup& setup) -> std::optional<RingFault> {
        queue.setup() = setup;
        const auto started = queue.start(memory, feature::ring_packed);
        queue.stop();
        return started ? std::nullopt : std::optional(started.error());
    };
    const std::uint64_t end = BenchMemory::base.value + BenchMemory::usual_size;
    CHECK(!fault_of({3, {ram}, {ram + 0x1000}, {ram + 0x1004}}));
    CHECK(!fault_of({256, {ram}, {end - 4}, {end - 8}}));  // four bytes each
    CHECK(fault_of({0, {ram}, {ram + 0x1000}, {ram + 0x1004}}) == RingFault::bad_size);
    CHECK(fault_of({257, {ram}, {ram + 0x1000}, {ram + 0x1004}}) == RingFault::bad_size);
    CHECK(fault_of({8, {ram + 8}, {ram + 0x1000}, {ram + 0x1004}}) == RingFault::misaligned);
    CHECK(fault_of({8, {ram}, {ram + 0x1002}, {ram + 0x1004}}) == RingFault::misaligned);
    CHECK(fault_of({8, {ram}, {ram + 0x1000}, {ram + 0x1006}}) == RingFault::misaligned);
    CHECK(fault_of({8, {end - 112}, {ram}, {ram}}) == RingFault::outside_ram);
    CHECK(fault_of({8, {ram}, {end}, {ram}}) == RingFault::outside_ram);
    CHECK(fault_of({8, {ram}, {ram}, {end}}) == RingFault::outside_ram);
}

TEST_CASE("a table of packed descriptors is one chain, all of it", "[packed_ring]") {
    Queue queue;
    queue.driver.offer_table(5, {{ram, 16}, {ram + 32, 4}, {ram + 64, 8, true}}, table);
    // The flags of links, tables and states mean nothing there (section 2.8.7).
    for (std::uint64_t n = 0; n < 3; ++n) {
        const GuestPhys flags{table + n * 16 + 14};
        const auto had = queue.memory.load<std::uint16_t>(flags);
        queue.memory.store(flags, static_cast<std::uint16_t>(had | indirect_flag | 0x8080));
    }
    REQUIRE(queue.take() == true);
    CHECK(queue.chain.token().id == 5);
    CHECK(queue.chain.token().entries == 1);
    CHECK(queue.chain.readable().left() == 20);
    CHECK(queue.chain.writable().left() == 8);
}

TEST_CASE("a bad table of packed descriptors is found", "[packed_ring]") {
    const auto fault_of = [](std::vector<Descriptor> descriptors) {
        return Queue().fault_of(descriptors);
    };
    constexpr auto bad = RingFault::bad_indirect;
    CHECK(fault_of({{table, 0, 1, indirect_flag}}) == bad);
    CHECK(fault_of({{table, 24, 1, indirect_flag}}) == bad);
    CHECK(fault_of({{table, 9 * 16, 1, indirect_flag}}) == bad);
    CHECK(fault_of({{0x1000'1000, 16, 1, indirect_flag}}) == RingFault::outside_ram);
    CHECK(fault_of({{table, 16, 1, indirect_flag | next_flag}, {ram, 4, 1, 0}}) == bad);
    CHECK(fault_of({{ram, 4, 1, next_flag}, {table, 16, 1, indirect_flag}}) == bad);
    CHECK(Queue(8, 0).fault_of({{table, 16, 1, indirect_flag}}) == bad);
    Queue wrong_order;
    wrong_order.driver.offer_table(1, {{ram, 4, true}, {ram, 4}}, table);
    CHECK(wrong_order.fault() == RingFault::wrong_order);
}

TEST_CASE("a bad packed chain is found", "[packed_ring]") {
    const auto fault_of = [](const std::vector<Buffer>& buffers) {
        Queue queue;
        queue.driver.offer(1, buffers);
        return queue.fault();
    };
    CHECK(Queue(3).fault_of(std::vector<Descriptor>(3, {ram, 4, 1, next_flag})) ==
          RingFault::too_long);
    CHECK(fault_of({{ram, 4, true}, {ram, 4}}) == RingFault::wrong_order);
    CHECK(fault_of({{0x1000'0000, 4}}) == RingFault::outside_ram);  // the UART
    CHECK(fault_of({{0x800f'ffff, 2}}) == RingFault::outside_ram);
    CHECK(fault_of({{0xffff'ffff'ffff'fffc, 8}}) == RingFault::outside_ram);
    CHECK(fault_of({{ram, 0xffff'ffff}}) == RingFault::outside_ram);
}

TEST_CASE("more than a packed ring holds is not available", "[packed_ring]") {
    Queue queue(3);
    queue.driver.offer(1, {{ram, 4}, {ram, 4}});
    REQUIRE(queue.take() == true);
    // Two entries are the device's: no more than one is left.
    queue.driver.offer(2, {{ram, 4}, {ram, 4}});
    CHECK(queue.fault() == RingFault::too_long);

    Queue full(2);
    full.driver.offer(1, {{ram, 4}, {ram, 4}});
    REQUIRE(full.take() == true);
    full.driver.offer(2, {{ram, 4}});
    CHECK(full.fault() == RingFault::index_jump);
}

TEST_CASE("an id that comes twice goes back twice", "[packed_ring]") {
    Queue queue;
    queue.driver.offer(3, {{ram, 4}});
    queue.driver.offer(3, {{ram, 4}, {ram, 4}});
    REQUIRE(queue.take() == true);
    const ChainToken first = queue.chain.token();
    REQUIRE(queue.take() == true);
    REQUIRE(queue.give_back(8));
    REQUIRE(queue.give_back(first, 4));
    CHECK(queue.driver.used()->length == 8);
    queue.driver.skip(2);
    CHECK(queue.driver.used()->length == 4);
    CHECK(queue.driver.used()->id == 3);
}

TEST_CASE("what is put back is taken again, also around the end", "[packed_ring]") {
    Queue queue(5);
    for (int n = 0; n < 20; ++n) {
        queue.driver.offer(10, {{ram, 1}, {ram, 1}});
        queue.driver.offer(11, {{ram, 1}, {ram, 1}, {ram, 1}});
        CHECK(queue.has_more_than(0));
        CHECK(queue.has_more_than(2));
        CHECK_FALSE(queue.has_more_than(5));
        REQUIRE(queue.take() == true);
        REQUIRE(queue.take() == true);
        CHECK(queue.take() == false);
        queue.queue.put_back(5);
        REQUIRE(queue.take() == true);
        CHECK(queue.chain.token().id == 10);
        REQUIRE(queue.give_back());
        queue.driver.skip(2);
        REQUIRE(queue.take() == true);
        CHECK(queue.chain.token().id == 11);
        queue.queue.put_back(3);
        REQUIRE(queue.take() == true);
        REQUIRE(queue.give_back());
        CHECK(queue.driver.used()->id == 11);
        queue.driver.skip(3);
        queue.use_one();  // so that the end is elsewhere
    }
}

TEST_CASE("of several chains the driver sees none before the first", "[packed_ring]") {
    Queue queue(5);
    for (int n = 0; n < 11; ++n) {
        const virtio_packed::Position first = queue.driver.next;
        queue.driver.offer(1, {{ram, 4, true}, {ram, 4, true}});
        queue.driver.offer(2, {{ram, 4, true}});
        DmaTurn turn(queue.memory, 1 << 20);
        for (int chains = 0; chains < 2; ++chains) {
            REQUIRE(queue.take() == true);
            REQUIRE(queue.queue.write_used(turn, queue.chain.token(), 4));
        }
        CHECK_FALSE(queue.driver.used());
        queue.driver.skip(2);
        REQUIRE(queue.driver.used());
        CHECK(queue.driver.used()->id == 2);
        queue.driver.seen = first;
        REQUIRE(queue.queue.show_used(turn));
        REQUIRE(queue.driver.used());
        CHECK(queue.driver.used()->id == 1);
        CHECK((queue.driver.used()->flags & write_flag) != 0);
        queue.driver.skip(3);
        REQUIRE(queue.queue.show_used(turn));  // nothing more
        CHECK_FALSE(queue.driver.used());
    }
}

TEST_CASE("the driver of a packed ring wants interrupts or none", "[packed_ring]") {
    Queue queue;
    CHECK_FALSE(queue.interrupts());  // nothing is used
    queue.use_one();
    CHECK(queue.queue.has_given_back());
    CHECK(queue.interrupts());
    CHECK_FALSE(queue.interrupts());
    queue.driver.wish(virtio_packed::event_flag_disable);
    queue.use_one();
    CHECK_FALSE(queue.interrupts());
    // Not negotiated, and what is reserved.
    for (const std::uint32_t flags : {virtio_packed::event_flag_desc, 3u}) {
        queue.driver.wish(flags, 5);
        queue.use_one();
        CHECK(queue.interrupts());
    }
    CHECK_FALSE(queue.awaits_more());
    CHECK(queue.driver.device_wish() == 0);  // of everything
}

TEST_CASE("events of a packed ring have a place and a lap", "[packed_ring]") {
    Queue queue(3, feature::ring_event_idx);
    const auto wish = [&](std::uint32_t further) {
        const virtio_packed::Position at = queue.driver.next.plus(further, 3);
        queue.driver.wish(virtio_packed::event_flag_desc, at.off_wrap(3));
    };
    for (int n = 0; n < 12; ++n) {  // each place of both laps
        wish(0);
        queue.use_one();
        CHECK(queue.interrupts());
        wish(1);
        queue.use_one();
        CHECK_FALSE(queue.interrupts());
        queue.use_one();
        CHECK(queue.interrupts());
        wish(2);
        queue.use_one();
        queue.use_one();
        queue.use_one();
        CHECK(queue.interrupts());  // once for three
        wish(3);                    // the same place, a lap later
        queue.use_one();
        CHECK_FALSE(queue.interrupts());
    }
    queue.driver.wish(virtio_packed::event_flag_desc, 3);  // there is none
    queue.use_one();
    CHECK(queue.interrupts());
    wish(0);
    for (int n = 0; n < 6; ++n)
        queue.use_one();
    CHECK(queue.interrupts());  // two laps, and all is passed
}

TEST_CASE("a packed chain of several entries passes an event within it", "[packed_ring]") {
    Queue queue(8, feature::ring_event_idx);
    queue.driver.wish(virtio_packed::event_flag_desc, virtio_packed::Position{1}.off_wrap(8));
    queue.driver.offer(1, {{ram, 4}, {ram, 4}, {ram, 4}});
    REQUIRE(queue.take() == true);
    REQUIRE(queue.give_back());
    CHECK(queue.interrupts());
}

TEST_CASE("the device of a packed ring asks to be told of its next entry", "[packed_ring]") {
    Queue queue(3, feature::ring_event_idx);
    for (int n = 0; n < 7; ++n) {
        CHECK_FALSE(queue.awaits_more());
        const std::uint32_t wish = queue.driver.device_wish();
        CHECK(wish >> 16 == virtio_packed::event_flag_desc);
        CHECK((wish & 0xffff) == queue.driver.next.off_wrap(3));
        queue.driver.offer(1, {{ram, 4}});
        CHECK(queue.awaits_more());  // it came meanwhile
        REQUIRE(queue.take() == true);
        REQUIRE(queue.give_back());
    }
}

TEST_CASE("a turn is charged for packed descriptors", "[packed_ring]") {
    Queue queue;
    queue.driver.offer(1, {{ram, 4}, {ram, 4}});
    DmaTurn turn(queue.memory, 10'000);
    REQUIRE(queue.queue.take(turn, queue.chain) == true);
    CHECK(turn.left() == 10'000 - 512);
}

TEST_CASE("where a packed ring lies is found once, and may be in pieces", "[packed_ring]") {
    Queue queue;
    queue.use_one();
    const int found = queue.memory.windows_found;
    CHECK(found != 0);
    queue.use_one();
    CHECK(queue.memory.windows_found == found);
    queue.memory.piece_size = 16;
    for (int n = 0; n < 20; ++n)
        queue.use_one();
    queue.memory.refuses = {{VirtioBench::descriptors}, 0x80};
    CHECK(queue.fault() == RingFault::no_memory);
}
