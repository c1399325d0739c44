// SPDX-License-Identifier: MIT
// A virtio block device (VIRTIO 1.2, section 5.2) over a BlockStore: reads, writes, flushes, and
// ids; on a store that can be written to discards and write-zeroes as well, both of which leave
// zeroes. What is written is stable at once.
//
// One request at a time, in the order of its queue, and one of each queue in turn: it is taken,
// checked, carried out a turn at a time, and given back with its status. Errors of a request are
// its status; what cannot be a request is a RingFault.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernel/arch/devices/virtio_block_requests.hpp"
#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/virtio/block_queues.hpp"
#include "kernel/dev/virtio/block_store.hpp"

namespace cairn {

class VirtioBlock final : public VirtioFunction {
  public:
    static constexpr DeviceKind kind{
        .name = "virtio disk", .node = "virtio_mmio", .compatible = {"virtio,mmio"}};

    /// `store` outlives it. So many queues, 1 to BlockQueues::most.
    explicit VirtioBlock(BlockStore& store, std::uint32_t queues = 1);
    VirtioBlock(const VirtioBlock&) = delete;
    VirtioBlock& operator=(const VirtioBlock&) = delete;

    [[nodiscard]] std::uint32_t device_id() const override;
    [[nodiscard]] std::uint64_t features() const override;
    [[nodiscard]] std::span<const std::byte> config() const override {
        return std::as_bytes(std::span(&config_, 1));
    }
    [[nodiscard]] std::span<VirtQueue> queues() override { return queues_.all(); }
    [[nodiscard]] bool work(DmaTurn& turn, VirtioPort& port) override;
    void forget(const VirtQueue& queue) override;

  private:
    using Status = virtio_block::Status;
    enum class Phase : std::uint8_t { idle, reading, writing, zeroing, done };

    /// What the driver has asked for, and how far it is.
    struct Request {
        Phase phase = Phase::idle;
        Status status = Status::ok;
        GuestPhys status_at;
        BufferStream readable;
        BufferStream writable;
        std::uint64_t offset = 0;   ///< of the next byte in the store
        std::uint64_t left = 0;     ///< bytes
        std::uint64_t written = 0;  ///< to the driver's buffers, from the first on
    };

    using Answer = VirtQueue::Answer;
    using Done = VirtQueue::Done;

    [[nodiscard]] Answer do_some(DmaTurn& turn, VirtioPort& port);
    [[nodiscard]] Done begin(DmaTurn& turn);
    void begin_of(virtio_block::RequestType type, std::uint64_t sector, DmaTurn& turn);
    void begin_transfer(Phase phase, std::uint64_t sector, std::uint64_t bytes);
    void begin_zeroing(bool discards, DmaTurn& turn);
    void tell_id(DmaTurn& turn);
    [[nodiscard]] bool carry_on(DmaTurn& turn);
    [[nodiscard]] bool read_some(DmaTurn& turn);
    [[nodiscard]] bool write_some(DmaTurn& turn);
    [[nodiscard]] bool zero_some(DmaTurn& turn);
    void moved(std::uint64_t bytes);
    void end_with(Status status);
    [[nodiscard]] Done give_back(DmaTurn& turn);

    BlockStore& store_;
    virtio_block::Config config_{};
    BlockQueues queues_;
    DescriptorChain chain_;
    Request request_;  ///< of `queues_.taken_from()`
};

}  // namespace cairn
