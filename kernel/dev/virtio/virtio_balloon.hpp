// SPDX-License-Identifier: MIT
// A virtio balloon (VIRTIO 1.2, section 5.5) over a BalloonMemory: pages that its driver puts in
// are not the guest's until it has them back, memory that it reports as free is zero when it is
// used again, and statistics are kept for whoever asks.
//
//     num_pages ── configuration change ──► driver
//     inflate queue ──► put_in      deflate queue ──► take_out, or the request waits
//     reporting queue ──► discard   stats queue ──► Stats, the buffer is kept until it is asked
//
// A driver that keeps the rules (MUST_TELL_HOST) uses no page before its request is complete. What
// others do hurts their guest alone. Numbers of pages that are no RAM, or are in the balloon
// already, mean nothing. A step is a page, a statistic or 2 MiB, so no request is long at once.
//
// Queues without their feature are left out by the specification's numbers (section 5.5.2), but not
// by those of Linux and QEMU, who count only what there is: the reporting queue is 4 or 3, and 2
// where the driver has no statistics. No free page hints, no page poison.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "kernel/arch/devices/virtio_balloon_requests.hpp"
#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/virtio/virtio_function.hpp"

namespace cairn {

/// A guest's RAM as its balloon changes it. Any address may be named.
class BalloonMemory {
  public:
    /// The guest does not use the page, of 4 KiB, until `take_out`. Whether that was much work.
    virtual bool put_in(GuestPhys page) = 0;
    /// It wants to use it again; false where it has to wait for that.
    [[nodiscard]] virtual bool take_out(GuestPhys page) = 0;
    /// It needs nothing of what is in `range`, RAM.
    virtual void discard(GuestRange range) = 0;
    /// Its driver begins anew: nothing is in the balloon.
    virtual void empty() = 0;

  protected:
    ~BalloonMemory() = default;
};

class VirtioBalloon final : public VirtioFunction {
  public:
    static constexpr DeviceKind kind{
        .name = "virtio balloon", .node = "virtio_mmio", .compatible = {"virtio,mmio"}};

    /// What the driver has said last, bytes.
    struct Stats {
        std::optional<std::uint64_t> free;
        std::optional<std::uint64_t> total;
        std::optional<std::uint64_t> available;
        std::optional<std::uint64_t> caches;
    };

    /// `memory` outlives it.
    explicit VirtioBalloon(BalloonMemory& memory) : memory_(memory) {}
    VirtioBalloon(const VirtioBalloon&) = delete;
    VirtioBalloon& operator=(const VirtioBalloon&) = delete;

    [[nodiscard]] std::uint32_t device_id() const override;
    [[nodiscard]] std::uint64_t features() const override;
    [[nodiscard]] std::span<const std::byte> config() const override {
        return std::as_bytes(std::span(&config_, 1));
    }
    void write_config(std::uint64_t offset, std::span<const std::byte> bytes) override;
    [[nodiscard]] std::span<VirtQueue> queues() override { return queues_; }
    [[nodiscard]] bool work(DmaTurn& turn, VirtioPort& port) override;
    void forget(const VirtQueue& queue) override;

    /// Has so many pages be wanted; the transport says that the configuration has changed.
    void want_pages(std::uint32_t pages) { config_.num_pages = pages; }
    /// Has the driver make its statistics anew, in the next turn.
    void want_stats() { wants_stats_ = true; }
    [[nodiscard]] const Stats& stats() const { return stats_; }
    /// Whether a request waits to take pages out.
    [[nodiscard]] bool is_waiting() const { return is_waiting_; }

  private:
    using Answer = VirtQueue::Answer;
    /// What has been taken from a queue, and is not done yet.
    struct Request {
        bool is_there = false;
        DescriptorChain chain;
        BufferStream rest;
    };

    [[nodiscard]] Answer do_some(std::size_t number, DmaTurn& turn, VirtioPort& port);
    [[nodiscard]] Answer do_page(std::size_t number, DmaTurn& turn, VirtioPort& port);
    [[nodiscard]] Answer do_stat(std::size_t number, DmaTurn& turn);
    [[nodiscard]] Answer do_report(std::size_t number, DmaTurn& turn);
    [[nodiscard]] Answer end(std::size_t number, DmaTurn& turn);

    BalloonMemory& memory_;
    virtio_balloon::Config config_{};
    std::array<VirtQueue, virtio_balloon::queue_count> queues_;
    std::array<Request, virtio_balloon::queue_count> requests_;
    Stats stats_;
    bool wants_stats_ = false;
    bool is_waiting_ = false;
};

}  // namespace cairn
