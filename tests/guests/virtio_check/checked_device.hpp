// SPDX-License-Identifier: MIT
// A virtio device under the checks of tests/guests/virtio_check.cpp, and the checks that hold for
// any: registers, negotiation, ring, interrupts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tests/guests/virtio_driver.hpp"

namespace cairn::guest {

/// Counts, and says what does not hold.
class Checks {
  public:
    /// `is_second_opinion`: the devices are QEMU's.
    Checks(std::string_view name, bool is_second_opinion)
        : name_(name), is_second_opinion_(is_second_opinion) {}
    void check(bool holds, std::string_view what);
    [[nodiscard]] unsigned count() const { return count_; }
    [[nodiscard]] unsigned failures() const { return failures_; }
    [[nodiscard]] std::string_view name() const { return name_; }
    /// How long one waits for what QEMU's devices are known not to do: then, not to the end.
    [[nodiscard]] std::uint64_t patience_with_differences() const {
        return is_second_opinion_ ? ticks_per_second / 2 : patience;
    }

  private:
    std::string_view name_;
    bool is_second_opinion_;
    unsigned count_ = 0;
    unsigned failures_ = 0;
};

/// A device, and one of its queues, in which each buffer that is offered is used at once.
struct Subject {
    Checks& checks;
    const VirtioDriver& driver;
    unsigned slot;
    std::uint32_t device_id;
    std::uint32_t queues;  ///< as many as it has
    std::uint32_t queue;
    /// What that queue takes.
    DriverBuffer buffer;
};

/// A reset, and all up to DRIVER_OK, with `rings` as the first queues' memory.
void start(const VirtioDriver& driver, std::span<DriverRing> rings,
           std::uint64_t features = virtio::feature::version_1);
/// Offers `buffers` as a chain from descriptor 0 on; whether it was used.
[[nodiscard]] bool is_used(const VirtioDriver& driver, std::uint32_t queue, DriverRing& ring,
                           std::span<const DriverBuffer> buffers, std::uint64_t ticks = patience);

void check_registers(const Subject& of);
void check_negotiation(const Subject& of);
void check_order(const Subject& of);
void check_interrupts(const Subject& of);
void check_indirect(const Subject& of);
void check_offences(const Subject& of);
void check_queue_reset(const Subject& of);

}  // namespace cairn::guest
