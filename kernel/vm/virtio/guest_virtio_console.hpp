// SPDX-License-Identifier: MIT
// A VM's virtio console, a second way to the console that its UART is connected to, and who of the
// two has what is typed:
//
//     UART ────────────► output ◄──────────── VirtioConsole ◄─► other ports
//       ▲                                           ▲
//       └── else ──────  typed  ── port is read ────┘
//
// The port has it from when its driver opens it until that resets the device, unless the guest
// reads elsewhere: the UART has its interrupt for input enabled, or the guest has asked by SBI
// since.
//
// Whoever looks at the console knows its size, which may change at any time. `look` follows that.
//
// On the VM's heap; it ends before its VM does. All of it is the VM's device lock's.
#pragma once

#include "kernel/dev/byte_sink.hpp"
#include "kernel/dev/input_source.hpp"
#include "kernel/dev/virtio/console_size.hpp"
#include "kernel/dev/virtio/virtio_console.hpp"
#include "kernel/vm/virtio/guest_virtio.hpp"

namespace cairn {

class GuestVirtioConsole final {
  public:
    /// All that is borrowed outlives it. Its VM's RAM is `ram`; `others` are at its other ports.
    GuestVirtioConsole(ByteSink& output, InputSource& typed, const ConsoleSize& size,
                       std::span<ConsoleEnd* const> others, const GuestMemory& ram,
                       DeviceTasks& tasks)
        : output_(output),
          typed_(typed),
          size_(size),
          tasks_(tasks),
          console_(for_port_, others),
          port_(console_, VirtioConsole::kind, {.kind = "virtio-console", .name = {}}, ram, tasks) {
    }
    GuestVirtioConsole(const GuestVirtioConsole&) = delete;
    GuestVirtioConsole& operator=(const GuestVirtioConsole&) = delete;

    /// Whose it is: said once, when the VM is made of it, before its guest runs.
    void serve(Vm& vm) { vm_ = &vm; }
    [[nodiscard]] GuestVirtio& port() { return port_; }
    /// What the UART has of what is typed.
    [[nodiscard]] InputSource& uart_input() { return for_uart_; }

    /// Something may be typed, the output has room, the size has changed, or another port's end has
    /// something: a turn, where it has to do with that.
    void look();
    /// The guest asks for input by SBI, which gives it the UART's.
    void guest_asks_by_sbi();

  private:
    struct ForUart final : public InputSource {
        explicit ForUart(GuestVirtioConsole& its) : of(its) {}
        std::optional<uart16550::Character> take() override;
        GuestVirtioConsole& of;
    };
    struct ForPort final : public ConsoleEnd {
        explicit ForPort(GuestVirtioConsole& its) : of(its) {}
        std::string_view name() const override { return "console"; }
        std::size_t read(std::span<std::byte> to) override;
        std::size_t write(std::span<const std::byte> from) override { return of.output_.put(from); }
        std::uint32_t turns() override { return 1; }
        void port_reads(bool reads) override { of.port_reads(reads); }
        GuestVirtioConsole& of;
    };

    [[nodiscard]] bool is_for_port();
    void port_reads(bool reads);

    ByteSink& output_;
    InputSource& typed_;
    const ConsoleSize& size_;
    DeviceTasks& tasks_;
    Vm* vm_ = nullptr;
    bool port_reads_ = false;
    bool sbi_reads_ = false;  ///< since the port does
    ForUart for_uart_{*this};
    ForPort for_port_{*this};
    VirtioConsole console_;
    GuestVirtio port_;
};

}  // namespace cairn
