// SPDX-License-Identifier: MIT
// What comes from a debugger's line: any bytes are packets or are passed over, and each packet has
// a reply that fits and comes back out of a packet as it was.
#include <algorithm>
#include <array>
#include <string>

#include <cairn/panic.hpp>
#include "kernel/manager/gdb/gdb_server.hpp"
#include "kernel/manager/gdb/packet.hpp"
#include "kernel/manager/gdb/register_file.hpp"
#include "tests/fuzz/input.hpp"

using namespace cairn;

namespace {

/// Two CPUs, and a few bytes of memory at the ends of the address space.
class Target final : public DebugTarget {
  public:
    std::uint32_t cpus() const override { return 2; }
    void describe(std::uint32_t cpu, Writer& out) const override {
        check_cpu(cpu);
        out.write("a vCPU");
    }
    std::optional<std::uint64_t> read_register(std::uint32_t cpu, std::uint32_t number) override {
        check_cpu(cpu);
        if (number >= values_.size()) return std::nullopt;
        return values_[number];
    }
    bool write_register(std::uint32_t cpu, std::uint32_t number, std::uint64_t value) override {
        check_cpu(cpu);
        if (number >= values_.size()) return false;
        values_[number] = value;
        return true;
    }
    std::uint32_t vector_register_bytes() const override { return 16; }
    void read_vector(std::uint32_t cpu, std::uint32_t number, std::span<std::byte> to) override {
        check_cpu(cpu);
        require(number < 32 && to.size() == 16, "a register that there is");
        std::ranges::fill(to, std::byte{1});
    }
    void write_vector(std::uint32_t cpu, std::uint32_t number,
                      std::span<const std::byte> from) override {
        check_cpu(cpu);
        require(number < 32 && from.size() == 16, "a register that there is");
    }
    void use_physical(bool) override {}
    std::size_t read_memory(std::uint32_t cpu, std::uint64_t address,
                            std::span<std::byte> to) override {
        check_cpu(cpu);
        const std::size_t count = std::min<std::uint64_t>(to.size(), 0 - address);
        std::ranges::fill(to.first(count), std::byte{'}'});
        return count;
    }
    bool write_memory(std::uint32_t cpu, std::uint64_t address,
                      std::span<const std::byte> from) override {
        check_cpu(cpu);
        return from.size() <= address;
    }
    bool insert_breakpoint(std::uint32_t cpu, std::uint64_t address) override {
        check_cpu(cpu);
        return address % 2 == 0;
    }
    bool remove_breakpoint(std::uint64_t address) override { return address % 2 == 0; }
    bool insert_watchpoint(std::uint32_t cpu, const WatchedBytes& bytes, WatchKind kind) override {
        check_cpu(cpu);
        require(kind <= WatchKind::access, "a kind that there is");
        return bytes.size <= 8;
    }
    void remove_watchpoint(const WatchedBytes&, WatchKind) override {}
    void run_alone(std::uint32_t cpu) override { check_cpu(cpu); }
    bool begin_step(std::uint32_t cpu) override {
        check_cpu(cpu);
        return cpu == 0;
    }

  private:
    static void check_cpu(std::uint32_t cpu) { require(cpu < 2, "a CPU that there is"); }
    std::array<std::uint64_t, gdb_register::fcsr + 1> values_{};
};

class Text final : public Writer {
  public:
    void write(std::string_view text) override { all_ += text; }
    [[nodiscard]] const std::string& all() const { return all_; }

  private:
    std::string all_;
};

void check_packet(std::string_view body) {
    Text text;
    write_packet(body, text);
    PacketReader reader;
    auto last = PacketReader::Event::nothing;
    for (const char letter : text.all())
        last = reader.take(static_cast<std::byte>(letter));
    require(last == PacketReader::Event::packet && reader.body() == body, "a reply is a packet");
}

void answer(GdbServer& server, Target& target, std::string_view body) {
    FixedBuffer<GdbServer::most_reply> reply;
    (void)server.handle(body, target, reply);
    require(!reply.truncated(), "a reply fits");
    check_packet(reply.view());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input({data, size});
    PacketReader reader;
    GdbServer server;
    Target target;
    while (!input.empty()) {
        if (input.take(1) % 2 == 0) {
            if (reader.take(static_cast<std::byte>(input.take(1))) == PacketReader::Event::packet)
                answer(server, target, reader.body());
            continue;
        }
        // A whole packet: seldom would chance find its checksum.
        const auto run = input.run(input.take(1));
        answer(server, target, {reinterpret_cast<const char*>(run.data()), run.size()});
    }
    return 0;
}
