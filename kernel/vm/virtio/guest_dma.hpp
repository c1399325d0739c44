// SPDX-License-Identifier: MIT
// A guest's RAM for its devices.
#pragma once

#include "kernel/dev/virtio/dma_memory.hpp"
#include "kernel/vm/memory/guest_memory.hpp"

namespace cairn {

class GuestDma final : public DmaMemory {
  public:
    explicit GuestDma(const GuestMemory& memory) : DmaMemory(memory.range()), memory_(memory) {}

    [[nodiscard]] bool is_ready(GuestRange range) const override { return memory_.is_ready(range); }
    [[nodiscard]] bool is_soon_ready(GuestRange range) const override {
        return memory_.is_soon_ready(range);
    }
    [[nodiscard]] std::span<std::byte> piece(GuestRange range) override {
        return memory_.piece(range.base, range.size).value_or(std::span<std::byte>{});
    }

    [[nodiscard]] DmaWindow window(GuestPhys at) override {
        const RamWindow found = memory_.window(at);
        return {found.base, found.bytes.size(), found.bytes.data()};
    }
    [[nodiscard]] std::uint64_t generation() const override { return memory_.generation(); }

    [[nodiscard]] std::uint8_t begin_use() override { return memory_.begin_use(); }
    void end_use(std::uint8_t begun) override { memory_.end_use(begun); }

  private:
    GuestMemory memory_;
};

}  // namespace cairn
