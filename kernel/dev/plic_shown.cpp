// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
// The PLIC's pages of enable bits, where the guest reads those: a read there does nothing.
#include "kernel/dev/plic.hpp"

namespace cairn {

bool Plic::shows_page(std::uint64_t page) const {
    return page - plic::enable_base < config_.contexts * plic::enable_stride;
}

void Plic::show_page(std::uint64_t page, RegisterPage shown) {
    shown_[(page - plic::enable_base) / RegisterPage::bytes % shown_.size()] = shown;
    show_all_enabled();
}

void Plic::show_all_enabled() const {
    for (std::uint32_t context = 0; context < config_.contexts; ++context) {
        for (std::uint32_t index = 0; index <= config_.sources / 32; ++index)
            show_enabled(context, index);
    }
}

}  // namespace cairn
