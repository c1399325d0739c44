// SPDX-License-Identifier: MIT
#include "kernel/manager/monitor/monitor_port.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/sched/host_work.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/vm_heap.hpp"

using namespace cairn;

namespace {

/// The other end is the test.
class Program final : public ChannelPort {
  public:
    void open() { turns_ += turns_ % 2 == 0 ? 1 : 2; }  // also where somebody has it open
    void close() { turns_ += turns_ % 2; }
    void say(std::string_view text) { said_ += text; }
    /// All that has come since.
    std::string take() { return std::exchange(heard_, {}); }

    std::uint32_t turns() override { return turns_; }
    bool has_input() override { return !said_.empty(); }
    std::size_t read(std::span<std::byte> to) override {
        const std::size_t count = std::min(to.size(), said_.size());
        std::ranges::copy(std::as_bytes(std::span(said_).first(count)), to.begin());
        said_.erase(0, count);
        return count;
    }
    std::size_t write(std::span<const std::byte> from) override {
        if (!is_open()) return from.size();
        const std::size_t count = std::min(from.size(), room);
        for (const std::byte byte : from.first(count))
            heard_ += static_cast<char>(byte);
        room -= count;
        return count;
    }

    std::size_t room = std::string::npos;  ///< what it takes before it has none

  private:
    std::uint32_t turns_ = 0;
    std::string said_;
    std::string heard_;
};

struct Machine {
    VmTable vms;
    Scheduler scheduler;
    HostResources host;
    ConsoleMultiplexer console;
    std::atomic<bool> wanted = false;
    MonitorPort port{vms, scheduler, host, console, wanted};
};

struct Bench {
    Bench() {
        fake_csr_access = [] {};
        (void)test::kernel_heap();
        program.open();
    }
    /// Until the monitor waits for the program.
    void work() {
        while (machine->port.work(&program) == HostWork::at_once) {
        }
    }
    std::string answer_to(std::string_view text) {
        program.say(text);
        work();
        return program.take();
    }

    std::unique_ptr<Machine> machine = std::make_unique<Machine>();
    Program program;
};

std::string joined(std::string_view first, std::string_view second) {
    return std::string(first).append(second);
}

constexpr std::string_view hello = "{\"kind\":\"hello\",\"protocol\":1}\n";
constexpr std::string_view listed = "{\"kind\":\"end\",\"command\":\"list\",\"ok\":true}\n";
constexpr std::string_view cut =
    "{\"kind\":\"error\",\"subject\":\"\",\"message\":\"a line has at most 256 bytes\"}\n"
    "{\"kind\":\"end\",\"command\":\"\",\"ok\":false}\n";

}  // namespace

// In place of kernel/manager/console/console_multiplexer.cpp: no VM has the console.
void cairn::ConsoleMultiplexer::choose(GuestChannel* /*guest*/) {}
GuestChannel* cairn::ConsoleMultiplexer::chosen() {
    return nullptr;
}
bool cairn::ConsoleMultiplexer::shows_monitor() {
    return true;
}
void cairn::ConsoleMultiplexer::show_monitor() {}
bool cairn::ConsoleMultiplexer::show_guest(KeySource* /*ahead*/) {
    return false;
}
void cairn::ConsoleMultiplexer::read_on() {}
void cairn::ConsoleMultiplexer::interrupted() {}

// And of kernel/host/drivers/console.cpp (more of it in guest_channel_test.cpp).
void cairn::console_write_monitor(std::string_view /*text*/) {}
std::size_t cairn::console_copy_log(std::uint64_t& /*position*/, std::span<char> /*to*/) {
    return 0;
}

TEST_CASE("who opens the monitor's port is greeted, and has commands answered", "[monitor_port]") {
    Bench bench;
    CHECK(bench.machine->port.work(nullptr) == HostWork::when_asked);
    CHECK(bench.answer_to("") == hello);
    CHECK(bench.answer_to("list\n") == listed);
    CHECK(bench.answer_to("li") == "");
    CHECK(bench.answer_to("st\r\n\nlist\n") == joined(listed, listed));
    const std::string unknown = bench.answer_to("lisst\nlist\n");
    CHECK(unknown.find("did you mean") != std::string::npos);
    CHECK(unknown.find("{\"kind\":\"end\",\"command\":\"lisst\",\"ok\":false}\n") !=
          std::string::npos);
    CHECK(unknown.ends_with(listed));
    bench.program.close();
    CHECK(bench.answer_to("list\n") == "");  // from nobody
}

TEST_CASE("wrong arguments are answered by what to write, to the letter", "[monitor_port]") {
    Bench bench;
    (void)bench.answer_to("");
    CHECK(bench.answer_to("quit now\n") ==
          "{\"kind\":\"error\",\"subject\":\"\",\"message\":\"write: quit\"}\n"
          "{\"kind\":\"end\",\"command\":\"quit\",\"ok\":false}\n");
    CHECK(bench.answer_to("stop\n").contains("\"write: stop VM\""));
}

TEST_CASE("a line that is too long is refused, and the next one answered", "[monitor_port]") {
    Bench bench;
    bench.work();
    CHECK(bench.program.take() == hello);
    CHECK(bench.answer_to(std::string(257, 'x') + "\nlist\n") == joined(cut, listed));
    CHECK(bench.answer_to(std::string(5000, 'x')) == "");
    CHECK(bench.answer_to("\nlist\n") == joined(cut, listed));
    const std::string padded = "list" + std::string(252, ' ') + "\n";
    CHECK(bench.answer_to(padded) == listed);
}

TEST_CASE("an answer waits for the port's room, and the next command for it", "[monitor_port]") {
    Bench bench;
    bench.program.say("list\nlist\n");
    std::string heard;
    for (int n = 0; n < 1000 && heard.size() < hello.size() + 2 * listed.size(); ++n) {
        bench.program.room = 3;
        bench.work();
        const std::string part = bench.program.take();
        CHECK(part.size() <= 3);
        heard += part;
        if (heard.size() < hello.size()) CHECK(bench.program.has_input());
    }
    CHECK(heard == joined(hello, joined(listed, listed)));
}

TEST_CASE("what the one before has sent or asked for is forgotten", "[monitor_port]") {
    Bench bench;
    bench.work();
    CHECK(bench.program.take() == hello);
    SECTION("half a line") {
        CHECK(bench.answer_to("nonsense and ") == "");
    }
    SECTION("half an answer") {
        bench.program.room = 5;
        CHECK(bench.answer_to("list\n") == listed.substr(0, 5));
        bench.program.room = std::string::npos;
    }
    SECTION("a command that has not ended") {
        bench.program.say("top 1\n");
        CHECK(bench.machine->port.work(&bench.program) != HostWork::when_asked);
        CHECK(bench.program.take() == "");
    }
    SECTION("nobody comes for a while") {
        bench.program.say("list\nlist\n");
        CHECK(bench.machine->port.work(&bench.program) == HostWork::at_once);
        CHECK(bench.program.take() == listed);
        bench.program.close();
        CHECK(bench.machine->port.work(&bench.program) == HostWork::when_asked);
    }
    bench.program.open();
    CHECK(bench.answer_to("list\n") == joined(hello, listed));
}
