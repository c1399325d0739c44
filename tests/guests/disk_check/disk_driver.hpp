// SPDX-License-Identifier: MIT
// A driver of a virtio disk on MMIO, by registers and rings, that lets its caller break any rule:
// one queue of eight descriptors, polled.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/arch/devices/virtio_block_requests.hpp"
#include "kernel/arch/devices/virtio_device.hpp"
#include "kernel/arch/devices/virtio_mmio_registers.hpp"
#include "kernel/arch/devices/virtio_ring.hpp"

namespace cairn::guest {

/// What a request's status byte is before the device has written it.
inline constexpr std::uint8_t unanswered = 0xff;

struct DiskBuffer {
    const void* at;
    std::uint32_t size;
    bool writable = false;
};

class DiskDriver {
  public:
    using Register = virtio_mmio::Register;
    using RequestType = virtio_block::RequestType;
    static constexpr std::uint32_t size = 8;

    /// The disk in virtio slot `slot`.
    explicit DiskDriver(unsigned slot);

    [[nodiscard]] std::uint32_t get(Register which) const;
    void set(Register which, std::uint32_t value) const;
    /// `T` at `offset` of the configuration.
    template <class T>
    [[nodiscard]] T config(std::uint64_t offset) const {
        return *reinterpret_cast<const volatile T*>(base_ + config_at + offset);
    }

    /// A reset, and all up to FEATURES_OK; what the status is then.
    std::uint32_t negotiate(std::uint64_t features) const;
    void set_up_queue();
    /// All that comes before the first request.
    void start(std::uint64_t features = virtio::feature::version_1);
    [[nodiscard]] std::uint64_t offered() const;

    /// Links `buffers` from descriptor `first` on.
    void chain(std::uint16_t first, std::span<const DiskBuffer> buffers);
    void describe(std::uint16_t index, const virtio_ring::Descriptor& descriptor);
    /// The usual request, by descriptors from 0 on.
    void prepare(std::uint32_t type, std::uint64_t sector, std::span<const DiskBuffer> data);
    void offer(std::uint16_t head);
    void notify() const { set(Register::queue_notify, 0); }

    /// Whether the device has used one more buffer than before, now or in a while.
    [[nodiscard]] bool wait_used();
    /// Prepares, offers, notifies and waits: the status.
    std::uint8_t request(RequestType type, std::uint64_t sector,
                         std::span<const DiskBuffer> data = {});
    std::uint8_t request(std::uint32_t type, std::uint64_t sector,
                         std::span<const DiskBuffer> data);
    [[nodiscard]] bool waits_for_reset() const;

    [[nodiscard]] virtio_ring::UsedElement last_used() const;
    [[nodiscard]] std::uint8_t status() const { return status_; }
    [[nodiscard]] std::uint16_t used_index() const;
    void set_avail_index(std::uint16_t index) { avail_index().store(index); }
    void set_avail_flags(std::uint16_t flags);
    void set_used_event(std::uint16_t event);

  private:
    static constexpr std::uint64_t config_at = static_cast<std::uint64_t>(Register::config);

    std::atomic_ref<std::uint16_t> avail_index() { return std::atomic_ref(avail_[1]); }

    std::uint64_t base_;
    alignas(16) std::array<virtio_ring::Descriptor, size> descriptors_{};
    alignas(4) std::array<std::uint16_t, 3 + size> avail_{};  // flags, idx, ring, used_event
    struct {
        std::uint16_t flags = 0;
        std::uint16_t idx = 0;
        std::array<virtio_ring::UsedElement, size> ring{};
        std::uint16_t avail_event = 0;
    } used_;
    virtio_block::BlockRequest header_{};
    volatile std::uint8_t status_ = unanswered;
    std::uint16_t offered_ = 0;  ///< chains so far
    std::uint16_t seen_ = 0;     ///< used buffers so far
};

/// Waits, for what must not happen to have had its time.
void wait_a_little();
/// Whether `holds()` comes true within ten seconds.
template <class Condition>
[[nodiscard]] bool comes_true(Condition holds);

[[nodiscard]] std::uint64_t read_time();
inline constexpr std::uint64_t ticks_per_second = 10'000'000;  // QEMU's virt

template <class Condition>
bool comes_true(Condition holds) {
    const std::uint64_t end = read_time() + 10 * ticks_per_second;
    while (!holds()) {
        if (read_time() > end) return false;
    }
    return true;
}

}  // namespace cairn::guest
