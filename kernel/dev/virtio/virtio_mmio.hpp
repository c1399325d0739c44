// SPDX-License-Identifier: MIT
// A virtio device on MMIO, version 2 (VIRTIO 1.2, section 4.2): the registers, the negotiation of
// features, the queues' set-up, the interrupt, and the end of it all where the driver has broken
// the rules.
//
//     reset ──► ACKNOWLEDGE, DRIVER ──► FEATURES_OK ──► queues ready ──► DRIVER_OK: works
//       ▲                                                                  │ RingFault
//       └──────────── status = 0 ◄──────── DEVICE_NEEDS_RESET ◄────────────┘
//
// The driver's order is enforced where the device depends on it: features stay as they are from
// FEATURES_OK on, queues become ready after it, and nothing is done before DRIVER_OK. A write that
// comes out of order is ignored, as is one to a register that is read-only or not there.
//
// What takes queues away from the device waits until its function has let go of their memory: until
// then every access is `busy`, to be done again, so that its hart is there for others in between.
//
// A notification does as much as is short, within the access; the rest is for `work`, between
// guests. No locking: who calls holds the VM's device lock.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "kernel/arch/devices/virtio_device.hpp"
#include "kernel/arch/devices/virtio_mmio_registers.hpp"
#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/interrupt_line.hpp"
#include "kernel/dev/mmio_device.hpp"
#include "kernel/dev/virtio/virtio_function.hpp"

namespace cairn {

/// Whoever has the device do the rest of its work, and writes the log.
class VirtioOwner {
  public:
    /// `VirtioMmio::work` has something to do. Comes within an access of the guest.
    virtual void want_work() = 0;
    /// A sentence about the device.
    virtual void complain(std::string_view sentence) = 0;

  protected:
    ~VirtioOwner() = default;
};

class VirtioMmio final : public MmioDevice, private VirtioPort {
  public:
    /// What a turn may have (DmaTurn): copying so many bytes takes about 20,000 instructions.
    static constexpr std::uint64_t bytes_of_turn = 64 << 10;

    /// All outlive it.
    VirtioMmio(VirtioFunction& function, DmaMemory& memory, VirtioOwner& owner)
        : function_(function), memory_(memory), owner_(owner) {}
    VirtioMmio(const VirtioMmio&) = delete;
    VirtioMmio& operator=(const VirtioMmio&) = delete;

    /// Where its interrupt goes; outlives it, and is said before its driver can reach it.
    void connect(InterruptLine& line) { line_ = &line; }
    /// Its queues may be packed (section 2.8), too; said before its driver can reach it.
    void offer_packed_rings() { offers_packed_rings_ = true; }

    std::expected<std::uint64_t, BusError> read(std::uint64_t offset, AccessWidth width) override;
    std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                        std::uint64_t value) override;
    /// The one of its registers, which can be shown: a read of any does nothing.
    [[nodiscard]] bool shows_page(std::uint64_t page) const override { return page == 0; }
    void show_page(std::uint64_t page, RegisterPage shown) override;
    [[nodiscard]] bool lets_go() override;
    /// It has let go.
    void reset() override;

    /// A turn of what its notifications have left; whether there is more.
    [[nodiscard]] bool work();
    /// Its function's configuration has: the driver is told, once it works.
    void config_changed();

    [[nodiscard]] std::uint32_t status() const { return status_; }

  private:
    using Register = virtio_mmio::Register;

    [[nodiscard]] std::uint64_t features() const override { return driver_features_; }
    void config_written() override { show_config(); }
    void interrupt() override { raise(virtio_mmio::interrupt::used_buffer); }
    void fail(RingFault fault) override;
    void complain(std::string_view sentence) override { owner_.complain(sentence); }

    [[nodiscard]] std::uint64_t offered() const;
    [[nodiscard]] VirtQueue* queue();
    [[nodiscard]] VirtQueue* queue_in_set_up();
    [[nodiscard]] std::uint32_t read_register(Register which);
    [[nodiscard]] std::uint32_t read_queue(Register which);
    void write_register(Register which, std::uint32_t value);
    void write_queue(Register which, std::uint32_t value);
    void write_status(std::uint32_t value);
    void accept_features(std::uint32_t value);
    void make_ready(VirtQueue& queue, std::uint32_t value);
    void drop(VirtQueue& queue);
    [[nodiscard]] bool has_let_go();
    void notify(std::uint32_t queue);
    [[nodiscard]] bool is_working() const;
    void raise(std::uint32_t event);
    void drive_line();
    // virtio_mmio_shown.cpp. Shaped for: kernel text.
    void show(Register which);
    [[gnu::noinline]] void show_changes();
    [[gnu::noinline]] void show_config();

    VirtioFunction& function_;
    DmaMemory& memory_;
    VirtioOwner& owner_;
    InterruptLine* line_ = nullptr;
    RegisterPage shown_;
    std::uint64_t driver_features_ = 0;
    std::uint32_t device_features_sel_ = 0;
    std::uint32_t driver_features_sel_ = 0;
    std::uint32_t queue_sel_ = 0;
    std::uint32_t interrupt_status_ = 0;
    std::uint32_t status_ = 0;
    std::uint32_t config_generation_ = 0;
    bool line_is_up_ = false;
    bool is_letting_go_ = false;  ///< nothing is begun
    bool offers_packed_rings_ = false;
};

}  // namespace cairn
