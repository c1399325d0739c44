// SPDX-License-Identifier: MIT
// A virtio console of three ports under a driver that does anything: any register, any bytes in its
// rings, control messages about any port, requests that are nearly right in any queue; and other
// ends that send, have no room, and are opened and closed. Nothing may crash or be undefined, and:
// an end is written pieces alone; work ends; a device that needs a reset does nothing; and
// after all that a reset makes a console that prints, and whose ports are closed.
#include <array>
#include <cstdlib>
#include <cstring>

#include "kernel/dev/virtio/virtio_console.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

using Register = virtio_mmio::Register;

constexpr std::uint64_t memory_size = 0x1'8000;
constexpr std::uint64_t rings = VirtioBench::descriptors;
constexpr std::uint64_t rings_size = 0x3000;
constexpr std::uint64_t data_at = VirtioBench::data_at;
constexpr std::uint32_t queue_count = 8;

void check(bool condition) {
    if (!condition) std::abort();
}

struct End final : ConsoleEnd {
    std::string_view name() const override { return "a-name-of-24-characters."; }
    std::size_t read(std::span<std::byte> to) override {
        const std::size_t count = std::min(to.size(), sent);
        sent -= count;
        std::memset(to.data(), 'r', count);
        return count;
    }
    std::size_t write(std::span<const std::byte> from) override {
        check(!from.empty() && from.size() <= 256);
        const std::size_t count = std::min(from.size(), room);
        room -= count;
        taken += count;
        return count;
    }
    std::uint32_t turns() override { return turn; }
    void port_reads(bool now) override {
        check(now != reads);
        reads = now;
    }

    std::size_t sent = 0;
    std::size_t room = 0;
    std::size_t taken = 0;
    std::uint32_t turn = 1;
    bool reads = false;
};

class Machine {
  public:
    Machine() {
        device_.connect(wire_);
        start(~std::uint64_t{0}, 0xff);
    }

    void step(FuzzInput& input) {
        End& end = ends_[input.take(1) % ends_.size()];
        switch (input.take(1) % 12) {
            case 0: any_register(input); break;
            case 1: any_bytes(input); break;
            case 2: start(input.take(1), input.take(1)); break;
            case 3: end.sent = input.take(2); break;
            case 4: end.room = input.take(2); break;
            case 5: end.turn += static_cast<std::uint32_t>(input.take(1) % 4); break;
            case 6:
                if (console_.resize({static_cast<std::uint16_t>(input.take(1)), 24}))
                    device_.config_changed();
                break;
            case 7: say(input); break;
            case 8: (void)device_.work(); break;
            default: request(input); break;
        }
        if (console_.look()) (void)device_.work();
        if ((device_.status() & virtio::status::needs_reset) != 0) check(!device_.work());
    }

    void finish() {
        work_all();
        for (End& end : ends_) {
            end.room = 100'000;
            end.sent = 0;
        }
        start(0, 0xff);
        for (const End& end : std::span(ends_).subspan(1))
            check(!end.reads);
        const std::size_t before = ends_[0].taken;
        std::memset(memory_.at({rings}), 0, rings_size);
        start(0, 2);
        offer(1, {data_at, 1000, 0, 0});
        work_all();
        check(ends_[0].taken == before + 1000);
    }

  private:
    void work_all() {
        int turns = 0;
        while (device_.work())
            check(++turns < 10'000);
    }
    void set(Register which, std::uint64_t value) {
        (void)device_.write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    }
    /// All queues have the same rings: they are small, and hostile drivers do so.
    void start(std::uint64_t features, std::uint64_t which) {
        std::memset(memory_.at({rings}), 0, rings_size);
        set(Register::status, 0);
        set(Register::driver_features_sel, 0);
        set(Register::driver_features, features & console_.features());
        set(Register::driver_features_sel, 1);
        set(Register::driver_features, 1);
        set(Register::status, virtio::status::features_ok);
        for (std::uint32_t queue = 0; queue < queue_count; ++queue) {
            set(Register::queue_sel, queue);
            set(Register::queue_num, 8);
            set(Register::queue_desc_low, rings);
            set(Register::queue_avail_low, VirtioBench::avail);
            set(Register::queue_used_low, VirtioBench::used);
            if ((which >> queue & 1) != 0) set(Register::queue_ready, 1);
        }
        set(Register::status, virtio::status::features_ok | virtio::status::driver_ok);
        next_ = 0;
    }
    void any_register(FuzzInput& input) {
        const std::uint64_t offset = input.take(2) % 0x220;
        const auto width = static_cast<AccessWidth>(1u << input.take(1) % 4);
        (void)device_.read(offset, width);
        (void)device_.write(offset, width, input.take(4));
    }
    void any_bytes(FuzzInput& input) {
        std::uint64_t at = input.take(1) % 2 == 0 ? rings + input.take(2) % (rings_size - 256)
                                                  : data_at + input.take(1);
        for (const std::byte byte : std::as_bytes(input.run(input.take(1))))
            memory_.store(GuestPhys{at++}, byte);
    }
    void say(FuzzInput& input) {
        const auto id = static_cast<std::uint32_t>(input.take(1) % 5);
        const auto event = static_cast<std::uint16_t>(input.take(1) % 9);
        const auto value = static_cast<std::uint16_t>(input.take(1) % 3);
        memory_.store(GuestPhys{data_at}, virtio_console::Control{id, event, value});
        offer(virtio_console::control_transmit_queue, {data_at, 8, 0, 0});
    }
    void request(FuzzInput& input) {
        const std::uint64_t queue = input.take(1) % (queue_count + 2);
        const auto flags = static_cast<std::uint16_t>(input.take(1) % 4);
        const std::uint64_t at = input.take(1) % 8 == 0 ? input.take(4) : data_at + input.take(1);
        offer(queue, {at, static_cast<std::uint32_t>(input.take(2)), flags,
                      static_cast<std::uint16_t>(input.take(1) % 9)});
    }
    void offer(std::uint64_t queue, const virtio_ring::Descriptor& descriptor) {
        memory_.store(GuestPhys{rings}, descriptor);
        memory_.store(GuestPhys{VirtioBench::avail + 4 + next_ % 8 * 2u}, std::uint16_t{0});
        memory_.store(GuestPhys{VirtioBench::avail + 2}, ++next_);
        set(Register::queue_notify, queue);
    }

    BenchMemory memory_{memory_size};
    BenchOwner owner_;
    Wire wire_;
    std::array<End, 3> ends_;
    std::array<ConsoleEnd*, 2> others_{&ends_[1], &ends_[2]};
    VirtioConsole console_{ends_[0], others_};
    VirtioMmio device_{console_, memory_, owner_};
    std::uint16_t next_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input({data, size});
    Machine machine;
    while (!input.empty())
        machine.step(input);
    machine.finish();
    return 0;
}
