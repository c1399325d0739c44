// SPDX-License-Identifier: MIT
// Driver of the machine's own virtio entropy device (VIRTIO 1.2, section 5.4): its bytes go into
// the kernel's generator (kernel/host/boot/entropy.hpp), from which everybody draws. So nobody ever
// waits for the device, and what it gives is stirred into what there is.
//
// One request at a time, of as many bytes as the generator's key has: at the start, and again
// whenever somebody has drawn for a guest. Any hart; a lock of its own, a leaf.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/spinlock.hpp>
#include "kernel/host/drivers/interrupt_router.hpp"
#include "kernel/host/virtio/driver_queue.hpp"
#include "kernel/host/virtio/virtio_transport.hpp"

namespace cairn {

class HostRng {
  public:
    /// Bytes of a request.
    static constexpr std::size_t seed_bytes = 32;
    using Take = void (*)(std::span<const std::byte>);

    constexpr HostRng() = default;
    HostRng(const HostRng&) = delete;
    HostRng& operator=(const HostRng&) = delete;

    /// Starts the device, which interrupts as `source`, and waits for its first bytes, up to
    /// `patience` ticks of `time`. `take` gets them, now and later. Once; `registers` outlive it.
    [[nodiscard]] std::expected<void, VirtioFault> start(VirtioRegisters& registers,
                                                         HostSource source, Take take,
                                                         std::uint64_t patience);
    /// Whether it has started, and not gone wrong since.
    [[nodiscard]] bool works() const { return works_.load(std::memory_order_relaxed); }
    /// Asks the device for more, unless it has been asked already.
    void ask();
    void interrupted();

  private:
    void ask_for_some() CAIRN_REQUIRES(lock_);
    [[nodiscard]] bool take_some() CAIRN_REQUIRES(lock_);
    void give_up(std::string_view why) CAIRN_REQUIRES(lock_);

    Spinlock lock_;
    VirtioTransport transport_ CAIRN_GUARDED_BY(lock_);
    DriverQueue queue_ CAIRN_GUARDED_BY(lock_);
    alignas(64) std::array<std::byte, seed_bytes> seed_ CAIRN_GUARDED_BY(lock_){};
    Take take_ = nullptr;
    HostSource source_{};
    std::atomic<bool> works_ = false;
};

/// The machine's.
[[nodiscard]] HostRng& host_rng();

}  // namespace cairn
