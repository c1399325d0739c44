// SPDX-License-Identifier: MIT
// Frames between a port of a switch and the machine's network device, with what they leave to be
// done.
#include "kernel/vm/virtio/uplink.hpp"

#include <memory>
#include <vector>

#include "kernel/arch/isa/csr_access.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/host_net_bench.hpp"

using namespace cairn;
using namespace cairn::test;
namespace feature = virtio_net::feature;
namespace segments = virtio_net::segments;

namespace {

constexpr std::uint64_t ticks = 1000;
constexpr std::size_t tcp_at = 34;
constexpr std::size_t headers = tcp_at + 20;

struct Port final : private FrameSink, public SwitchPort {
    Port() : SwitchPort({.address = {{2, 0, 0, 0, 0, 1}}}, *this) {}
    Taken take(const NetFrame& frame) override {
        Bytes bytes;
        for (const std::span<const std::byte> piece : frame.pieces)
            bytes.insert(bytes.end(), piece.begin(), piece.end());
        taken.push_back({frame.header, bytes});
        return Taken::yes;
    }
    void send_again() override { ++woken; }

    struct Frame {
        virtio_net::PacketHeader header;
        Bytes bytes;
    };
    std::vector<Frame> taken;
    int woken = 0;
};

/// TCP over IPv4 from the port to the outside, or the other way round.
Bytes tcp_frame(std::size_t size, bool comes_in) {
    Bytes frame = frame_of(size);
    for (std::size_t n = 0; n < 12; ++n)
        frame[n] = std::byte{0};
    frame[0] = frame[6] = std::byte{2};
    (comes_in ? frame[5] : frame[11]) = std::byte{1};
    (comes_in ? frame[11] : frame[5]) = std::byte{9};
    frame[12] = std::byte{8};
    frame[13] = std::byte{0};
    frame[tcp_at + 12] = std::byte{0x50};
    return frame;
}

virtio_net::PacketHeader partial() {
    virtio_net::PacketHeader header{};
    header.flags = virtio_net::needs_csum;
    header.csum_start = tcp_at;
    header.csum_offset = 16;
    return header;
}
virtio_net::PacketHeader to_be_cut() {
    auto header = partial();
    header.gso_type = segments::tcpv4;
    header.gso_size = 1300;
    return header;
}

struct Bench {
    explicit Bench(std::uint64_t offers = OffloadSet::all_features | feature::mrg_rxbuf,
                   std::uint32_t entries = 128) {
        machine.device.lies[virtio_mmio::Register::queue_num_max] = entries;
        fake_csr_access = [] {};
        tasks.set_rate(ticks);
        machine.function.offers |= offers;
        REQUIRE(machine.net->start(machine.device, HostSource::virtio));
        uplink = std::make_unique<Uplink>(*machine.net, net, tasks);
        REQUIRE((uplink->connect() && net.connect(port)));
        work();
    }
    ~Bench() {
        net.disconnect(port);
        net.disconnect(*uplink);
        tasks.forget(*uplink);
    }
    void work() {
        machine.work();
        while (tasks.do_some()) {
        }
    }
    VirtualSwitch::Sent send(const Bytes& frame, const virtio_net::PacketHeader& header) {
        const std::span<const std::byte> whole(frame);
        const std::array pieces{whole.first(14), whole.subspan(14)};
        return net.send(port, {.header = header, .pieces = pieces, .size = frame.size()}, 1);
    }
    std::span<const std::byte> sent(std::size_t n = 0) {
        return std::span<const std::byte>(machine.function.sent.at(n));
    }

    NetBench machine;
    VirtualSwitch net{ticks};
    DeviceTasks tasks;
    std::unique_ptr<Uplink> uplink;
    Port port;
};

}  // namespace

TEST_CASE("guests have there what the machine's device has", "[uplink]") {
    CHECK(Bench().uplink->offloads() == OffloadSet::all_features);
    CHECK(Bench(0).uplink->offloads() == 0);
    CHECK(Bench(feature::csum | feature::guest_csum | feature::guest_tso4).uplink->offloads() ==
          (feature::csum | feature::guest_csum | feature::guest_tso4));
}

TEST_CASE("what is left to be done goes out as it is", "[uplink]") {
    Bench bench;
    const std::size_t size =
        GENERATE(std::size_t{200}, std::size_t{4096}, std::size_t{4097}, HostNet::most_uncut);
    const Bytes frame = tcp_frame(size, false);
    auto header = size == 200 ? partial() : to_be_cut();
    header.hdr_len = 999;  // what a guest says of it is not believed
    header.num_buffers = 3;
    CHECK(bench.send(frame, header).is_over);
    header.hdr_len = size == 200 ? 0 : headers;
    header.num_buffers = 0;
    CHECK(std::memcmp(bench.sent().data(), &header, sizeof header) == 0);
    CHECK(is_same(bench.sent().subspan(sizeof header), frame));
    CHECK(bench.uplink->report().counts.received == 1);
}

