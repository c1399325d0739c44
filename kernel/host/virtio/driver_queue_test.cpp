// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/driver_queue.hpp"

#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;
using virtio_ring::Descriptor;
using virtio_ring::UsedElement;

namespace {

/// The device's side, which does what a test says.
struct Bench {
    explicit Bench(std::uint32_t size = 8) { queue.start(size); }

    template <class T>
    T& at(HostPhys base, std::uint64_t offset) {
        return *reinterpret_cast<T*>(base.value + offset);
    }
    std::uint16_t available() {
        return at<std::uint16_t>(queue.driver_area(), virtio_ring::index_at);
    }
    std::uint16_t head(std::uint32_t entry) {
        return at<std::uint16_t>(queue.driver_area(), virtio_ring::avail_at(entry % queue.size()));
    }
    Descriptor& descriptor(std::uint32_t index) {
        return at<Descriptor>(queue.descriptors(), virtio_ring::descriptor_at(index));
    }
    void use(std::uint32_t id, std::uint32_t written = 0) {
        const std::uint64_t entry = virtio_ring::used_at(used % queue.size());
        at<UsedElement>(queue.device_area(), entry) = {id, written};
        at<std::uint16_t>(queue.device_area(), virtio_ring::index_at) = ++used;
    }
    void add(std::initializer_list<DriverQueue::Segment> segments, int& token) {
        queue.add({segments.begin(), segments.size()}, &token);
    }

    DriverQueue queue;
    std::uint16_t used = 0;
};

}  // namespace

TEST_CASE("a chain is in the ring as it was given, and comes back with its token",
          "[driver_queue]") {
    Bench bench;
    int token = 0;
    CHECK(bench.queue.take_used()->has_value() == false);
    bench.add({{{0x1000}, 16, false}, {{0x2000}, 512, true}, {{0x3000}, 1, true}}, token);
    CHECK(bench.available() == 1);
    const std::uint16_t head = bench.head(0);
    const Descriptor first = bench.descriptor(head);
    CHECK((first.address == 0x1000 && first.length == 16 && first.flags == virtio_ring::desc_next));
    const Descriptor second = bench.descriptor(first.next);
    CHECK(second.flags == (virtio_ring::desc_next | virtio_ring::desc_write));
    const Descriptor third = bench.descriptor(second.next);
    CHECK((third.address == 0x3000 && third.length == 1));
    CHECK(third.flags == virtio_ring::desc_write);
    CHECK(bench.queue.in_flight() == 1);
    CHECK(bench.queue.has_room(5));
    CHECK_FALSE(bench.queue.has_room(6));
    bench.use(head, 513);
    const auto used = bench.queue.take_used();
    REQUIRE((used && *used));
    CHECK((*used)->token == &token);
    CHECK((*used)->written == 513);
    CHECK(bench.queue.has_room(8));
    CHECK(bench.queue.take_used()->has_value() == false);
}

TEST_CASE("its parts lie where legacy devices look for them", "[driver_queue]") {
    const Bench bench(64);
    CHECK(bench.queue.descriptors().value % 4096 == 0);
    CHECK(bench.queue.driver_area() == bench.queue.descriptors() + 64 * 16);
    CHECK(bench.queue.device_area() == bench.queue.descriptors() + 4096);
    const Bench largest(256);
    CHECK(largest.queue.driver_area() == largest.queue.descriptors() + 256 * 16);
    CHECK(largest.queue.device_area() == largest.queue.descriptors() + 8192);
}

TEST_CASE("a device that wants no notifications gets none", "[driver_queue]") {
    Bench bench;
    CHECK(bench.queue.wants_notification());
    bench.at<std::uint16_t>(bench.queue.device_area(), 0) = virtio_ring::used_no_notify;
    CHECK_FALSE(bench.queue.wants_notification());
}

TEST_CASE("a driver that wants no interrupts says so", "[driver_queue]") {
    Bench bench;
    const auto flags = [&] { return bench.at<std::uint16_t>(bench.queue.driver_area(), 0); };
    CHECK(flags() == 0);
    bench.queue.want_interrupts(false);
    CHECK(flags() == virtio_ring::avail_no_interrupt);
    bench.queue.want_interrupts(true);
    CHECK(flags() == 0);
}

TEST_CASE("what a device was given before its reset comes back", "[driver_queue]") {
    Bench bench;
    std::array<int, 3> tokens{};
    for (int& token : tokens)
        bench.add({{{0x1000}, 16, false}, {{0x2000}, 10, true}}, token);
    bench.use(bench.head(1));
    REQUIRE(bench.queue.take_used()->has_value());
    CHECK(bench.queue.take_abandoned() == &tokens[0]);
    CHECK(bench.queue.take_abandoned() == &tokens[2]);
    CHECK(bench.queue.take_abandoned() == std::nullopt);
    CHECK(bench.queue.in_flight() == 0);
    CHECK(bench.queue.has_room(8));
}

TEST_CASE("what no device may do is a fault", "[driver_queue]") {
    Bench bench;
    int token = 0;
    bench.add({{{0x1000}, 16, false}, {{0x2000}, 10, true}}, token);
    const std::uint16_t head = bench.head(0);
    SECTION("more is used than there is") {
        bench.use(head);
        bench.use(head);
        CHECK(bench.queue.take_used().error() == UsedFault::index_jump);
    }
    SECTION("an id beyond the queue") {
        bench.use(8);
        CHECK(bench.queue.take_used().error() == UsedFault::bad_id);
    }
    SECTION("an id that begins no chain") {
        bench.use(bench.descriptor(head).next);
        CHECK(bench.queue.take_used().error() == UsedFault::bad_id);
    }
    SECTION("the same twice") {
        bench.use(head);
        REQUIRE(bench.queue.take_used());
        bench.add({{{0x1000}, 16, false}}, token);
        const std::uint16_t other = bench.head(1);
        bench.add({{{0x1000}, 16, false}}, token);
        bench.use(other);
        bench.use(other);
        REQUIRE(bench.queue.take_used());
        CHECK(bench.queue.take_used().error() == UsedFault::bad_id);
    }
    SECTION("more written than there is room for") {
        bench.use(head, 11);
        CHECK(bench.queue.take_used().error() == UsedFault::too_long);
    }
}

TEST_CASE("chains come back in any order, for ever, whatever becomes of the table",
          "[driver_queue]") {
    Bench bench(16);
    std::mt19937 random(1);
    std::array<int, 16> tokens{};
    std::vector<std::pair<std::uint16_t, int*>> in_flight;
    std::uint32_t added = 0;
    for (int step = 0; step < 200'000; ++step) {
        const std::size_t segments = 1 + random() % 4;
        if (random() % 2 == 0 && bench.queue.has_room(segments)) {
            const std::vector<DriverQueue::Segment> chain(segments, {{0x1000}, 4, true});
            int& token = tokens[random() % tokens.size()];
            bench.queue.add(chain, &token);
            in_flight.emplace_back(bench.head(added++), &token);
        } else if (!in_flight.empty()) {
            const auto at = static_cast<std::ptrdiff_t>(random() % in_flight.size());
            const auto [head, token] = in_flight[static_cast<std::size_t>(at)];
            in_flight.erase(in_flight.begin() + at);
            bench.descriptor(head).next = static_cast<std::uint16_t>(random());
            bench.use(head, 4);
            const auto used = bench.queue.take_used();
            REQUIRE((used && *used && (*used)->token == token));
        }
        REQUIRE(bench.queue.in_flight() == in_flight.size());
    }
}
