// SPDX-License-Identifier: MIT
#include "kernel/manager/console/guest_channel.hpp"

#include <algorithm>
#include <array>

namespace cairn {
namespace {

constexpr std::size_t piece = 256;  // of kept output: what one look at it writes

std::span<const char> text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void GuestChannel::put(std::byte byte) {
    if (passes_.load(std::memory_order_relaxed) != 0) [[likely]]
        return console_write_guest(*this, static_cast<char>(byte));
    (void)keep({&byte, 1}, true);
}

std::size_t GuestChannel::put(std::span<const std::byte> bytes) {
    if (passes_.load(std::memory_order_relaxed) != 0) return console_write_guest(text(bytes));
    return keep(bytes, false);
}

void GuestChannel::console_is_full(bool lost) {
    if (lost) lost_.fetch_add(1, std::memory_order_relaxed);
    InputReceiver* const writer = writer_.load(std::memory_order_relaxed);
    if (writer != nullptr) writer->output_stops();
}

/// `bytes`, or as many as the console has room for while it is in front; of one that is `alone`,
/// the console says itself that it is full.
std::size_t GuestChannel::keep(std::span<const std::byte> bytes, bool alone) {
    const SpinGuard guard(output_lock_);
    if (is_in_front()) {
        if (alone) {
            console_write_guest(*this, static_cast<char>(bytes.front()));
        } else {
            bytes = bytes.first(console_write_guest(text(bytes)));
        }
        if (port() == nullptr) return bytes.size();
    }
    kept_.put({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (is_in_front()) console_at_ = kept_.end();
    send_to_port();
    return bytes.size();
}

/// What was overwritten before the console had it.
void GuestChannel::skip_lost() {
    const std::uint64_t first = kept_.first();
    if (console_at_ >= first) return;
    lost_.fetch_add(first - console_at_, std::memory_order_relaxed);
    console_at_ = first;
}

std::uint64_t GuestChannel::take_lost() {
    const SpinGuard guard(output_lock_);
    skip_lost();
    return lost_.exchange(0, std::memory_order_relaxed);
}

/// As much as there is room for. Whoever opens it gets what was kept before.
void GuestChannel::send_to_port() {
    ChannelPort* const port = this->port();
    if (port == nullptr || !port->is_open()) return;
    std::array<char, piece> bytes{};
    for (std::size_t sent = 0; sent < kept_output; sent += piece) {
        const std::size_t count = kept_.copy(port_at_, bytes);
        if (count == 0) return;
        const std::size_t taken = port->write(std::as_bytes(std::span(bytes).first(count)));
        port_at_ -= count - taken;
        if (taken < count) return;
    }
}

void GuestChannel::note_place(bool in_front) {
    in_front_.store(in_front, std::memory_order_relaxed);
    passes_.store(in_front && port() == nullptr ? 1 : 0, std::memory_order_relaxed);
}

void GuestChannel::connect(ChannelPort* port) {
    const SpinGuard guard(output_lock_);
    port_.store(port, std::memory_order_relaxed);
    port_at_ = 0;
    note_place(is_in_front());
}

void GuestChannel::serve_port() {
    {
        const SpinGuard guard(output_lock_);
        send_to_port();
    }
    ChannelPort* const port = this->port();
    if (port != nullptr && port->has_input()) output_goes_on();
}

std::optional<uart16550::Character> GuestChannel::take() {
    const SpinGuard guard(input_lock_);
    const auto next = typed_.try_pop_front();
    if (was_full_ && on_room_ != nullptr) {
        was_full_ = false;
        on_room_();
    }
    ChannelPort* const port = this->port();
    if (next || port == nullptr) return next;
    std::byte byte{};
    if (port->read({&byte, 1}) == 0) return std::nullopt;
    return uart16550::Character{.value = byte};
}

void GuestChannel::attach(InputReceiver* reader) {
    const SpinGuard guard(attachment_);
    reader_ = reader;
    writer_.store(reader, std::memory_order_relaxed);
}

void GuestChannel::output_goes_on() {
    const SpinGuard guard(attachment_);
    if (reader_ != nullptr) reader_->input_arrived();
}

void GuestChannel::resize(virtio_console::Size size) {
    size_.store(size, std::memory_order_relaxed);
    output_goes_on();
}

bool GuestChannel::has_room() {
    const SpinGuard guard(input_lock_);
    was_full_ = typed_.full();
    return !was_full_;
}

void GuestChannel::type(uart16550::Character character) {
    {
        const SpinGuard guard(input_lock_);
        (void)typed_.try_push_back(character);
    }
    const SpinGuard guard(attachment_);
    if (reader_ != nullptr) reader_->input_arrived();
}

/// Where the console was full, it is not any more.
void GuestChannel::go_behind() {
    {
        const SpinGuard guard(output_lock_);
        if (is_in_front()) console_at_ = kept_.end();
        note_place(false);
    }
    output_goes_on();
}

GuestChannel::Shown GuestChannel::come_to_front() {
    std::array<char, piece> bytes{};
    const SpinGuard guard(output_lock_);
    skip_lost();
    const std::size_t count = kept_.copy(console_at_, bytes);
    const std::size_t shown = console_write_guest(std::span(bytes).first(count));
    console_at_ -= count - shown;
    if (shown < count) return Shown::waits;
    if (console_at_ != kept_.end()) return Shown::part;
    note_place(true);
    return Shown::all;
}

}  // namespace cairn
