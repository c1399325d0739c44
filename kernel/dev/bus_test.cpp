// SPDX-License-Identifier: MIT
#include "kernel/dev/bus.hpp"

#include <limits>
#include <string>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

/// Remembers its last access and answers reads with its own number.
class Probe final : public MmioDevice {
  public:
    explicit Probe(std::uint64_t number = 0) : number_(number) {}

    std::expected<std::uint64_t, BusError> read(std::uint64_t offset, AccessWidth width) override {
        ++accesses;
        last_offset = offset;
        last_width = width;
        return number_;
    }
    std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                        std::uint64_t value) override {
        ++accesses;
        last_offset = offset;
        last_width = width;
        last_value = value;
        if (refuse) return std::unexpected(BusError::width);
        return {};
    }

    int accesses = 0;
    bool refuse = false;
    std::uint64_t last_offset = 0;
    std::uint64_t last_value = 0;
    AccessWidth last_width{};

  private:
    std::uint64_t number_;
};

constexpr GuestPhys at(std::uint64_t value) {
    return {value};
}

}  // namespace

TEST_CASE("an access reaches the device at its offset", "[bus]") {
    Bus bus;
    Probe low(1);
    Probe high(2);
    // Attached out of order, and adjacent.
    REQUIRE(bus.attach({at(0x2000), 0x100}, high));
    REQUIRE(bus.attach({at(0x1000), 0x1000}, low));
    CHECK(bus.size() == 2);

    CHECK(bus.read(at(0x1ff8), AccessWidth::dword) == 1u);
    CHECK(low.last_offset == 0xff8);
    CHECK(low.last_width == AccessWidth::dword);
    CHECK(bus.read(at(0x2000), AccessWidth::byte) == 2u);
    CHECK(high.last_offset == 0);
    CHECK(bus.write(at(0x20ff), AccessWidth::byte, 0x77));
    CHECK(high.last_offset == 0xff);
    CHECK(high.last_value == 0x77);
    CHECK(bus.read(at(0x1000), AccessWidth::word) == 1u);
}

TEST_CASE("a device's own refusal is passed on", "[bus]") {
    Bus bus;
    Probe device;
    device.refuse = true;
    REQUIRE(bus.attach({at(0x1000), 0x1000}, device));
    CHECK(bus.write(at(0x1000), AccessWidth::word, 0).error() == BusError::width);
}

TEST_CASE("addresses without a device are unmapped", "[bus]") {
    Bus bus;
    CHECK(bus.read(at(0), AccessWidth::byte).error() == BusError::unmapped);
    Probe device;
    REQUIRE(bus.attach({at(0x1000), 0x1000}, device));
    for (const std::uint64_t address : {0x0ull, 0xfffull, 0x2000ull, ~0ull}) {
        CHECK(bus.read(at(address), AccessWidth::byte).error() == BusError::unmapped);
        CHECK(bus.write(at(address), AccessWidth::byte, 0).error() == BusError::unmapped);
    }
    // The first byte decides: an access that runs into a device from below is not its.
    CHECK(bus.read(at(0xffe), AccessWidth::word).error() == BusError::unmapped);
    CHECK(device.accesses == 0);
}

TEST_CASE("accesses that cross the end of a block are refused", "[bus]") {
    Bus bus;
    Probe small;
    Probe next;
    REQUIRE(bus.attach({at(0x1000), 6}, small));
    REQUIRE(bus.attach({at(0x1006), 10}, next));
    CHECK(bus.read(at(0x1004), AccessWidth::word).error() == BusError::straddles);
    CHECK(bus.write(at(0x1000), AccessWidth::dword, 0).error() == BusError::straddles);
    CHECK(bus.read(at(0x100c), AccessWidth::dword).error() == BusError::straddles);
    CHECK(bus.read(at(0x1004), AccessWidth::half));
    CHECK(small.accesses == 1);
    CHECK(next.accesses == 0);
}

TEST_CASE("misaligned accesses are refused before any device sees them", "[bus]") {
    Bus bus;
    Probe device;
    REQUIRE(bus.attach({at(0x1000), 0x1000}, device));
    CHECK(bus.read(at(0x1001), AccessWidth::half).error() == BusError::width);
    CHECK(bus.read(at(0x1002), AccessWidth::word).error() == BusError::width);
    CHECK(bus.write(at(0x1004), AccessWidth::dword, 0).error() == BusError::width);
    CHECK(device.accesses == 0);
}

