// SPDX-License-Identifier: MIT
// A virtio console device (VIRTIO 1.2, section 5.3) with one port, which is a console: what the
// guest transmits goes to a ByteSink, buffer by buffer, and what is typed comes from a PortInput.
//
//     transmitq ──► 256 bytes at a time ──► ByteSink ── takes less: the buffer waits, until `look`
//     receiveq  ◄── as many as were typed ◄── PortInput
//     control   ◄─► port_add, port_ready, console_port, port_name, port_open, resize
//
// A buffer is given back when all of it is written, so a guest that is ahead of the wire waits for
// its buffers. Without MULTIPORT there are no control queues, and the port is open always.
// A driver that has not set the device up can write single characters (EMERG_WRITE).
// No locking: who calls holds the VM's device lock.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kernel/arch/devices/virtio_console_ports.hpp"
#include "kernel/dev/byte_sink.hpp"
#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/input_source.hpp"
#include "kernel/dev/virtio/virtio_function.hpp"

namespace cairn {

/// What is typed for a port.
class PortInput : public InputSource {
  public:
    /// Whether the driver takes input by the port, once that changes.
    virtual void port_reads(bool reads) = 0;

  protected:
    ~PortInput() = default;
};

class VirtioConsole final : public VirtioFunction {
  public:
    static constexpr DeviceKind kind{
        .name = "virtio console", .node = "virtio_mmio", .compatible = {"virtio,mmio"}};
    static constexpr std::string_view port_name = "console";

    /// Both outlive it.
    VirtioConsole(ByteSink& output, PortInput& input) : output_(output), input_(input) {}
    VirtioConsole(const VirtioConsole&) = delete;
    VirtioConsole& operator=(const VirtioConsole&) = delete;

    [[nodiscard]] std::uint32_t device_id() const override;
    [[nodiscard]] std::uint64_t features() const override;
    [[nodiscard]] std::span<const std::byte> config() const override {
        return std::as_bytes(std::span(&config_, 1));
    }
    void write_config(std::uint64_t offset, std::span<const std::byte> bytes) override;
    [[nodiscard]] std::span<VirtQueue> queues() override { return queues_; }
    [[nodiscard]] bool work(DmaTurn& turn, VirtioPort& port) override;
    void forget(const VirtQueue& queue) override;

    /// The console is so large, or (0 by 0) nobody knows; whether its configuration has changed.
    [[nodiscard]] bool resize(virtio_console::Size size);
    /// There may be something typed, or room for output: whether a turn has something to do then.
    [[nodiscard]] bool look();

  private:
    using Answer = VirtQueue::Answer;
    using Done = VirtQueue::Done;
    using Control = virtio_console::Control;

    [[nodiscard]] Answer do_all(DmaTurn& turn);
    [[nodiscard]] Answer hear(DmaTurn& turn);
    [[nodiscard]] Answer tell(DmaTurn& turn);
    [[nodiscard]] Answer receive(DmaTurn& turn);
    [[nodiscard]] Answer transmit(DmaTurn& turn);
    [[nodiscard]] Answer is_interrupt_due(DmaTurn& turn);
    void heard(const Control& message);
    [[nodiscard]] Done send(DmaTurn& turn, std::uint16_t event);
    [[nodiscard]] Done fill(DmaTurn& turn, uart16550::Character first);
    [[nodiscard]] Answer write_out(DmaTurn& turn);
    void note_reader();
    [[nodiscard]] virtio_console::Size size() const { return {config_.cols, config_.rows}; }

    ByteSink& output_;
    PortInput& input_;
    virtio_console::Config config_{.cols = 0, .rows = 0, .max_nr_ports = 1, .emerg_wr = 0};
    std::array<VirtQueue, 4> queues_;  // section 5.3.2 has their numbers

    bool has_ports_ = false;       ///< MULTIPORT is accepted
    bool is_added_ = false;        ///< the driver has heard of the port
    bool is_ready_ = false;        ///< the driver is, for it
    bool is_open_ = false;         ///< the driver has said so
    bool reads_ = false;           ///< as `input_` was told
    bool input_waits_ = false;     ///< not yet found empty
    std::uint32_t untold_ = 0;     ///< events that the driver is to hear of, bit by number
    DescriptorChain chain_;        ///< of what is done at once
    DescriptorChain output_from_;  ///< being written
    BufferStream left_;            ///< of it
    bool is_writing_ = false;
};

}  // namespace cairn
