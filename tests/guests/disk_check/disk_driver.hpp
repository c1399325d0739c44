// SPDX-License-Identifier: MIT
// A driver of a virtio disk: the driver of any device, with one queue, and disks' requests.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/arch/devices/virtio_block_requests.hpp"
#include "tests/guests/virtio_driver.hpp"

namespace cairn::guest {

/// What a request's status byte is before the device has written it.
inline constexpr std::uint8_t unanswered = 0xff;

using DiskBuffer = DriverBuffer;

class DiskDriver : public VirtioDriver, public DriverRing {
  public:
    using RequestType = virtio_block::RequestType;

    /// By that queue of the device in `slot`.
    explicit DiskDriver(unsigned slot, std::uint32_t queue = 0)
        : VirtioDriver(slot), queue_(queue) {}

    void set_up_queue() { set_up(queue_, *this); }
    /// All that comes before the first request.
    void start(std::uint64_t features = virtio::feature::version_1);
    void notify() const { VirtioDriver::notify(queue_); }

    /// The usual request, by descriptors from 0 on.
    void prepare(std::uint32_t type, std::uint64_t sector, std::span<const DiskBuffer> data);
    /// Prepares, offers, notifies and waits: the status.
    std::uint8_t request(RequestType type, std::uint64_t sector,
                         std::span<const DiskBuffer> data = {}, std::uint64_t ticks = patience);
    std::uint8_t request(std::uint32_t type, std::uint64_t sector, std::span<const DiskBuffer> data,
                         std::uint64_t ticks = patience);
    [[nodiscard]] std::uint8_t status() const { return status_; }

  private:
    std::uint32_t queue_;
    virtio_block::BlockRequest header_{};
    volatile std::uint8_t status_ = unanswered;
};

}  // namespace cairn::guest
