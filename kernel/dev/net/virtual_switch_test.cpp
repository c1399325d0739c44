// SPDX-License-Identifier: MIT
#include "kernel/dev/net/virtual_switch.hpp"

#include <memory>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

using Taken = FrameSink::Taken;
constexpr std::uint64_t second = 10'000'000;

MacAddress mac(std::uint8_t number) {
    return {{0x52, 0x54, 0, 0, 0, number}};
}
constexpr MacAddress everybody{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

class Sink : public FrameSink {
  public:
    Taken take(const NetFrame& frame) override {
        if (answer == Taken::yes) sources.push_back(frame.source());
        return answer;
    }
    std::vector<MacAddress> sources;
    Taken answer = Taken::yes;

  protected:
    ~Sink() = default;
};

struct Port final : private Sink, public SwitchPort {
    explicit Port(const Settings& settings) : SwitchPort(settings, *this) {}
    void send_again() override {
        ++woken;
        if (order != nullptr) order->push_back(number);
    }
    using Sink::answer;
    using Sink::sources;
    int woken = 0;
    int number = 0;
    std::vector<int>* order = nullptr;
};

struct Bench {
    Port& add(std::uint8_t number, bool isolated = false, bool outside = false,
              std::uint64_t rate = 0) {
        ports.push_back(std::make_unique<Port>(SwitchPort::Settings{
            .address = mac(number), .is_isolated = isolated, .is_outside = outside, .rate = rate}));
        REQUIRE(net.connect(*ports.back()));
        return *ports.back();
    }
    VirtualSwitch::Sent send(Port& from, MacAddress to, MacAddress source, std::size_t size = 60) {
        std::vector<std::byte> bytes(size);
        for (std::size_t n = 0; n < 6; ++n) {
            bytes[n] = static_cast<std::byte>(to.bytes[n]);
            bytes[n + 6] = static_cast<std::byte>(source.bytes[n]);
        }
        const std::span<const std::byte> piece = bytes;
        return net.send(from, {.header = {}, .pieces = {&piece, 1}, .size = size}, now);
    }
    bool send(Port& from, std::uint8_t to) {
        return send(from, mac(to), from.settings().address).is_over;
    }
    SwitchPort::Counts counts(const Port& port) { return net.report_of(port).counts; }
    ~Bench() {
        for (auto& port : ports)
            net.disconnect(*port);
    }

    VirtualSwitch net{second};
    std::vector<std::unique_ptr<Port>> ports;
    std::uint64_t now = 1000;
};

}  // namespace

TEST_CASE("a frame goes to who has the address, or to all others", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& b = bench.add(2);
    Port& c = bench.add(3);
    CHECK(bench.send(a, 2));
    CHECK(b.sources.size() == 1);
    CHECK(c.sources.empty());
    CHECK(bench.send(a, 9));
    CHECK(bench.send(a, everybody, mac(1)).is_over);
    CHECK(b.sources.size() == 3);
    CHECK(c.sources.size() == 2);
    CHECK(a.sources.empty());
    CHECK(bench.send(a, 1));  // to itself
    CHECK(bench.counts(a).sent == 3);
    CHECK(bench.counts(a).lost() == 1);
    CHECK(bench.counts(b).received == 3);
    CHECK(bench.counts(c).lost() == 0);
}

TEST_CASE("other addresses of a port are learned, and move with the last frame",
          "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& b = bench.add(2);
    Port& c = bench.add(3);
    CHECK(bench.send(b, mac(1), mac(20)).is_over);
    CHECK(bench.send(a, 20));
    CHECK(b.sources.size() == 1);
    CHECK(c.sources.empty());
    CHECK(bench.send(c, mac(1), mac(20)).is_over);
    CHECK(bench.send(a, 20));
    CHECK(b.sources.size() == 1);
    CHECK(c.sources.size() == 1);
}

TEST_CASE("a port that sends from many addresses takes no other's room", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& b = bench.add(2);
    Port& c = bench.add(3);
    CHECK(bench.send(b, mac(1), mac(20)).is_over);
    for (std::uint8_t n = 100; n < 200; ++n)
        CHECK(bench.send(c, mac(1), mac(n)).is_over);
    CHECK(bench.send(a, 20));
    CHECK(b.sources.size() == 1);
    CHECK(c.sources.empty());
    CHECK(bench.send(a, 199));
    CHECK(c.sources.size() == 1);
    CHECK(b.sources.size() == 1);
    CHECK(bench.send(a, 100));  // forgotten
    CHECK(b.sources.size() == 2);
}

