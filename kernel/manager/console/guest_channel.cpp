// SPDX-License-Identifier: MIT
#include "kernel/manager/console/guest_channel.hpp"

#include <algorithm>
#include <array>

#include "kernel/host/drivers/console.hpp"

namespace cairn {
namespace {

constexpr std::size_t piece = 256;  // of kept output: what one look at it writes

std::span<const char> text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void GuestChannel::put(std::byte byte) {
    if (is_in_front()) [[likely]]
        return console_write_guest(static_cast<char>(byte));
    keep(byte);
}

void GuestChannel::put(std::span<const std::byte> bytes) {
    if (is_in_front()) return console_write_guest(text(bytes));
    for (const std::byte byte : bytes)
        keep(byte);
}

void GuestChannel::keep(std::byte byte) {
    const SpinGuard guard(output_lock_);
    if (is_in_front()) return console_write_guest(static_cast<char>(byte));
    if (kept_.full()) {
        kept_.pop_front();
        ++lost_;
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

void GuestChannel::go_behind() {
    const SpinGuard guard(output_lock_);
    in_front_.store(false, std::memory_order_relaxed);
}

bool GuestChannel::come_to_front() {
    std::array<std::byte, piece> bytes{};
    const SpinGuard guard(output_lock_);
    const std::size_t count = std::min(kept_.size(), piece);
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = *kept_.try_pop_front();
    console_write_guest(text(std::span(bytes).first(count)));
    in_front_.store(kept_.empty(), std::memory_order_relaxed);
    return kept_.empty();
}

std::uint64_t GuestChannel::take_lost() {
    const SpinGuard guard(output_lock_);
    return std::exchange(lost_, 0);
}

}  // namespace cairn
