// SPDX-License-Identifier: MIT
#include "kernel/manager/gdb/gdb_server.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <cairn/print.hpp>
#include "kernel/manager/gdb/register_file.hpp"
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

using Next = GdbServer::Next;

/// Two CPUs with registers that tell whose they are, and 64 bytes at 0x1000.
struct FakeTarget final : DebugTarget {
    std::uint32_t cpus() const override { return 2; }
    void describe(std::uint32_t cpu, Writer& out) const override {
        out.write(cpu == 0 ? "first" : "second");
    }
    std::optional<std::uint64_t> read_register(std::uint32_t cpu, std::uint32_t number) override {
        if (const auto set = written.find({cpu, number}); set != written.end()) return set->second;
        if (number > gdb_register::fcsr) return std::nullopt;
        return cpu * 0x100 + number;
    }
    bool write_register(std::uint32_t cpu, std::uint32_t number, std::uint64_t value) override {
        if (number > gdb_register::fcsr) return false;
        written[{cpu, number}] = value;
        return true;
    }
    std::uint32_t vector_register_bytes() const override { return 16; }
    void read_vector(std::uint32_t cpu, std::uint32_t number, std::span<std::byte> to) override {
        std::ranges::fill(to, static_cast<std::byte>(cpu * 0x40 + number));
    }
    void write_vector(std::uint32_t cpu, std::uint32_t number,
                      std::span<const std::byte> from) override {
        vector = {cpu, number, from.front()};
    }
    void use_physical(bool on) override { physical = on; }
    std::size_t read_memory(std::uint32_t, std::uint64_t at, std::span<std::byte> to) override {
        std::size_t done = 0;
        for (; done < to.size() && at + done >= base && at + done < base + ram.size(); ++done)
            to[done] = ram[at + done - base];
        return done;
    }
    bool write_memory(std::uint32_t, std::uint64_t at, std::span<const std::byte> from) override {
        if (at < base || from.size() > ram.size() || at - base > ram.size() - from.size())
            return false;
        std::ranges::copy(from, ram.begin() + static_cast<std::ptrdiff_t>(at - base));
        return true;
    }

    bool insert_breakpoint(std::uint32_t cpu, std::uint64_t address) override {
        return address != 0 && breakpoints.insert({cpu, address}).second;
    }
    bool remove_breakpoint(std::uint64_t address) override {
        return std::erase_if(breakpoints,
                             [address](const auto& each) { return each.second == address; }) != 0;
    }
    bool insert_watchpoint(std::uint32_t cpu, const WatchedBytes& bytes, WatchKind kind) override {
        if (bytes.address == 0) return false;
        watchpoints.emplace_back(cpu, bytes, kind);
        return true;
    }
    void remove_watchpoint(const WatchedBytes& bytes, WatchKind kind) override {
        std::erase_if(watchpoints, [&](const auto& each) {
            return std::get<1>(each) == bytes && std::get<2>(each) == kind;
        });
    }
    void run_alone(std::uint32_t cpu) override { alone = cpu; }
    bool begin_step(std::uint32_t cpu) override {
        stepped = cpu;
        return may_step;
    }

    static constexpr std::uint64_t base = 0x1000;
    std::vector<std::byte> ram = std::vector<std::byte>(64, std::byte{0xab});
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> written;
    std::tuple<std::uint32_t, std::uint32_t, std::byte> vector{};
    bool physical = false;
    std::set<std::pair<std::uint32_t, std::uint64_t>> breakpoints;
    std::vector<std::tuple<std::uint32_t, WatchedBytes, WatchKind>> watchpoints;
    std::optional<std::uint32_t> stepped;
    std::optional<std::uint32_t> alone;
    bool may_step = true;
};

struct Bench {
    FakeTarget target;
    GdbServer server;
    Next next = Next::answer;

    std::string say(std::string_view body) {
        FixedBuffer<GdbServer::most_reply> reply;
        next = server.handle(body, target, reply);
        CHECK_FALSE(reply.truncated());
        return std::string(reply.view());
    }
};

TEST_CASE_METHOD(Bench, "what is agreed on", "[gdb_server]") {
    CHECK(say("qSupported:multiprocess+;xmlRegisters=i386").find("qXfer:features:read+") !=
          std::string::npos);
    CHECK(say("vMustReplyEmpty").empty());
    CHECK(say("X1000,0:").empty());
    CHECK(say("qAttached") == "1");
    CHECK(server.acknowledges());
    CHECK(say("QStartNoAckMode") == "OK");
    CHECK_FALSE(server.acknowledges());
}