TEST_CASE("an address that comes with its port is taken from who has sent from it",
          "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& c = bench.add(3);
    CHECK(bench.send(a, mac(3), mac(2)).is_over);
    Port& b = bench.add(2);
    CHECK(bench.send(c, 2));
    CHECK(b.sources.size() == 1);
    CHECK(a.sources.empty());
}

TEST_CASE("no port takes an address from the outside", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& b = bench.add(2);
    Port& out = bench.add(3, false, true);
    CHECK(bench.send(a, mac(2), mac(50)).is_over);
    CHECK(bench.send(b, 50));
    CHECK(out.sources.size() == 1);
    CHECK(a.sources.empty());
}

TEST_CASE("who was served last is woken last", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& b = bench.add(2);
    Port& c = bench.add(3);
    CHECK(bench.send(a, 3));
    c.answer = Taken::no_room;
    CHECK(!bench.send(a, 3));
    CHECK(!bench.send(b, 3));
    std::vector<int> order;
    a.order = b.order = &order;
    a.number = 1;
    b.number = 2;
    bench.net.room_again(c);
    CHECK(order == std::vector{2, 1});
}

TEST_CASE("nobody sends from another's address", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& b = bench.add(2);
    CHECK(bench.send(a, mac(2), mac(2)).is_over);
    CHECK(bench.send(a, mac(2), everybody).is_over);
    CHECK(bench.send(a, mac(2), MacAddress{}).is_over);
    CHECK(b.sources.empty());
    CHECK(bench.counts(a).lost() == 3);
    Port same({.address = mac(1)});
    CHECK(!bench.net.connect(same));
}

TEST_CASE("isolated ports do not see each other", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1, true);
    Port& b = bench.add(2, true);
    Port& c = bench.add(3);
    CHECK(bench.send(a, 2));
    CHECK(bench.send(a, everybody, mac(1)).is_over);
    CHECK(bench.send(a, 77));
    CHECK(b.sources.empty());
    CHECK(c.sources.size() == 2);
    CHECK(bench.send(c, 2));
    CHECK(b.sources.size() == 1);
}

TEST_CASE("what nobody has lies outside", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& b = bench.add(2);
    Port& out = bench.add(3, false, true);
    CHECK(bench.send(a, 50));
    CHECK(out.sources.size() == 1);
    CHECK(b.sources.empty());
    CHECK(bench.send(out, mac(2), mac(50)).is_over);
    CHECK(b.sources.size() == 1);
    CHECK(bench.send(a, everybody, mac(1)).is_over);
    CHECK(b.sources.size() == 2);
    CHECK(out.sources.size() == 2);
}

TEST_CASE("a frame waits for room, but not for ever", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& b = bench.add(2);
    Port& c = bench.add(3);
    b.answer = Taken::no_room;
    const auto first = bench.send(a, mac(2), mac(1));
    CHECK(!first.is_over);
    CHECK(first.again_at == bench.now + second / 50);
    bench.net.room_again(c);
    CHECK(a.woken == 0);
    bench.net.room_again(b);
    CHECK(a.woken == 1);
    b.answer = Taken::yes;
    CHECK(bench.send(a, 2));
    CHECK(b.sources.size() == 1);

    b.answer = Taken::no_room;
    CHECK(!bench.send(a, 2));
    bench.now += second / 50;
    CHECK(bench.send(a, 2));  // lost
    CHECK(bench.counts(a).lost() == 1);
    CHECK(bench.send(a, 2));  // at once: the port is stuck
    CHECK(bench.send(c, 2));
    CHECK(bench.counts(a).lost() == 2);
    bench.net.room_again(b);
    CHECK(!bench.send(a, 2));
    CHECK(bench.send(a, everybody, mac(1)).is_over);  // does not wait
}

TEST_CASE("who forgets a frame is as patient with the next", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& b = bench.add(2);
    b.answer = Taken::no_room;
    CHECK(!bench.send(a, 2));
    bench.net.nothing_waits(a);
    bench.net.room_again(b);
    CHECK(a.woken == 0);
    bench.now += second;
    CHECK(!bench.send(a, 2));
    CHECK(bench.counts(a).lost() == 0);
}

