// SPDX-License-Identifier: MIT
// A virtio disk under a driver that does anything: any register, any bytes in its rings, requests
// that are nearly right, and turns in between. Nothing may crash or be undefined, and: the wire is
// up exactly while an event is there; a device that needs a reset does nothing; work ends; a
// read-only disk stays as it is; and after all that a reset makes a device that reads.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "tests/fuzz/input.hpp"
#include "tests/unit/packed_driver.hpp"
#include "tests/unit/virtio_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t rings = VirtioBench::descriptors;
constexpr std::uint64_t rings_size = 0x4000;
constexpr std::size_t sectors = 16;
constexpr std::uint64_t memory_size = 0x1'8000;
constexpr std::uint64_t data_at = VirtioBench::data_at;

void check(bool condition) {
    if (!condition) std::abort();
}

/// An address that is likely to be something.
std::uint64_t address(FuzzInput& input) {
    const std::uint64_t low = input.take(2);
    switch (input.take(1) % 8) {
        case 0: return low << 48 | low;
        case 1: return 0x1000'0000 + low;           // devices
        case 2: return 0x8001'8000 - (low & 0xff);  // the end of RAM
        case 3: return rings + low % rings_size;
        default: return data_at + low % 0x4000;
    }
}

class Machine {
  public:
    explicit Machine(bool read_only)
        : bench_(read_only, sectors, memory_size, 2), before_(bench_.store.bytes) {
        bench_.device.offer_packed_rings();
        start(0);
    }

    void step(FuzzInput& input) {
        switch (input.take(1) % 10) {
            case 0: any_register(input); break;
            case 1: any_bytes(input); break;
            case 2: start(input.take(1)); break;
            case 3: bench_.set(virtio_mmio::Register::interrupt_ack, 3); break;
            case 4: bench_.memory.slow = {{address(input)}, input.take(2)}; break;
            case 5:
                bench_.memory.piece_size = (32 + input.take(1)) * 16;
                break;  // as aligned as RAM is
            case 6: (void)bench_.device.work(); break;
            case 7: bench_.store.full = !bench_.store.full; break;
            default: request(input); break;
        }
        verify();
    }

    void finish() {
        int turns = 0;
        while (bench_.device.work())
            check(++turns < 10'000);
        verify();
        if (bench_.store.is_read_only()) check(bench_.store.bytes == before_);
        bench_.memory.slow = {};
        start(2);
        packed_.offer(
            7,
            {{VirtioBench::header, 16}, {data_at, 512, true}, {VirtioBench::status_at, 1, true}});
        bench_.memory.store(GuestPhys{VirtioBench::header}, virtio_block::BlockRequest{0, 0, 0});
        bench_.notify();
        while (bench_.device.work()) {
        }
        check(packed_.used() && packed_.used()->id == 7 && packed_.used()->length == 513);
        start(0);
        check(bench_.request(virtio_block::RequestType::in, 0, {{data_at, 512, true}}) == 0);
    }

  private:
    void start(std::uint64_t how) {
        is_packed_ = (how & 2) != 0;
        bench_.start(VirtioBench::usual_features | (how & 1) << 29 | (how & 2) << 33);
        packed_.begin();
    }

    void any_register(FuzzInput& input) {
        const std::uint64_t offset = input.take(2) % 0x220;
        const auto width = static_cast<AccessWidth>(1u << input.take(1) % 4);
        (void)bench_.device.read(offset, width);
        (void)bench_.device.write(offset, width, input.take(4));
    }

    void any_bytes(FuzzInput& input) {
        std::uint64_t at = rings + input.take(2) % (rings_size - 256);
        for (const std::byte byte : std::as_bytes(input.run(input.take(1))))
            bench_.memory.store(GuestPhys{at++}, byte);
    }

    /// Nearly one: buffers that make sense or not, in the queue or in a table.
    void request(FuzzInput& input) {
        constexpr std::array<std::uint32_t, 8> types{0, 1, 4, 8, 11, 13, 0, 7};
        const auto type = types[input.take(1) % types.size()];
        bench_.memory.store(GuestPhys{VirtioBench::header},
                            virtio_block::BlockRequest{type, 0, input.take(1) % (sectors + 4)});
        std::vector<Buffer> buffers{{VirtioBench::header, 16}};
        for (std::uint64_t count = input.take(1) % 5; count != 0; --count) {
            const auto size = static_cast<std::uint32_t>(input.take(2));
            buffers.push_back({address(input), size % 4 == 0 ? size / 512 * 512 : size,
                               type != 1 && type != 11 && type != 13});
        }
        buffers.push_back({VirtioBench::status_at, 1, true});
        if (is_packed_) return packed_request(input, buffers);
        if (input.take(1) % 2 == 0) {
            bench_.chain(0, buffers);
        } else {
            constexpr std::uint64_t table = 0x8000'5000;
            bench_.chain(0, buffers, table);
            const auto size = static_cast<std::uint32_t>(buffers.size() * 16);
            bench_.describe(0, {table, size, virtio_ring::desc_indirect, 0});
        }
        if (input.take(1) % 4 == 0) any_bytes(input);
        bench_.offer(static_cast<std::uint16_t>(input.take(1) % 16 == 0 ? 9 : 0));
        bench_.notify();
    }

    void packed_request(FuzzInput& input, const std::vector<Buffer>& buffers) {
        const auto id = static_cast<std::uint16_t>(input.take(1));
        if (input.take(1) % 2 == 0) {
            packed_.offer(id, buffers);
        } else {
            packed_.offer_table(id, buffers, 0x8000'5000);
        }
        if (input.take(1) % 4 == 0) any_bytes(input);
        bench_.notify();
    }

    void verify() {
        const std::uint32_t events = bench_.get(virtio_mmio::Register::interrupt_status);
        check(bench_.wire.up == (events != 0));
        check(events < 4);
        if (bench_.needs_reset()) check(!bench_.device.work());
    }

    VirtioBench bench_;
    bool is_packed_ = false;
    PackedDriver packed_{bench_.memory, VirtioBench::descriptors, VirtioBench::avail,
                         VirtioBench::used, VirtioBench::queue_size};
    std::vector<std::byte> before_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input({data, size});
    Machine machine(input.take(1) % 2 == 0);
    while (!input.empty())
        machine.step(input);
    machine.finish();
    return 0;
}
