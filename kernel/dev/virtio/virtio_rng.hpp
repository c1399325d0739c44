// SPDX-License-Identifier: MIT
// A virtio entropy device (VIRTIO 1.2, section 5.4) over a RandomSource: one queue, whose buffers
// it fills with random bytes. It may use less than all of a buffer (section 5.4.6.2), and gives
// `most_bytes` at once, so that no request is long.
#pragma once

#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/virtio/random_source.hpp"
#include "kernel/dev/virtio/virtio_function.hpp"

namespace cairn {

class VirtioRng final : public VirtioFunction {
  public:
    static constexpr DeviceKind kind{
        .name = "virtio rng", .node = "virtio_mmio", .compatible = {"virtio,mmio"}};
    static constexpr std::uint64_t most_bytes = 1024;

    /// `source` outlives it.
    explicit VirtioRng(RandomSource& source) : source_(source) {}
    VirtioRng(const VirtioRng&) = delete;
    VirtioRng& operator=(const VirtioRng&) = delete;

    [[nodiscard]] std::uint32_t device_id() const override;
    [[nodiscard]] std::uint64_t features() const override { return 0; }
    [[nodiscard]] std::span<const std::byte> config() const override { return {}; }
    [[nodiscard]] std::span<VirtQueue> queues() override { return {&queue_, 1}; }
    [[nodiscard]] bool work(DmaTurn& turn, VirtioPort& port) override;
    /// A request is done as it is taken.
    void forget(const VirtQueue& /*queue*/) override {}

  private:
    using Answer = VirtQueue::Answer;

    [[nodiscard]] Answer do_some(DmaTurn& turn);
    [[nodiscard]] VirtQueue::Done fill(DmaTurn& turn);

    RandomSource& source_;
    VirtQueue queue_;
    DescriptorChain chain_;
};

}  // namespace cairn
