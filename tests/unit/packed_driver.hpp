// SPDX-License-Identifier: MIT
// A driver of a packed queue on the bench, which knows the rules, so that a test can break one at a
// time.
#pragma once

#include <optional>
#include <vector>

#include "kernel/arch/devices/virtio_packed_ring.hpp"
#include "tests/unit/virtio_bench.hpp"

namespace cairn::test {

class PackedDriver {
  public:
    using Descriptor = virtio_packed::Descriptor;
    using Position = virtio_packed::Position;

    /// Of a queue of `entries` with these parts.
    PackedDriver(BenchMemory& memory, std::uint64_t ring, std::uint64_t driver,
                 std::uint64_t device, std::uint32_t entries)
        : size(entries), memory_(memory), ring_(ring), driver_(driver), device_(device) {}

    /// As a queue that nobody has used.
    void begin() {
        std::memset(memory_.at({ring_}), 0, std::size_t{size} * sizeof(Descriptor));
        memory_.store(GuestPhys{driver_}, 0u);
        memory_.store(GuestPhys{device_}, 0u);
        next = seen = {};
    }
    [[nodiscard]] std::uint64_t at(std::uint32_t index) const {
        return ring_ + index * sizeof(Descriptor);
    }

    /// Makes descriptors available, the first last; of their flags it sets those that say so.
    void offer(std::vector<Descriptor> descriptors) {
        const Position first = next;
        for (Descriptor& each : descriptors) {
            each.flags = static_cast<std::uint16_t>((each.flags & ~virtio_packed::state_bits) |
                                                    virtio_packed::available_at(next, size));
            if (next != first) memory_.store(GuestPhys{at(next.index(size))}, each);
            next = next.plus(1, size);
        }
        memory_.store(GuestPhys{at(first.index(size))}, descriptors.front());
    }
    /// A chain: the last descriptor alone has its id.
    void offer(std::uint16_t id, const std::vector<Buffer>& buffers) {
        offer(descriptors_of(id, buffers, virtio_ring::desc_next));
    }
    /// The same by a table at `table`.
    void offer_table(std::uint16_t id, const std::vector<Buffer>& buffers, std::uint64_t table) {
        const auto descriptors = descriptors_of(0xeeee, buffers, 0);
        for (std::size_t n = 0; n < descriptors.size(); ++n)
            memory_.store(GuestPhys{table + n * sizeof(Descriptor)}, descriptors[n]);
        offer({{table, static_cast<std::uint32_t>(descriptors.size() * sizeof(Descriptor)), id,
                virtio_ring::desc_indirect}});
    }

    /// The used descriptor that is next, if it is there.
    [[nodiscard]] std::optional<Descriptor> used() const {
        const auto found = memory_.load<Descriptor>(GuestPhys{at(seen.index(size))});
        if ((found.flags & virtio_packed::state_bits) != virtio_packed::used_at(seen, size))
            return std::nullopt;
        return found;
    }
    /// Goes behind it, whose chain had `entries`.
    void skip(std::uint32_t entries) { seen = seen.plus(entries, size); }

    void wish(std::uint32_t flags, std::uint16_t off_wrap = 0) {
        memory_.store(GuestPhys{driver_}, flags << 16 | off_wrap);
    }
    /// What the device wishes.
    [[nodiscard]] std::uint32_t device_wish() const {
        return memory_.load<std::uint32_t>(GuestPhys{device_});
    }

    std::uint32_t size;
    Position next;
    Position seen;

  private:
    static std::vector<Descriptor> descriptors_of(std::uint16_t id,
                                                  const std::vector<Buffer>& buffers,
                                                  unsigned link) {
        std::vector<Descriptor> descriptors;
        for (std::size_t n = 0; n < buffers.size(); ++n) {
            const bool last = n + 1 == buffers.size();
            descriptors.push_back(
                {buffers[n].at, buffers[n].size, last ? id : std::uint16_t{0xdddd},
                 static_cast<std::uint16_t>((last ? 0 : link) |
                                            (buffers[n].writable ? virtio_ring::desc_write : 0))});
        }
        return descriptors;
    }

    BenchMemory& memory_;
    std::uint64_t ring_;
    std::uint64_t driver_;
    std::uint64_t device_;
};

}  // namespace cairn::test
