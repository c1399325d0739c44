// SPDX-License-Identifier: MIT
// A driver of a virtio device on MMIO, by registers and rings, that lets its caller break any rule:
// queues of eight descriptors, polled.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/arch/devices/virtio_device.hpp"
#include "kernel/arch/devices/virtio_mmio_registers.hpp"
#include "kernel/arch/devices/virtio_ring.hpp"

namespace cairn::guest {

inline constexpr std::uint64_t ticks_per_second = 10'000'000;  // QEMU's virt
/// How long one waits for what is to come.
inline constexpr std::uint64_t patience = 10 * ticks_per_second;

struct DriverBuffer {
    const void* at;
    std::uint32_t size;
    bool writable = false;
};

/// A queue's memory.
class DriverRing {
  public:
    static constexpr std::uint32_t size = 8;

    /// As a queue that nobody has used.
    void clear();
    void describe(std::uint16_t index, const virtio_ring::Descriptor& descriptor);
    /// Links `buffers` from descriptor `first` on.
    void chain(std::uint16_t first, std::span<const DriverBuffer> buffers);
    void offer(std::uint16_t head);

    /// Whether the device has used one more buffer than before, now or in a while.
    [[nodiscard]] bool wait_used(std::uint64_t ticks = patience);
    [[nodiscard]] virtio_ring::UsedElement last_used() const;
    [[nodiscard]] std::uint16_t used_index() const;
    void set_avail_index(std::uint16_t index) { avail_index().store(index); }
    void set_avail_flags(std::uint16_t flags);
    void set_used_event(std::uint16_t event);

  private:
    friend class VirtioDriver;

    std::atomic_ref<std::uint16_t> avail_index() { return std::atomic_ref(avail_[1]); }

    alignas(16) std::array<virtio_ring::Descriptor, size> descriptors_{};
    alignas(4) std::array<std::uint16_t, 3 + size> avail_{};  // flags, idx, ring, used_event
    struct {
        std::uint16_t flags = 0;
        std::uint16_t idx = 0;
        std::array<virtio_ring::UsedElement, size> ring{};
        std::uint16_t avail_event = 0;
    } used_;
    std::uint16_t offered_ = 0;  ///< chains so far
    std::uint16_t seen_ = 0;     ///< used buffers so far
};

class VirtioDriver {
  public:
    using Register = virtio_mmio::Register;

    /// The device in virtio slot `slot`.
    explicit VirtioDriver(unsigned slot);

    [[nodiscard]] std::uint32_t get(Register which) const;
    void set(Register which, std::uint32_t value) const;
    /// `T` at `offset` of the configuration.
    template <class T>
    [[nodiscard]] T config(std::uint64_t offset) const {
        return *reinterpret_cast<const volatile T*>(base_ + config_at + offset);
    }
    template <class T>
    void set_config(std::uint64_t offset, T value) const {
        *reinterpret_cast<volatile T*>(base_ + config_at + offset) = value;
    }

    [[nodiscard]] std::uint64_t offered() const;
    /// A reset, and all up to FEATURES_OK; what the status is then.
    std::uint32_t negotiate(std::uint64_t features) const;
    /// Makes `queue` ready, with `ring` as its memory, cleared.
    void set_up(std::uint32_t queue, DriverRing& ring) const;
    void notify(std::uint32_t queue) const { set(Register::queue_notify, queue); }
    [[nodiscard]] bool waits_for_reset(std::uint64_t ticks = patience) const;

  private:
    static constexpr std::uint64_t config_at = static_cast<std::uint64_t>(Register::config);

    std::uint64_t base_;
};

/// Waits, for what must not happen to have had its time.
void wait_a_little();

[[nodiscard]] std::uint64_t read_time();

/// Whether `holds()` comes true within so long.
template <class Condition>
[[nodiscard]] bool comes_true(Condition holds, std::uint64_t ticks = patience) {
    const std::uint64_t end = read_time() + ticks;
    while (!holds()) {
        if (read_time() > end) return false;
    }
    return true;
}

}  // namespace cairn::guest
