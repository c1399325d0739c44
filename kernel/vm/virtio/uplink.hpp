// SPDX-License-Identifier: MIT
// The machine's own network, as a port of a switch: what nobody at the switch has lies there.
//
//     guest's port ──► take ── copied ──► HostNet ──► outside
//     outside ──► HostNet ── interrupt ──► DeviceTasks ── work ──► switch ── copied ──► its port
//
// What is sent is copied into chunks of its own, so that no guest and no reset of one waits for the
// machine's device. What comes from outside never waits for a guest: nobody's frames come later
// because another has no room. A frame without its check sum, or that is to be cut, goes out as it
// is where the machine's device takes it; what comes in like that is finished for guests that do
// not take it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <cairn/spinlock.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/dev/net/offload_set.hpp"
#include "kernel/dev/net/virtual_switch.hpp"
#include "kernel/host/virtio/host_net.hpp"
#include "kernel/vm/virtio/device_tasks.hpp"

namespace cairn {

class Uplink final : public DeviceTask, private FrameSink, public SwitchPort, private HostNetOwner {
  public:
    /// All outlive it.
    Uplink(HostNet& device, VirtualSwitch& net, DeviceTasks& tasks);
    Uplink(const Uplink&) = delete;
    Uplink& operator=(const Uplink&) = delete;

    /// It does so as long as the machine runs.
    [[nodiscard]] bool connect();
    /// Those that guests may have here: what they leave to be done is done by the machine's device.
    [[nodiscard]] std::uint64_t offloads() const {
        return device_.features() & OffloadSet::all_features;
    }

    [[nodiscard]] bool work() override;

    // On any hart:
    [[nodiscard]] VirtualSwitch::Report report() const { return switch_.report_of(*this); }
    /// Frames from outside that are none, or whose header is wrong.
    [[nodiscard]] std::uint64_t malformed() const {
        return device_.dropped() + malformed_.load(std::memory_order_relaxed);
    }

  private:
    static constexpr std::size_t chunk_bytes = 4096;
    static constexpr std::size_t most_chunks = 64;
    static constexpr std::size_t most_of_frame =
        (OffloadSet::largest_uncut + chunk_bytes - 1) / chunk_bytes;
    static_assert(most_of_frame <= HostNet::most_pieces);
    /// Of frames from outside, in a turn; and what each costs beside, as if it copied so many.
    static constexpr std::uint64_t bytes_of_turn = 512 << 10;
    static constexpr std::uint64_t frame_cost = 1024;
    /// Bytes of a frame; in one of its chunks lies what the device is told of it.
    struct Chunk {
        virtio_net::PacketHeader header;
        Chunk* next;  ///< of the same frame
        std::array<std::byte, chunk_bytes> bytes;
    };
    using Pieces = static_vector<std::span<const std::byte>, most_of_frame>;

    [[nodiscard]] Taken take(const NetFrame& frame) override;
    void send_again() override {}
    void wants_turn() override;
    [[nodiscard]] bool take_back_sent() CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool has_chunks(std::uint64_t bytes) CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool end_wait();
    [[nodiscard]] std::optional<virtio_net::PacketHeader> header_of(const NetFrame& frame) const;
    [[nodiscard]] Chunk& copy(const NetFrame& frame, Pieces& pieces) CAIRN_REQUIRES(lock_);
    void give_back(Chunk* chunk) CAIRN_REQUIRES(lock_);

    HostNet& device_;
    VirtualSwitch& switch_;
    DeviceTasks& tasks_;
    std::atomic<std::uint64_t> malformed_ = 0;
    Spinlock lock_;
    std::array<Chunk, most_chunks> chunks_ CAIRN_GUARDED_BY(lock_);
    static_vector<Chunk*, most_chunks> free_ CAIRN_GUARDED_BY(lock_);
    bool is_starved_ CAIRN_GUARDED_BY(lock_) = false;  ///< a sender has found no room
};

}  // namespace cairn
