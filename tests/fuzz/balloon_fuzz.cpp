// SPDX-License-Identifier: MIT
// A virtio balloon under a driver that does anything: any register, any bytes in its rings,
// requests that are nearly right in any queue, a machine without memory now and then. Nothing may
// crash or be undefined, and: what is discarded is RAM; work ends, also while a request waits; a
// device that needs a reset does nothing; and after all that a reset makes a balloon that takes a
// page.
#include <array>
#include <cstdlib>
#include <set>

#include "kernel/dev/virtio/virtio_balloon.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/unit/packed_driver.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

using Register = virtio_mmio::Register;

constexpr std::uint64_t memory_size = 0x1'8000;
constexpr std::uint64_t rings = VirtioBench::descriptors;
constexpr std::uint64_t rings_size = 0x3000;
constexpr std::uint64_t data_at = VirtioBench::data_at;

void check(bool condition) {
    if (!condition) std::abort();
}

struct Pages final : BalloonMemory {
    bool put_in(GuestPhys page) override {
        check(page.value % 4096 == 0);
        return inside.insert(page.value).second;
    }
    bool take_out(GuestPhys page) override {
        if (!lacks) inside.erase(page.value);
        return !lacks;
    }
    void discard(GuestRange range) override {
        check(range.size != 0 &&
              GuestRange{BenchMemory::base, memory_size}.contains(range.base, range.size));
    }
    void empty() override { inside.clear(); }

    std::set<std::uint64_t> inside;
    bool lacks = false;
};

class Machine {
  public:
    Machine() {
        device_.connect(wire_);
        device_.offer_packed_rings();
        start(~std::uint64_t{0});
    }

    void step(FuzzInput& input) {
        switch (input.take(1) % 8) {
            case 0: any_register(input); break;
            case 1: any_bytes(input); break;
            case 2: start(input.take(1), input.take(1) % 2 != 0); break;
            case 3: pages_.lacks = !pages_.lacks; break;
            case 4: balloon_.want_stats(); break;
            case 5: (void)device_.work(); break;
            default: request(input); break;
        }
        if ((device_.status() & virtio::status::needs_reset) != 0) check(!device_.work());
    }

    void finish() {
        int turns = 0;
        while (device_.work())
            check(++turns < 10'000);
        pages_.lacks = false;
        start(~std::uint64_t{0});
        check(pages_.inside.empty());
        memory_.store(GuestPhys{data_at}, 77u);
        offer(0, {data_at, 4, 0, 0});
        check(pages_.inside == std::set<std::uint64_t>{77 * 4096});
    }

  private:
    void set(Register which, std::uint64_t value) {
        (void)device_.write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    }
    /// All queues have the same rings: they are small, and hostile drivers do so.
    void start(std::uint64_t features, bool packed = false) {
        std::memset(memory_.at({rings}), 0, rings_size);
        set(Register::status, 0);
        set(Register::driver_features_sel, 0);
        set(Register::driver_features, features & balloon_.features());
        set(Register::driver_features_sel, 1);
        set(Register::driver_features, packed ? 5 : 1);
        set(Register::status, virtio::status::features_ok);
        for (std::uint64_t queue = 0; queue < virtio_balloon::queue_count; ++queue) {
            set(Register::queue_sel, queue);
            set(Register::queue_num, 8);
            set(Register::queue_desc_low, rings);
            set(Register::queue_avail_low, VirtioBench::avail);
            set(Register::queue_used_low, VirtioBench::used);
            if (queue == 0 || features >> queue % 8 & 1) set(Register::queue_ready, 1);
        }
        set(Register::status, virtio::status::features_ok | virtio::status::driver_ok);
        next_ = 0;
        is_packed_ = packed;
        packed_.begin();
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
    void request(FuzzInput& input) {
        const std::uint64_t queue = input.take(1) % virtio_balloon::queue_count;
        const auto flags = static_cast<std::uint16_t>(input.take(1) % 4);
        const std::uint64_t at = input.take(1) % 8 == 0 ? input.take(4) : data_at + input.take(1);
        offer(queue, {at, static_cast<std::uint32_t>(input.take(2)), flags,
                      static_cast<std::uint16_t>(input.take(1) % 9)});
    }
    void offer(std::uint64_t queue, const virtio_ring::Descriptor& descriptor) {
        if (is_packed_) {
            packed_.offer(
                {{descriptor.address, descriptor.length, descriptor.next, descriptor.flags}});
            set(Register::queue_notify, queue);
            return;
        }
        memory_.store(GuestPhys{rings}, descriptor);
        memory_.store(GuestPhys{VirtioBench::avail + 4 + next_ % 8 * 2u}, std::uint16_t{0});
        memory_.store(GuestPhys{VirtioBench::avail + 2}, ++next_);
        set(Register::queue_notify, queue);
    }

    BenchMemory memory_{memory_size};
    BenchOwner owner_;
    Wire wire_;
    Pages pages_;
    VirtioBalloon balloon_{pages_};
    VirtioMmio device_{balloon_, memory_, owner_};
    std::uint16_t next_ = 0;
    bool is_packed_ = false;
    PackedDriver packed_{memory_, rings, VirtioBench::avail, VirtioBench::used, 8};
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
