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
    if (is_in_front()) [[likely]]
        return console_write_guest(*this, static_cast<char>(byte));
    keep(byte);
}

std::size_t GuestChannel::put(std::span<const std::byte> bytes) {
    if (is_in_front()) return console_write_guest(text(bytes));
    for (const std::byte byte : bytes)
        keep(byte);
    return bytes.size();
}

void GuestChannel::console_is_full(bool lost) {
    if (lost) lost_.fetch_add(1, std::memory_order_relaxed);
    InputReceiver* const writer = writer_.load(std::memory_order_relaxed);
    if (writer != nullptr) writer->output_stops();
}

void GuestChannel::keep(std::byte byte) {
    const SpinGuard guard(output_lock_);
    if (is_in_front()) return console_write_guest(*this, static_cast<char>(byte));
    if (kept_.full()) {
        kept_.pop_front();
        lost_.fetch_add(1, std::memory_order_relaxed);
    }
    (void)kept_.try_push_back(byte);
}

std::optional<uart16550::Character> GuestChannel::take() {
    const SpinGuard guard(input_lock_);
    const auto next = typed_.try_pop_front();
    if (was_full_ && on_room_ != nullptr) {
        was_full_ = false;
        on_room_();
    }
    return next;
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
        in_front_.store(0, std::memory_order_relaxed);
    }
    output_goes_on();
}

GuestChannel::Shown GuestChannel::come_to_front() {
    std::array<std::byte, piece> bytes{};
    const SpinGuard guard(output_lock_);
    const std::size_t count = std::min(kept_.size(), piece);
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = kept_[i];
    const std::size_t shown = console_write_guest(text(std::span(bytes).first(count)));
    (void)kept_.try_pop_front(std::span(bytes).first(shown));
    if (shown < count) return Shown::waits;
    if (!kept_.empty()) return Shown::part;
    in_front_.store(1, std::memory_order_relaxed);
    return Shown::all;
}

}  // namespace cairn