TEST_CASE_METHOD(Bench, "threads are numbered from 1, and one is at hand", "[gdb_server]") {
    CHECK(say("qfThreadInfo") == "m1,2");
    CHECK(say("qsThreadInfo") == "l");
    CHECK(say("?") == "T05thread:1;");
    CHECK(say("Hg2") == "OK");
    CHECK(say("qC") == "QC2");
    CHECK(say("qCRC:0,0").empty());
    CHECK(say("Hc-1") == "OK");
    CHECK(say("Hg0") == "OK");
    CHECK(say("qC") == "QC2");
    CHECK(say("qThreadExtraInfo,1") == "6669727374");
    CHECK(say("T2") == "OK");
    for (const auto* bad : {"Hg3", "T3", "Hx1", "Hg", "T", "Hg-2", "qThreadExtraInfo,9"})
        CHECK(say(bad) == "E01");
}

TEST_CASE_METHOD(Bench, "registers are those of the thread at hand", "[gdb_server]") {
    (void)say("Hg2");
    const std::string all = say("g");
    CHECK(all.size() == gdb_register::general * 16);
    CHECK(all.substr(16, 16) == "0101000000000000");
    CHECK(say("p20") == "2001000000000000");
    CHECK(say("p42") == "42010000");  // fflags has 32 bits
    CHECK(say("P5=efcdab8967452301") == "OK");
    CHECK(target.written.at({1, 5}) == 0x0123'4567'89ab'cdef);
    CHECK(say("G" + all) == "OK");
    CHECK(target.written.at({1, 5}) == 0x105);
    CHECK(say("p1041") == "E03");
    CHECK(say("P1041=00") == "E03");
    for (const auto* bad : {"p", "p20x", "pffffffff", "P5", "P5=1", "P5=zz",
                            "P5=001122334455667788", "G00", "p11111111111111111"})
        CHECK(say(bad) == "E01");
}

TEST_CASE_METHOD(Bench, "memory is read as far as there is some, and written whole",
                 "[gdb_server]") {
    CHECK(say("m1000,4") == "abababab");
    CHECK(say("m103e,8") == "abab");
    CHECK(say("m2000,1") == "E02");
    CHECK(say("M1002,2:0102") == "OK");
    CHECK(say("m1000,4") == "abab0102");
    CHECK(say("M103f,2:0102") == "E02");
    CHECK(say("m1000,ffffffffffffffff").size() == 128);
    for (const auto* bad : {"m", "m1000", "m1000,", "mx,1", "m1000,1;", "M1000,1", "M1000,1:0",
                            "M1000,2:01", "M1000,ffffffff:01", "M1000,1:zz"})
        CHECK(say(bad) == "E01");
}

TEST_CASE_METHOD(Bench, "the target description comes in parts", "[gdb_server]") {
    std::string text;
    for (;;) {
        FixedBuffer<64> ask;
        print(ask, "qXfer:features:read:target.xml:{:x},100", text.size());
        const std::string part = say(ask.view());
        REQUIRE(part.size() <= 0x101);
        text += part.substr(1);
        if (part.front() == 'l') break;
        REQUIRE(part.front() == 'm');
    }
    for (const auto* name : {"cpu", "fpu", "csr", "vector", "virtual"})
        CHECK(text.find(std::string("org.gnu.gdb.riscv.") + name) != std::string::npos);
    CHECK(text.find("<vector id=\"words\" type=\"uint32\" count=\"4\"/>") != std::string::npos);
    CHECK(text.find("name=\"v31\" bitsize=\"128\"") != std::string::npos);
    CHECK(text.ends_with("</target>"));
    CHECK(say("qXfer:features:read:target.xml:ffffffff,10") == "l");
    CHECK(say("qXfer:features:read:target.xml:0") == "E01");
}

TEST_CASE_METHOD(Bench, "how it goes on", "[gdb_server]") {
    CHECK(say("vCont?") == "vCont;c;C;s;S");
    CHECK(say("vCont;c").empty());
    CHECK(next == Next::go_on);
    CHECK(say("vCont;C05:1;c").empty());
    CHECK(next == Next::go_on);
    CHECK(say("c").empty());
    CHECK(next == Next::go_on);
    for (const auto* bad : {"vCont;", "vCont;x", "vCont;s:9", "vCont;C", "vCont;c;", "c1000"}) {
        CHECK(say(bad) == "E01");
        CHECK(next == Next::answer);
    }
    CHECK(say("D") == "OK");
    CHECK(next == Next::leave);
    CHECK(say("k").empty());
    CHECK(next == Next::leave);
}

TEST_CASE_METHOD(Bench, "vector registers are bytes", "[gdb_server]") {
    CHECK(say("p1043") == "01010101010101010101010101010101");  // v1
    CHECK(say("Hg2") == "OK");
    CHECK(say("p1061") == "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f");  // v31
    CHECK(say("P1042=77000000000000000000000000000000") == "OK");
    CHECK(target.vector == std::tuple{1u, 0u, std::byte{0x77}});
    CHECK(say("P1042=7700") == "E01");
    CHECK(say("p1062") == "E01");
}

TEST_CASE_METHOD(Bench, "breakpoints of the CPU at hand", "[gdb_server]") {
    CHECK(say("Z0,1000,2") == "OK");
    CHECK(say("Hg2") == "OK");
    CHECK(say("Z0,ffffffff80001000,4") == "OK");
    CHECK(target.breakpoints == decltype(target.breakpoints){{0, 0x1000}, {1, 0xffffffff80001000}});
    CHECK(say("z0,ffffffff80001000,4") == "OK");
    CHECK(target.breakpoints.size() == 1);
    CHECK(say("z0,1000,2") == "OK");  // wherever it leads now, and for whichever CPU
    CHECK(say("z0,1000,2") == "E02");
    CHECK(say("Z0,0,2") == "E04");  // so gdb says: Cannot insert breakpoint
    for (const auto* bad : {"Z0,", "Z0,1000", "Z0,1000,2;X1", "z0,,", "z0,1000,2 "})
        CHECK(say(bad) == "E01");
}

TEST_CASE_METHOD(Bench, "the hart's own are refused, so gdb does not write them itself",
                 "[gdb_server]") {
    for (const auto* packet : {"Z1,1000,4", "z1,1000,8", "Z5,1000,8"})
        CHECK(say(packet) == "E04");
}

TEST_CASE_METHOD(Bench, "watchpoints of three kinds, and who has met one", "[gdb_server]") {
    CHECK(say("Z2,1000,8") == "OK");
    CHECK(say("Hg2") == "OK");
    CHECK(say("Z3,2000,1") == "OK");
    CHECK(say("Z4,3000,10") == "OK");
    using Row = std::tuple<std::uint32_t, WatchedBytes, WatchKind>;
    CHECK(target.watchpoints == std::vector<Row>{{0, {0x1000, 8}, WatchKind::write},
                                                 {1, {0x2000, 1}, WatchKind::read},
                                                 {1, {0x3000, 16}, WatchKind::access}});
    CHECK(say("z3,2000,1") == "OK");
    CHECK(say("z2,1000,4") == "OK");  // is none
    CHECK(target.watchpoints.size() == 2);
    CHECK(say("Z2,0,8") == "E04");  // so gdb says: Could not insert hardware watchpoint
    CHECK(say("Z2,1000") == "E01");
    const auto stopped_at = [this](WatchKind kind) {
        FixedBuffer<64> reply;
        server.stopped({.cpu = 1,
                        .signal = StopSignal::trap,
                        .watchpoint = Watchpoint{.range = {GuestPhys{0x8000'0000}, 8},
                                                 .kind = kind,
                                                 .named = {0xffff'ffff'8000'1000, 8}}},
                       reply);
        return std::string(reply.view());
    };
    CHECK(stopped_at(WatchKind::write) == "T05watch:ffffffff80001000;thread:2;");
    CHECK(stopped_at(WatchKind::read) == "T05rwatch:ffffffff80001000;thread:2;");
    CHECK(stopped_at(WatchKind::access) == "T05awatch:ffffffff80001000;thread:2;");
}

TEST_CASE_METHOD(Bench, "one CPU goes on, or all", "[gdb_server]") {
    for (const auto* all : {"vCont;c", "vCont;c:-1", "vCont;c:1;c:2", "vCont;c:1;c", "c"}) {
        CHECK(say(all).empty());
        CHECK_FALSE(target.alone.has_value());
    }
    CHECK(say("vCont;c:2").empty());
    CHECK(next == Next::go_on);
    CHECK(target.alone == 1);
}

TEST_CASE_METHOD(Bench, "one CPU steps", "[gdb_server]") {
    CHECK(say("vCont;s:2;c").empty());
    CHECK(next == Next::go_on);
    CHECK(target.stepped == 1);
    CHECK(server.cpu() == 1);
    CHECK(say("s").empty());
    CHECK(target.stepped == 1);
    CHECK(say("vCont;c:2;S05:1").empty());
    CHECK(target.stepped == 0);
    CHECK(say("s1000") == "E01");
    target.may_step = false;
    CHECK(say("s") == "E04");
    CHECK(next == Next::answer);
}

TEST_CASE_METHOD(Bench, "gdb's monitor command", "[gdb_server]") {
    CHECK(say("qRcmd,706879736963616c206f6e") == "OK");  // physical on
    CHECK(target.physical);
    CHECK(say("qRcmd,706879736963616c206f6666") == "OK");
    CHECK_FALSE(target.physical);
    CHECK(say("qRcmd,74687265616473").starts_with("66697273740a"));
    CHECK(say("qRcmd,68656c70").size() > 100);
    CHECK(say("qRcmd,6") == "E01");
    CHECK(say("qRcmd,zz") == "E01");
}

TEST_CASE("any body has a reply that fits", "[gdb_server]") {
    const std::string letters = "gGpPmMHTZzcsDk?vCont;:,=0123abcdef-qRcmdXfer";
    CHECK(rc::check([&letters](const std::vector<std::uint8_t>& choices) {
        std::string body;
        for (const std::uint8_t choice : choices)
            body += letters[choice % letters.size()];
        Bench bench;
        (void)bench.say(body);
    }));
}

}  // namespace
}  // namespace cairn
