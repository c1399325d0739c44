// SPDX-License-Identifier: MIT
// A 16550A UART (PC16550D data sheet; tables cited in uart16550_registers.hpp) as QEMU's `virt` has
// it: byte-wide registers, stride 1, a level interrupt.
//
// The line is infinitely fast, so the transmitter is always empty unless the sink is full, and a
// pause of four character times has always passed: characters that wait below the trigger level are
// a character timeout at once. A full sink is a transmitter that is not empty: drivers wait for it,
// and its interrupt comes once there is room again. Input is never lost to speed: what does not fit
// the receiver FIFO stays with its source, as if the sender honoured flow control.
//
// A character brings its errors along (PE, FE, BI), and LSR shows those of the one at the FIFO's
// head until LSR or the character is read. OE is what the sender says of its own line, or loopback.
//
//      InputSource ─► FIFO 16 ─► RBR        THR ─► ByteSink
//                       ▲─────── loopback ───┘
//
// Bad accesses give a BusError; nothing else can fail. No lock: who calls guards it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include <cairn/ring_buffer.hpp>
#include "kernel/arch/devices/uart16550_character.hpp"
#include "kernel/arch/devices/uart16550_registers.hpp"
#include "kernel/dev/byte_sink.hpp"
#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/input_source.hpp"
#include "kernel/dev/interrupt_line.hpp"
#include "kernel/dev/mmio_device.hpp"

namespace cairn {

class Uart16550 final : public MmioDevice, public InputReceiver {
  public:
    static constexpr std::uint32_t clock_hz = 3'686'400;  ///< `virt`'s
    static constexpr DeviceKind kind{
        .name = "UART", .node = "serial", .compatible = {"ns16550a"}, .is_console = true};

    /// Transmits to `output`, receives from `input` and drives `interrupt`; all are borrowed and
    /// outlive the device.
    Uart16550(ByteSink& output, InputSource& input, InterruptLine& interrupt)
        : output_(output), input_(input), line_(interrupt) {}
    Uart16550(const Uart16550&) = delete;
    Uart16550& operator=(const Uart16550&) = delete;

    std::expected<std::uint64_t, BusError> read(std::uint64_t offset, AccessWidth width) override;
    std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                        std::uint64_t value) override;

    /// Takes what there is room for; the rest as the guest reads. Transmits again where the sink
    /// has room.
    void input_arrived() override;
    void output_stops() override;

    /// Whether the guest wants an interrupt for input: it reads the console here.
    [[nodiscard]] bool is_read_by_interrupt() const {
        return uart16550::ier::received_data::get(state_.ier);
    }
    /// Takes the oldest byte of input that the guest has not read, for its other ways of reading
    /// the console. A break is a 0 there.
    [[nodiscard]] std::optional<std::byte> take_input();

    /// Back to power-on; the FIFO's content is forgotten. What the source still has comes next.
    void reset() override;
    void describe(FdtWriter& node, const TreePhandles& handles) const override;

  private:
    using Register = uart16550::Register;
    using InterruptId = uart16550::InterruptId;

    // `read` and `write` do what needs no call and no frame by themselves, and leave the rest to
    // these. Shaped for: "MMIO read, UART"; "MMIO write, UART".
    [[gnu::noinline]] std::expected<std::uint64_t, BusError> read_any(std::uint64_t offset,
                                                                      AccessWidth width);
    [[gnu::noinline]] std::expected<void, BusError> write_any(std::uint64_t offset,
                                                              AccessWidth width,
                                                              std::uint64_t value);
    std::uint8_t read_register(Register which);
    void write_register(Register which, std::uint8_t value);
    std::uint8_t read_rbr();
    std::uint8_t read_iir();
    std::uint8_t read_lsr();
    std::uint8_t read_msr();
    void write_thr(std::uint8_t value);
    void write_ier(std::uint8_t value);
    void write_fcr(std::uint8_t value);
    void write_mcr(std::uint8_t value);

    [[nodiscard]] std::uint8_t line_status() const;
    [[nodiscard]] bool divisor_latch() const;
    [[nodiscard]] bool loopback() const;
    [[nodiscard]] bool fifos_enabled() const;
    [[nodiscard]] std::size_t receiver_depth() const;
    [[nodiscard]] std::size_t trigger_level() const;
    [[nodiscard]] InterruptId interrupt_id() const;
    [[nodiscard]] std::uint8_t modem_inputs() const;

    void loop_back(std::byte byte);
    [[nodiscard]] std::optional<uart16550::Character> next_of_line();
    void refill();
    void push(uart16550::Character character);
    void clear_receiver();
    void forget_errors_of_head();
    void show_errors();
    void go_on_with_output();
    void update_interrupt();
    [[nodiscard]] bool transmits_plainly() const;

    /// The registers that keep what the guest wrote, and the latches behind the read-only ones.
    struct State {
        std::uint8_t ier = 0;
        std::uint8_t fcr = 0;
        std::uint8_t lcr = 0;
        std::uint8_t mcr = 0;
        std::uint8_t scr = 0;
        std::uint8_t dll = 2;  ///< 115200 baud at `virt`'s 3.6864 MHz; undefined in the data sheet
        std::uint8_t dlm = 0;
        std::uint8_t msr_deltas = 0;
        std::uint8_t shown_errors = 0;  ///< LSR's: OE until LSR is read, the head's, FIFO error
        std::uint8_t faulty_characters = 0;  ///< how many of the receiver's have errors
        bool thr_empty_pending = false;      ///< the THRE interrupt, apart from LSR's THRE
    };

    ByteSink& output_;
    InputSource& input_;
    InterruptLine& line_;
    State state_{};
    ring_buffer<uart16550::Character, uart16550::fifo_depth> receiver_;
    bool input_waits_ = false;  ///< the source has said so, and not yet been found empty
    bool asserted_ = false;
    bool is_stopped_ = false;        ///< the sink has no room
    bool has_plain_status_ = true;   ///< LSR has no errors, and is not stopped; kept for `read`
    bool transmits_plainly_ = true;  ///< as transmits_plainly says; kept for `write`
};

}  // namespace cairn
