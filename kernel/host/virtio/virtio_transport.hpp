// SPDX-License-Identifier: MIT
// A driver's way to one of the machine's virtio-mmio devices (VIRTIO 1.2, section 4.2), of version
// 2 or of the legacy version 1 that QEMU has by default (section 4.2.4):
//
//     identify ──► negotiate ──► add_queue ... ──► go ──► notify, take_events
//                                                          └── stop
//
// What the device says is input; what cannot be is a fault. Owned by a driver, whose lock is held.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "kernel/host/virtio/driver_queue.hpp"
#include "kernel/host/virtio/virtio_registers.hpp"

namespace cairn {

/// Why a device is left alone.
enum class VirtioFault : std::uint8_t {
    no_virtio,         ///< no magic value
    unknown_version,   ///< neither 1 nor 2
    no_reset,          ///< its status does not become 0
    no_version_1,      ///< of a modern device: it does not offer it
    features_refused,  ///< FEATURES_OK does not stick
    queue_in_use,      ///< though the device was reset
    queue_too_small,   ///< it is not there, or has fewer entries than the driver needs
    queue_too_far,     ///< a legacy device takes 44 bits of address
    bad_config,        ///< its configuration is none that can be
    silent,            ///< it does not answer in time
    no_ports,          ///< a console without MULTIPORT
    no_memory,         ///< Cairn's fault: for what is lent to it
};
/// What is wrong, as the end of a sentence.
[[nodiscard]] std::string_view to_string(VirtioFault fault);

/// What a sentence about a device ends with that has been stopped, or has not.
[[nodiscard]] constexpr std::string_view unless_stopped(bool has_stopped) {
    return has_stopped ? "" : "; and its reset does not end";
}

class VirtioTransport {
  public:
    using Done = std::expected<void, VirtioFault>;

    VirtioTransport() = default;
    explicit VirtioTransport(VirtioRegisters& registers) : registers_(&registers) {}

    /// What is in the slot: a device type, or virtio_mmio::no_device.
    [[nodiscard]] std::expected<std::uint32_t, VirtioFault> identify();
    /// Resets the device, and accepts what it offers of `wanted`.
    [[nodiscard]] Done negotiate(std::uint64_t wanted);
    /// Both, of a device whose type is known.
    [[nodiscard]] Done identify_and_negotiate(std::uint64_t wanted) {
        if (const auto found = identify(); !found) return std::unexpected(found.error());
        return negotiate(wanted);
    }
    /// What was accepted.
    [[nodiscard]] std::uint64_t features() const { return features_; }
    /// Starts `queue` as the device's queue `index`, of as many entries as both can have, but for
    /// `least`.
    [[nodiscard]] Done add_queue(std::uint32_t index, DriverQueue& queue, std::uint32_t least);
    void go();

    void notify(std::uint32_t queue);
    /// The events (virtio_mmio::interrupt) since the last time, which end their interrupt.
    [[nodiscard]] std::uint32_t take_events();
    /// Resets it, and waits for that, but not for long: it does nothing any more. False where its
    /// reset is not over yet (section 2.4.2): what was lent to it is still its own.
    [[nodiscard]] bool stop();
    /// Whether that is over.
    [[nodiscard]] bool has_stopped() { return get(Register::status) == 0; }

    /// The configuration's bytes from `at` on, all of one moment.
    void read_config(std::uint64_t at, std::span<std::byte> to);

  private:
    using Register = virtio_mmio::Register;

    [[nodiscard]] std::uint32_t get(Register which) { return registers_->read(which); }
    void set(Register which, std::uint32_t value) { registers_->write(which, value); }
    [[nodiscard]] std::uint64_t offered();
    void set_address(Register low, Register high, HostPhys address);
    [[nodiscard]] Done place(const DriverQueue& queue);

    VirtioRegisters* registers_ = nullptr;
    std::uint64_t features_ = 0;
    std::uint32_t status_ = 0;
    bool is_legacy_ = false;
};

}  // namespace cairn