TEST_CASE("what the machine's device does not take is not sent to it", "[uplink]") {
    auto header = to_be_cut();
    Bytes frame = tcp_frame(3000, false);
    std::uint64_t offers = OffloadSet::all_features | feature::mrg_rxbuf;
    SECTION("it has no check sums") {
        offers = 0;
        header = partial();
        frame = tcp_frame(200, false);
    }
    SECTION("it cuts nothing") {
        offers = feature::csum;
    }
    SECTION("it cuts others") {
        offers = feature::csum | feature::host_tso6;
    }
    SECTION("segments would be larger than its MTU") {
        header.gso_size = 1401;
    }
    SECTION("a frame is") {
        frame = tcp_frame(1415, false);
        header = {};
    }
    SECTION("there is no TCP in it") {
        frame[tcp_at + 12] = std::byte{0};
    }
    Bench bench(offers);
    CHECK(bench.send(frame, header).is_over);
    CHECK(bench.machine.function.sent.empty());
    CHECK(bench.uplink->report().counts.missed_refused == 1);
}

TEST_CASE("large frames wait for room, and all of it comes back", "[uplink]") {
    Bench bench;
    const Bytes frame = tcp_frame(60'000, false);
    for (int round = 0; round < 3; ++round) {
        bench.machine.function.sleeps = true;
        bench.machine.function.sent.clear();
        bench.port.woken = 0;
        std::size_t count = 0;
        while (bench.send(frame, to_be_cut()).is_over)
            REQUIRE(++count < 100);
        CHECK(count == 4);  // of 15 chunks each
        bench.machine.function.sleeps = false;
        bench.work();
        CHECK(bench.port.woken == 1);
        CHECK(bench.machine.function.sent.size() == count);
        CHECK(bench.send(frame, to_be_cut()).is_over);
        CHECK(is_same(bench.sent(count).subspan(sizeof(virtio_net::PacketHeader)), frame));
        bench.work();
    }
}

TEST_CASE("what has been sent makes room, though nobody has said so", "[uplink]") {
    Bench bench(0, 32);
    bench.machine.function.sleeps = true;
    const Bytes frame = tcp_frame(200, false);
    for (int n = 0; n < 16; ++n)  // each with a descriptor for its header
        REQUIRE(bench.send(frame, {}).is_over);
    bench.machine.function.sleeps = false;
    bench.machine.device.work();
    CHECK_FALSE(bench.machine.device.wire.up);
    CHECK(bench.send(frame, {}).is_over);
    CHECK(bench.machine.function.sent.size() == 17);
}

TEST_CASE("what comes in with work left goes to its port as it is", "[uplink]") {
    Bench bench;
    const Bytes large = tcp_frame(50'000, true);
    const Bytes small = tcp_frame(200, true);
    auto header = partial();
    header.flags |= virtio_net::data_valid;
    bench.machine.arrive(large, to_be_cut());
    bench.machine.arrive(small, header);
    bench.machine.arrive(small);
    bench.work();
    REQUIRE(bench.port.taken.size() == 3);
    CHECK(bench.port.taken[0].bytes == large);
    CHECK(bench.port.taken[0].header.gso_size == 1300);
    CHECK(bench.port.taken[1].bytes == small);
    CHECK(bench.port.taken[1].header.flags == virtio_net::needs_csum);  // and nothing else
    CHECK(bench.port.taken[2].header.flags == 0);
}

TEST_CASE("a header that is wrong is not passed on", "[uplink]") {
    Bench bench(GENERATE(OffloadSet::all_features | feature::mrg_rxbuf, feature::guest_csum));
    auto far = partial();
    far.csum_start = 1500;
    auto other = partial();
    other.gso_type = 3;
    other.gso_size = 1000;
    auto no_size = to_be_cut();
    no_size.gso_size = 0;
    for (const auto& header : {far, other, no_size})
        bench.machine.arrive(tcp_frame(1000, true), header);
    bench.work();
    CHECK(bench.port.taken.empty());
    CHECK(bench.uplink->malformed() == 3);
    bench.machine.arrive(tcp_frame(1000, true), partial());
    bench.work();
    CHECK(bench.port.taken.size() == 1);
}

TEST_CASE("a turn takes some large frames, and more turns the others", "[uplink]") {
    Bench bench;
    for (int n = 0; n < 12; ++n)
        bench.machine.arrive(tcp_frame(60'000, true), to_be_cut());
    bench.machine.work();
    REQUIRE(bench.tasks.do_some());
    CHECK(bench.port.taken.size() < 8);  // that there is room for
    bench.work();
    CHECK(bench.port.taken.size() == 12);
}
