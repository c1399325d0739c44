// SPDX-License-Identifier: MIT
#include "kernel/dev/uart16550.hpp"

#include <utility>

#include <cairn/fdt_writer.hpp>

namespace cairn {

using namespace uart16550;

namespace {

constexpr std::uint8_t empty_transmitter = lsr::thr_empty::mask | lsr::transmitter_idle::mask;

constexpr bool is(Register which, std::uint64_t offset) {
    return offset == static_cast<std::uint64_t>(which);
}

}  // namespace

std::expected<std::uint64_t, BusError> Uart16550::read(std::uint64_t offset, AccessWidth width) {
    if (width == AccessWidth::byte && is(Register::lsr, offset) && has_plain_status_) {
        std::uint8_t value = empty_transmitter;  // what drivers poll
        lsr::data_ready::set(value, !receiver_.empty());
        return value;
    }
    [[clang::musttail]] return read_any(offset, width);
}

std::expected<void, BusError> Uart16550::write(std::uint64_t offset, AccessWidth width,
                                               std::uint64_t value) {
    if (width == AccessWidth::byte && is(Register::scr, offset)) {
        state_.scr = static_cast<std::uint8_t>(value & 0xff);
        return {};
    }
    if (width == AccessWidth::byte && is(Register::thr, offset) && transmits_plainly_) {
        state_.thr_empty_pending = true;
        output_.put(std::byte{static_cast<std::uint8_t>(value & 0xff)});
        return {};
    }
    [[clang::musttail]] return write_any(offset, width, value);
}

std::expected<std::uint64_t, BusError> Uart16550::read_any(std::uint64_t offset,
                                                           AccessWidth width) {
    if (width != AccessWidth::byte) return std::unexpected(BusError::width);
    if (offset >= register_count) return std::unexpected(BusError::unmapped);
    return read_register(static_cast<Register>(offset));
}

std::expected<void, BusError> Uart16550::write_any(std::uint64_t offset, AccessWidth width,
                                                   std::uint64_t value) {
    if (width != AccessWidth::byte) return std::unexpected(BusError::width);
    if (offset >= register_count) return std::unexpected(BusError::unmapped);
    write_register(static_cast<Register>(offset), static_cast<std::uint8_t>(value & 0xff));
    update_interrupt();
    return {};
}

void Uart16550::input_arrived() {
    input_waits_ = true;
    refill();
    go_on_with_output();
    update_interrupt();
}

void Uart16550::output_stops() {
    is_stopped_ = true;
    state_.thr_empty_pending = false;
    update_interrupt();
}

/// THR becomes empty.
void Uart16550::go_on_with_output() {
    if (!is_stopped_ || !output_.has_output_room()) return;
    is_stopped_ = false;
    state_.thr_empty_pending = true;
}

std::optional<std::byte> Uart16550::take_input() {
    if (receiver_.empty()) return std::nullopt;
    const auto oldest = static_cast<std::byte>(read_rbr());
    update_interrupt();
    return oldest;
}

void Uart16550::reset() {
    state_ = {};
    is_stopped_ = false;  // what comes next finds it out anew
    receiver_.clear();
    refill();
    update_interrupt();
}

void Uart16550::describe(FdtWriter& node, const TreePhandles& /*handles*/) const {
    node.property_u32("clock-frequency", clock_hz);
}

std::uint8_t Uart16550::read_register(Register which) {
    switch (which) {
        case Register::rbr: return divisor_latch() ? state_.dll : read_rbr();
        case Register::ier: return divisor_latch() ? state_.dlm : state_.ier;
        case Register::iir: return read_iir();
        case Register::lcr: return state_.lcr;
        case Register::mcr: return state_.mcr;
        case Register::lsr: return read_lsr();
        case Register::msr: return read_msr();
        case Register::scr: return state_.scr;
    }
    std::unreachable();
}

void Uart16550::write_register(Register which, std::uint8_t value) {
    switch (which) {
        case Register::thr:
            if (divisor_latch()) {
                state_.dll = value;
            } else {
                write_thr(value);
            }
            return;
        case Register::ier:
            if (divisor_latch()) {
                state_.dlm = value;
            } else {
                write_ier(value);
            }
            return;
        case Register::fcr: write_fcr(value); return;
        case Register::lcr: state_.lcr = value; return;  // a break on the line goes nowhere
        case Register::mcr: write_mcr(value); return;
        case Register::lsr:
        case Register::msr: return;  // writes are for factory testing
        case Register::scr: state_.scr = value; return;
    }
    std::unreachable();
}

std::uint8_t Uart16550::read_rbr() {
    forget_errors_of_head();
    const Character oldest = receiver_.try_pop_front().value_or(Character{});
    refill();
    show_errors();
    update_interrupt();
    return std::to_integer<std::uint8_t>(oldest.value);
}

std::uint8_t Uart16550::read_iir() {
    const InterruptId id = interrupt_id();
    // Only the read that reports THRE resets it: behind a higher source it stays pending.
    if (id == InterruptId::transmitter_empty) {
        state_.thr_empty_pending = false;
        update_interrupt();
    }
    const std::uint8_t fifos = fifos_enabled() ? iir::fifos_enabled::mask : 0;
    return static_cast<std::uint8_t>(iir::id::of(id) | fifos);
}

/// LSR without its errors.
std::uint8_t Uart16550::line_status() const {
    std::uint8_t value = is_stopped_ ? 0 : empty_transmitter;
    lsr::data_ready::set(value, !receiver_.empty());
    return value;
}

std::uint8_t Uart16550::read_lsr() {
    const auto value = static_cast<std::uint8_t>(line_status() | state_.shown_errors);
    if (state_.shown_errors != 0) {
        state_.shown_errors = 0;
        forget_errors_of_head();
        show_errors();
        update_interrupt();
    }
    return value;
}

std::uint8_t Uart16550::read_msr() {
    const std::uint8_t deltas = std::exchange(state_.msr_deltas, std::uint8_t{0});
    if (deltas != 0) update_interrupt();
    return static_cast<std::uint8_t>(modem_inputs() | deltas);
}

void Uart16550::write_thr(std::uint8_t value) {
    state_.thr_empty_pending = !is_stopped_;  // reset by the write, and set as the byte is gone
    if (loopback()) {
        loop_back(std::byte{value});
    } else {
        output_.put(std::byte{value});
    }
}

void Uart16550::write_ier(std::uint8_t value) {
    const bool was_enabled = ier::transmitter_empty::get(state_.ier);
    const bool was_read = is_read_by_interrupt();
    state_.ier = value & ier::writable;
    // The source may have kept from a UART that nobody read what it has.
    if (is_read_by_interrupt() && !was_read) {
        input_waits_ = true;
        refill();
    }
    // Enabling it while THR is empty raises THRE at once: drivers start their output by this.
    const bool enabled = ier::transmitter_empty::get(state_.ier);
    if (enabled != was_enabled) state_.thr_empty_pending = enabled && !is_stopped_;
}

void Uart16550::write_fcr(std::uint8_t value) {
    const bool enable = fcr::fifo_enable::get(value);
    const bool switched = enable != fifos_enabled();
    if (switched || (enable && fcr::receiver_reset::get(value))) clear_receiver();
    // The other bits are programmed only together with a set enable bit.
    constexpr std::uint8_t kept = fcr::fifo_enable::mask | fcr::dma_mode::mask | fcr::trigger::mask;
    state_.fcr = enable ? value & kept : 0;
    refill();
}

void Uart16550::write_mcr(std::uint8_t value) {
    const std::uint8_t before = modem_inputs();
    state_.mcr = value & mcr::writable;
    const std::uint8_t after = modem_inputs();

    const auto changed = static_cast<std::uint8_t>(before ^ after);
    std::uint8_t& deltas = state_.msr_deltas;
    if (msr::cts::get(changed)) msr::delta_cts::set(deltas, true);
    if (msr::dsr::get(changed)) msr::delta_dsr::set(deltas, true);
    if (msr::ri::get(changed) && msr::ri::get(before)) msr::trailing_ri::set(deltas, true);
    if (msr::dcd::get(changed)) msr::delta_dcd::set(deltas, true);
    refill();  // leaving loopback connects the line again
}

bool Uart16550::divisor_latch() const {
    return lcr::divisor_latch::get(state_.lcr);
}

bool Uart16550::loopback() const {
    return mcr::loop::get(state_.mcr);
}

bool Uart16550::fifos_enabled() const {
    return fcr::fifo_enable::get(state_.fcr);
}

std::size_t Uart16550::receiver_depth() const {
    return fifos_enabled() ? fifo_depth : 1;
}

std::size_t Uart16550::trigger_level() const {
    return fifos_enabled() ? fcr::trigger_levels[fcr::trigger::get(state_.fcr)] : 1;
}

/// The enabled interrupt of the highest priority (Table 4).
InterruptId Uart16550::interrupt_id() const {
    const std::uint8_t enabled = state_.ier;
    if (ier::line_status::get(enabled) && (state_.shown_errors & lsr::errors) != 0) {
        return InterruptId::line_status;
    }
    if (ier::received_data::get(enabled)) {
        if (receiver_.size() >= trigger_level()) return InterruptId::received_data;
        if (!receiver_.empty()) return InterruptId::character_timeout;
    }
    if (ier::transmitter_empty::get(enabled) && state_.thr_empty_pending) {
        return InterruptId::transmitter_empty;
    }
    if (ier::modem_status::get(enabled) && state_.msr_deltas != 0) return InterruptId::modem_status;
    return InterruptId::none;
}

/// MSR's upper half: a peer that is there and ready, or in loopback our own outputs.
std::uint8_t Uart16550::modem_inputs() const {
    if (!loopback()) return msr::cts::mask | msr::dsr::mask | msr::dcd::mask;
    const std::uint8_t outputs = state_.mcr;
    return static_cast<std::uint8_t>(
        msr::cts::of(mcr::rts::get(outputs)) | msr::dsr::of(mcr::dtr::get(outputs)) |
        msr::ri::of(mcr::out1::get(outputs)) | msr::dcd::of(mcr::out2::get(outputs)));
}

/// One transmitted byte into the receiver. A full FIFO keeps its content and loses the new byte;
/// without FIFOs the new byte replaces the old one. Both are an overrun.
void Uart16550::loop_back(std::byte byte) {
    if (receiver_.size() >= receiver_depth()) {
        lsr::overrun::set(state_.shown_errors, true);
        if (fifos_enabled()) return;
        clear_receiver();
    }
    push({.value = byte});
}

/// A source that has been found empty tells of what comes next.
std::optional<Character> Uart16550::next_of_line() {
    if (!input_waits_) return std::nullopt;
    const auto next = input_.take();
    input_waits_ = next.has_value();
    return next;
}

/// Moves waiting input into the receiver; in loopback the line is disconnected.
void Uart16550::refill() {
    if (loopback()) return;
    while (receiver_.size() < receiver_depth()) {
        const auto next = next_of_line();
        if (!next) return;
        push(*next);
    }
}

/// Puts a character into the receiver, where there is room. Its overrun shows at once.
void Uart16550::push(Character character) {
    if (lsr::overrun::get(character.errors)) lsr::overrun::set(state_.shown_errors, true);
    character.errors &= lsr::character_errors;
    if (character.errors != 0) ++state_.faulty_characters;
    static_cast<void>(receiver_.try_push_back(character));
    show_errors();
}

void Uart16550::clear_receiver() {
    receiver_.clear();
    state_.faulty_characters = 0;
    show_errors();
}

void Uart16550::forget_errors_of_head() {
    if (receiver_.empty() || receiver_.front().errors == 0) return;
    receiver_.front().errors = 0;
    --state_.faulty_characters;
}

/// What LSR shows, once the receiver has changed. Bit 7 is of FIFO mode.
void Uart16550::show_errors() {
    std::uint8_t shown = state_.shown_errors & lsr::overrun::mask;
    if (state_.faulty_characters != 0) {
        shown |= receiver_.front().errors;
        lsr::fifo_error::set(shown, fifos_enabled());
    }
    state_.shown_errors = shown;
}

/// Whatever has changed ends here.
void Uart16550::update_interrupt() {
    const bool wanted = interrupt_id() != InterruptId::none;
    const bool changes = wanted != asserted_;
    asserted_ = wanted;
    has_plain_status_ = state_.shown_errors == 0 && !is_stopped_;
    transmits_plainly_ = transmits_plainly();
    if (changes) line_.set(wanted);
}

/// Whether a write of THR goes to the output and changes nothing else that shows: the interrupt
/// stays as it is.
bool Uart16550::transmits_plainly() const {
    const bool interrupts = ier::transmitter_empty::get(state_.ier) && !asserted_;
    return !divisor_latch() && !loopback() && !interrupts && !is_stopped_;
}

}  // namespace cairn