TEST_CASE("alignment counts from address 0, not from the block", "[bus]") {
    Bus bus;
    Probe device;
    REQUIRE(bus.attach({at(0x1002), 0x100}, device));
    CHECK(bus.read(at(0x1004), AccessWidth::word));
    CHECK(device.last_offset == 2);
    CHECK(bus.read(at(0x1002), AccessWidth::word).error() == BusError::width);
}

TEST_CASE("a hint holds within its block, and not beyond 4 GiB", "[bus]") {
    Bus bus;
    Probe device;
    constexpr std::uint64_t size = 8ull << 30;
    REQUIRE(bus.attach({at(0x1000), size}, device));
    const auto hint = bus.find(at(0x1008), AccessWidth::word);
    REQUIRE(hint);
    CHECK(hint->holds(at(0x1000)));
    CHECK(hint->holds(at(0x1000 + (1ull << 31))));
    CHECK_FALSE(hint->holds(at(0xfff)));
    CHECK_FALSE(hint->holds(at(0x1000 + (5ull << 30))));
    CHECK(bus.find(at(0x1000 + (5ull << 30)), AccessWidth::word));
    Probe small;
    REQUIRE(bus.attach({at(0x1000 + size), 0x10}, small));
    const auto last = bus.find(at(0x1000 + size), AccessWidth::dword);
    REQUIRE(last);
    CHECK(last->holds(at(0x1000 + size + 8)));
    CHECK_FALSE(last->holds(at(0x1000 + size + 9)));
}

TEST_CASE("impossible attachments are refused and change nothing", "[bus]") {
    Bus bus;
    Probe device;
    Probe other;
    constexpr std::uint64_t top = std::numeric_limits<std::uint64_t>::max();
    REQUIRE(bus.attach({at(0x1000), 0x1000}, device));
    CHECK(bus.attach({at(0x3000), 0}, other).error() == AttachError::empty);
    CHECK(bus.attach({at(top - 0xff), 0x101}, other).error() == AttachError::wraps);
    for (const GuestRange block : {GuestRange{at(0x1000), 0x1000}, GuestRange{at(0x1fff), 1},
                                   GuestRange{at(0), 0x1001}, GuestRange{at(0), 0x10000}}) {
        CHECK(bus.attach(block, other).error() == AttachError::overlaps);
    }
    CHECK(bus.size() == 1);
    CHECK(bus.attach({at(0x2000), 1}, other));
    CHECK(bus.attach({at(0xfff), 1}, other));
}

TEST_CASE("a bus holds max_devices and no more", "[bus]") {
    Bus bus;
    std::vector<Probe> devices;
    for (std::uint64_t i = 0; i <= Bus::max_devices; ++i)
        devices.emplace_back(i);
    for (std::uint64_t i = 0; i < Bus::max_devices; ++i) {
        // From the top down, to sort at every step.
        REQUIRE(bus.attach({at((Bus::max_devices - i) * 0x1000), 0x800}, devices[i]));
    }
    CHECK(bus.attach({at(0x10'0000), 1}, devices.back()).error() == AttachError::full);
    for (std::uint64_t i = 0; i < Bus::max_devices; ++i) {
        const std::uint64_t base = (Bus::max_devices - i) * 0x1000;
        CHECK(bus.read(at(base), AccessWidth::byte) == i);
        CHECK(bus.read(at(base + 0x7ff), AccessWidth::byte) == i);
        CHECK(bus.read(at(base + 0x800), AccessWidth::byte).error() == BusError::unmapped);
    }
}

TEST_CASE("every bus error has a sentence", "[bus]") {
    for (const AttachError error :
         {AttachError::empty, AttachError::wraps, AttachError::overlaps, AttachError::full}) {
        CHECK_FALSE(to_string(error).empty());
    }
    for (const BusError error : {BusError::unmapped, BusError::width, BusError::straddles}) {
        CHECK_FALSE(to_string(error).empty());
    }
}