TEST_CASE("who waits for a port that leaves is woken", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1);
    Port& b = bench.add(2);
    b.answer = Taken::no_room;
    CHECK(!bench.send(a, 2));
    bench.net.disconnect(b);
    CHECK(a.woken == 1);
    CHECK(bench.send(a, 2));
    CHECK(bench.counts(a).lost() == 1);
    bench.net.disconnect(b);  // again
}

TEST_CASE("a port keeps to its rate", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1, false, false, 100'000);
    bench.add(2);
    std::size_t sent = 0;
    while (bench.send(a, mac(2), mac(1), 1000).is_over)
        ++sent;
    CHECK(sent == 2);  // a hundredth of a second of it at once, and what came before is over
    const auto held = bench.send(a, mac(2), mac(1), 1000);
    CHECK(held.again_at > bench.now);
    bench.now = held.again_at;
    CHECK(bench.send(a, mac(2), mac(1), 1000).is_over);
    const std::uint64_t begin = bench.now;
    for (sent = 0; bench.now < begin + second;) {
        const auto result = bench.send(a, mac(2), mac(1), 1000);
        if (result.is_over) {
            ++sent;
        } else {
            bench.now = result.again_at;
        }
    }
    CHECK((sent == 99 || sent == 100));  // as it falls
}

TEST_CASE("a frame counts once for its sender, and once for each that is to have it",
          "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1, true);
    Port& b = bench.add(2);
    Port& c = bench.add(3);
    Port& d = bench.add(4, true);
    b.answer = Taken::never;
    CHECK(bench.send(a, everybody, mac(1), 100).is_over);
    b.answer = Taken::no_room;
    CHECK(bench.send(a, everybody, mac(1), 50).is_over);
    CHECK(!bench.send(a, 2));  // comes again
    c.answer = Taken::never;
    CHECK(bench.send(a, everybody, mac(1)).is_over);
    b.answer = Taken::never;
    CHECK(bench.send(a, everybody, mac(1)).is_over);
    CHECK(bench.send(a, 4));
    CHECK(bench.send(a, mac(2), mac(3)).is_over);
    const auto sender = bench.counts(a);
    CHECK(sender.sent == 2);
    CHECK(sender.sent_bytes == 150);
    CHECK(sender.no_room == 1);
    CHECK(sender.refused == 1);
    CHECK(sender.to_nobody == 1);
    CHECK(sender.bad_source == 1);
    CHECK(sender.lost() == 4);
    CHECK(bench.counts(b).missed_refused == 2);
    CHECK(bench.counts(b).missed_no_room == 2);
    CHECK(bench.counts(b).missed() == 4);
    CHECK(bench.counts(c).received == 2);
    CHECK(bench.counts(c).received_bytes == 150);
    CHECK(bench.counts(c).missed() == 2);
    CHECK(bench.counts(d).missed() == 0);
}

TEST_CASE("a port's report has what it has learned, and that it is stuck", "[virtual_switch]") {
    Bench bench;
    Port& a = bench.add(1, false, false, 100'000);
    Port& b = bench.add(2);
    CHECK(bench.send(a, mac(2), mac(30)).is_over);
    CHECK(bench.send(a, mac(2), mac(31)).is_over);
    CHECK(bench.send(b, mac(1), mac(30)).is_over);
    const auto of_a = bench.net.report_of(a);
    REQUIRE(of_a.learned.size() == 1);
    CHECK(of_a.learned[0] == mac(31));
    CHECK(!bench.net.report_of(b).is_stuck);
    b.answer = Taken::no_room;
    CHECK(!bench.send(a, 2));
    bench.now += second / VirtualSwitch::patience_share;
    CHECK(bench.send(a, 2));
    CHECK(bench.net.report_of(b).is_stuck);
    CHECK(bench.counts(a).held_back == 0);
    while (bench.send(a, 2)) {
    }
    CHECK(bench.counts(a).held_back == 1);
}

TEST_CASE("a switch has so many ports", "[virtual_switch]") {
    Bench bench;
    for (std::uint8_t n = 0; n < VirtualSwitch::max_ports; ++n)
        bench.add(n);
    Port more({.address = mac(200)});
    CHECK(!bench.net.connect(more));
}
