// SPDX-License-Identifier: MIT
// An Ethernet frame on its way, and who takes it. Its bytes lie where its sender has them, but for
// its Ethernet header, which is a copy: what was looked at is what arrives.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/arch/devices/virtio_net_packets.hpp"
#include "kernel/arch/mac_address.hpp"

namespace cairn {

struct NetFrame {
    /// What is still to be done to it: a check sum (`needs_csum`), to be cut (`gso_type`). Checked
    /// against its size. `hdr_len` and `num_buffers` mean nothing.
    virtio_net::PacketHeader header{};
    /// Its bytes. The first piece begins with the Ethernet header, whole.
    std::span<const std::span<const std::byte>> pieces;
    std::uint64_t size = 0;

    [[nodiscard]] MacAddress destination() const { return address(0); }
    [[nodiscard]] MacAddress source() const { return address(virtio_net::mac_size); }

  private:
    [[nodiscard]] MacAddress address(std::size_t at) const {
        MacAddress found;
        std::ranges::transform(pieces.front().subspan(at, found.bytes.size()), found.bytes.begin(),
                               [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
        return found;
    }
};

/// A guest's interface, or the way to the outside.
class FrameSink {
  public:
    enum class Taken : std::uint8_t {
        yes,
        no_room,  ///< now; once there is some, the wire's `room_again` is called
        never,
        unwanted,  ///< it does not ask for frames with this destination
    };
    /// On any hart; takes locks of its own.
    [[nodiscard]] virtual Taken take(const NetFrame& frame) = 0;

  protected:
    ~FrameSink() = default;
};

/// What a network device is connected to.
class NetWire {
  public:
    [[nodiscard]] virtual MacAddress address() const = 0;
    /// Features (OffloadSet::all_features) with which frames get where they are sent to, and come.
    [[nodiscard]] virtual std::uint64_t offloads() const = 0;
    /// Whether `frame` is over: on its way, or lost. If not, a turn comes when it is to be sent
    /// again. `copies`: for how many it was made.
    [[nodiscard]] virtual bool send(const NetFrame& frame, std::uint32_t& copies) = 0;
    /// The frame that was not over is not sent again.
    virtual void nothing_waits() = 0;
    /// The device has room for frames, after it had none for one.
    virtual void room_again() = 0;
    /// The device wants a turn. On any hart.
    virtual void want_turn() = 0;

  protected:
    ~NetWire() = default;
};

}  // namespace cairn
