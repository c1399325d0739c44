// SPDX-License-Identifier: MIT
#include "kernel/vm/memory/vmid.hpp"

#include <algorithm>

namespace cairn {

void VmidAllocator::init(unsigned bits) {
    count_ = 1u << std::min(bits, max_bits);
    next_ = first_number();
    ++generation_;
    states_.fill(State::clean);
}

std::optional<Vmid> VmidAllocator::take_clean() {
    while (next_ < count_) {
        const std::uint32_t number = next_++;
        if (states_[number] != State::clean) continue;
        states_[number] = State::taken;
        return Vmid{.number = static_cast<std::uint16_t>(number), .generation = generation_};
    }
    return std::nullopt;
}

std::optional<Vmid> VmidAllocator::take() {
    if (const auto vmid = take_clean()) return vmid;
    if (std::ranges::count(states_, State::stale) == 0) return std::nullopt;
    std::ranges::replace(states_, State::stale, State::clean);
    ++generation_;
    next_ = first_number();
    return take_clean();
}

void VmidAllocator::give(const Vmid& vmid) {
    states_[vmid.number] = State::stale;
}

}  // namespace cairn
