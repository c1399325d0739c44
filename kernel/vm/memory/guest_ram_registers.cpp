// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
// GuestRam: pages of registers that the guest reads without an exit.
#include <algorithm>
#include <cstring>

#include "kernel/vm/memory/guest_ram.hpp"

namespace cairn {

/// Under the lock; nullptr where there is none.
GuestRam::RegisterFrame* GuestRam::find_register_frame(GuestPhys at) {
    const auto found = std::ranges::find(register_frames_, at, &RegisterFrame::at);
    return found == register_frames_.end() ? nullptr : &*found;
}

std::uint32_t* GuestRam::register_page(GuestPhys at) {
    const SpinGuard guard(lock_);
    const RegisterFrame* found = find_register_frame(at);
    if (found == nullptr) {
        if (register_frames_.size() == register_frames_.capacity()) return nullptr;
        const auto frame = more_frames_.allocate_frames(1, frame_size);
        if (!frame) return nullptr;
        std::memset(more_frames_.at(*frame), 0, frame_size);
        found = &register_frames_.push_back({.at = at, .frame = *frame});
    }
    return reinterpret_cast<std::uint32_t*>(more_frames_.at(found->frame));
}

bool GuestRam::show_register_page(GuestPhys at) {
    const SpinGuard guard(lock_);
    RegisterFrame* const found = find_register_frame(at);
    if (found == nullptr) return false;
    if (!found->is_shown)
        found->is_shown = table_.map(at, found->frame, frame_size, pages_r).has_value();
    if (found->is_shown) return true;
    more_frames_.free_frames(found->frame, 1);
    register_frames_.erase(found);
    return false;
}

/// Under the lock, of a table that is empty. What has no table then is an exit again.
void GuestRam::map_register_frames() {
    for (RegisterFrame& each : register_frames_)
        each.is_shown =
            each.is_shown && table_.map(each.at, each.frame, frame_size, pages_r).has_value();
}

}  // namespace cairn
