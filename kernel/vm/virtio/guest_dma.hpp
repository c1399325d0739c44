// SPDX-License-Identifier: MIT
// A guest's RAM for its devices.
#pragma once

#include "kernel/dev/virtio/dma_memory.hpp"
#include "kernel/vm/memory/guest_memory.hpp"

namespace cairn {

class GuestDma final : public DmaMemory {
  public:
    explicit GuestDma(const GuestMemory& memory) : memory_(memory) {}

    [[nodiscard]] bool holds(GuestRange range) const override {
        return memory_.holds(range.base, range.size);
    }
    [[nodiscard]] bool is_ready(GuestRange range) const override { return memory_.is_ready(range); }
    [[nodiscard]] bool is_soon_ready(GuestRange range) const override {
        return memory_.is_soon_ready(range);
    }
    [[nodiscard]] std::span<std::byte> piece(GuestRange range) override {
        return memory_.piece(range.base, range.size).value_or(std::span<std::byte>{});
    }

    [[nodiscard]] std::span<std::byte> ready_piece(GuestRange range) override {
        if (!holds(range) || !is_ready(range)) return {};
        const auto found = piece(range);
        return found.size() == range.size ? found : std::span<std::byte>{};
    }

    [[nodiscard]] std::uint8_t begin_use() override { return memory_.begin_use(); }
    void end_use(std::uint8_t begun) override { memory_.end_use(begun); }

  private:
    GuestMemory memory_;
};

}  // namespace cairn
