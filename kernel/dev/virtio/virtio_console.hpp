// SPDX-License-Identifier: MIT
// A virtio console device (VIRTIO 1.2, section 5.3): port 0 is a console, and the others, which
// have names, carry bytes for whatever programs agree about.
//
//     queue 0, 1 ... ◄─► ConsolePort ◄─► ConsoleEnd     of each port in turn
//     control        ◄─► port_add, port_ready, console_port, port_name, port_open, resize
//
// Without MULTIPORT there are port 0 and its queues alone, and it is open always.
// A driver that has not set the device up can write single characters (EMERG_WRITE).
// No locking: who calls holds the VM's device lock.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/virtio/console_port.hpp"

namespace cairn {

class VirtioConsole final : public VirtioFunction {
  public:
    static constexpr DeviceKind kind{
        .name = "virtio console", .node = "virtio_mmio", .compatible = {"virtio,mmio"}};
    static constexpr std::uint32_t most_ports = 5;
    static constexpr std::size_t longest_name = 32;  ///< of a port's that is not cut off

    /// `others` are at most one less than `most_ports`. The ends outlive it.
    explicit VirtioConsole(ConsoleEnd& console, std::span<ConsoleEnd* const> others = {});
    VirtioConsole(const VirtioConsole&) = delete;
    VirtioConsole& operator=(const VirtioConsole&) = delete;

    [[nodiscard]] std::uint32_t device_id() const override;
    [[nodiscard]] std::uint64_t features() const override;
    [[nodiscard]] std::span<const std::byte> config() const override {
        return std::as_bytes(std::span(&config_, 1));
    }
    void write_config(std::uint64_t offset, std::span<const std::byte> bytes) override;
    [[nodiscard]] std::span<VirtQueue> queues() override {
        return std::span(queues_).first(2 + 2 * config_.max_nr_ports);
    }
    [[nodiscard]] bool work(DmaTurn& turn, VirtioPort& port) override;
    void forget(const VirtQueue& queue) override;

    /// The console is so large, or (0 by 0) nobody knows; whether its configuration has changed.
    [[nodiscard]] bool resize(virtio_console::Size size);
    /// There may be something at some end that was not there before: whether a turn has something
    /// to do then.
    [[nodiscard]] bool look();

  private:
    using Answer = VirtQueue::Answer;
    using Done = VirtQueue::Done;
    using Control = virtio_console::Control;

    [[nodiscard]] std::span<ConsolePort> ports() {
        return std::span(ports_).first(config_.max_nr_ports);
    }
    [[nodiscard]] virtio_console::Size size() const { return {config_.cols, config_.rows}; }
    [[nodiscard]] Answer do_all(DmaTurn& turn);
    [[nodiscard]] Answer hear(DmaTurn& turn);
    void heard(const Control& message);
    [[nodiscard]] Answer tell(DmaTurn& turn);
    [[nodiscard]] Done send(DmaTurn& turn, const Control& message);
    [[nodiscard]] Answer is_interrupt_due(DmaTurn& turn);

    virtio_console::Config config_{.cols = 0, .rows = 0, .max_nr_ports = 1, .emerg_wr = 0};
    std::array<VirtQueue, 2 + 2 * most_ports> queues_;  // section 5.3.2 has their numbers
    std::array<ConsolePort, most_ports> ports_;
    std::uint32_t first_ = 0;  ///< the port whose turn it is
    bool has_ports_ = false;   ///< MULTIPORT is accepted
    DescriptorChain chain_;    ///< of what is done at once
};

}  // namespace cairn
