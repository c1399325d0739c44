// SPDX-License-Identifier: MIT
// The registers of a 16550A UART, for the emulated device and for the driver of a real one.
//
// Source: Texas Instruments, PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs,
// SNLS378C: Table 1 (register addresses), Table 2 (summary of registers), Table 3 (baud rates),
// Table 4 (interrupt control functions). Titles are the data sheet's.
#pragma once

#include <cstdint>

#include <cairn/field.hpp>

namespace cairn::uart16550 {

/// Offsets in bytes (register stride 1). DLAB, the top bit of LCR, chooses between the two kinds of
/// registers 0 and 1; at 2 reads see IIR and writes reach FCR.
enum class Register : std::uint8_t {
    rbr = 0,  ///< Receiver Buffer (read, DLAB = 0)
    thr = 0,  ///< Transmitter Holding (write, DLAB = 0)
    dll = 0,  ///< Divisor Latch, least significant byte (DLAB = 1)
    ier = 1,  ///< Interrupt Enable (DLAB = 0)
    dlm = 1,  ///< Divisor Latch, most significant byte (DLAB = 1)
    iir = 2,  ///< Interrupt Identification (read)
    fcr = 2,  ///< FIFO Control (write)
    lcr = 3,  ///< Line Control
    mcr = 4,  ///< Modem Control
    lsr = 5,  ///< Line Status
    msr = 6,  ///< Modem Status
    scr = 7,  ///< Scratch
};

inline constexpr std::uint64_t register_count = 8;
inline constexpr std::uint32_t widest_shift = 3;  ///< registers apart, in boards that exist
inline constexpr unsigned fifo_depth = 16;

template <unsigned N>
using Flag = Bit<N, std::uint8_t>;

namespace ier {                     // Interrupt Enable Register; bits 7:4 are always 0
using received_data = Flag<0>;      ///< ERBFI: received data available, character timeout
using transmitter_empty = Flag<1>;  ///< ETBEI: transmitter holding register empty
using line_status = Flag<2>;        ///< ELSI: receiver line status
using modem_status = Flag<3>;       ///< EDSSI: modem status
inline constexpr std::uint8_t writable = 0x0f;
}  // namespace ier

/// IIR bits 3:0, in descending priority: what Table 4 calls the source of the interrupt.
enum class InterruptId : std::uint8_t {
    line_status = 0b0110,        ///< OE, PE, FE or BI; reset by reading LSR
    received_data = 0b0100,      ///< trigger level reached; reset by reading below it
    character_timeout = 0b1100,  ///< characters wait below the trigger level; reset by reading RBR
    transmitter_empty = 0b0010,  ///< THR empty; reset by this read of IIR or a write to THR
    modem_status = 0b0000,       ///< a delta bit of MSR is set; reset by reading MSR
    none = 0b0001,               ///< no interrupt pending
};

namespace iir {  // Interrupt Identification Register; bits 5:4 are always 0
using id = Field<3, 0, InterruptId, std::uint8_t>;
using fifos_enabled = Field<7, 6, std::uint8_t, std::uint8_t>;  ///< 0b11 while FCR bit 0 is set
}  // namespace iir

namespace fcr {  // FIFO Control Register, write-only
using fifo_enable = Flag<0>;
using receiver_reset = Flag<1>;     ///< self-clearing
using transmitter_reset = Flag<2>;  ///< self-clearing
using dma_mode = Flag<3>;
using trigger = Field<7, 6, std::uint8_t, std::uint8_t>;  ///< index into `trigger_levels`
inline constexpr std::uint8_t trigger_levels[] = {1, 4, 8, 14};
}  // namespace fcr

namespace lcr {                                               // Line Control Register
using word_length = Field<1, 0, std::uint8_t, std::uint8_t>;  ///< 5 + this many bits
using stop_bits = Flag<2>;
using parity_enable = Flag<3>;
using even_parity = Flag<4>;
using stick_parity = Flag<5>;
using set_break = Flag<6>;
using divisor_latch = Flag<7>;  ///< DLAB
}  // namespace lcr

namespace mcr {  // Modem Control Register; bits 7:5 are always 0
using dtr = Flag<0>;
using rts = Flag<1>;
using out1 = Flag<2>;
using out2 = Flag<3>;
using loop = Flag<4>;
inline constexpr std::uint8_t writable = 0x1f;
}  // namespace mcr

namespace lsr {                    // Line Status Register
using data_ready = Flag<0>;        ///< DR
using overrun = Flag<1>;           ///< OE
using parity_error = Flag<2>;      ///< PE
using framing_error = Flag<3>;     ///< FE
using break_interrupt = Flag<4>;   ///< BI
using thr_empty = Flag<5>;         ///< THRE
using transmitter_idle = Flag<6>;  ///< TEMT
using fifo_error = Flag<7>;        ///< an error of a character is in the FIFO
/// What belongs to one character, and with it what raises the line status interrupt.
inline constexpr std::uint8_t character_errors =
    parity_error::mask | framing_error::mask | break_interrupt::mask;
inline constexpr std::uint8_t errors = overrun::mask | character_errors;
}  // namespace lsr

namespace msr {  // Modem Status Register
using delta_cts = Flag<0>;
using delta_dsr = Flag<1>;
using trailing_ri = Flag<2>;
using delta_dcd = Flag<3>;
using cts = Flag<4>;
using dsr = Flag<5>;
using ri = Flag<6>;
using dcd = Flag<7>;
inline constexpr std::uint8_t deltas = 0x0f;
inline constexpr std::uint8_t inputs = 0xf0;
}  // namespace msr

}  // namespace cairn::uart16550
