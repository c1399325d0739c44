// SPDX-License-Identifier: MIT
// A disk of a VM that is one of the machine's, or a part of one: the device that the guest sees,
// over Cairn's driver; or an image of the archive, and such a disk keeps what is written to it.
//
//     guest ──► GuestVirtio ──► VirtioBackedBlock ──► HostDisk ──► machine's device ⇄ guest's RAM
//                 ▲ turn                   └── completed ◄── interrupt, on whatever hart
//                 └──── DeviceTasks ◄──────────┘
//
// An image's DiskOverlay lies between VirtioBackedBlock and HostDisk.
//
// On the VM's heap; it ends before its VM does, when nothing is in flight any more.
#pragma once

#include <optional>

#include "kernel/dev/virtio/disk_overlay.hpp"
#include "kernel/dev/virtio/virtio_backed_block.hpp"
#include "kernel/host/disks/host_disk.hpp"
#include "kernel/host/memory/frame_source.hpp"
#include "kernel/host/memory/memory_map.hpp"
#include "kernel/vm/virtio/guest_virtio.hpp"

namespace cairn {

class GuestHostDisk final : private BlockBackend, private HostDiskUser, private TurnOwner {
  public:
    struct Settings {
        std::string_view name;  ///< in the log: "host:0", or the image's path
        std::string_view id;    ///< the same, or the image's name
        DiskRange range;        ///< the sectors of the machine's disk that it is
        bool read_only;         ///< though the machine's may be written to
        std::uint32_t queues = 1;
        std::span<const std::byte> image;  ///< that it keeps an overlay of, if it has any bytes
    };

    /// All that is borrowed outlives it. Its VM's RAM is `ram`.
    GuestHostDisk(const Settings& settings, HostDisk& disk, const GuestMemory& ram,
                  FrameSource& frames, DeviceTasks& tasks);
    GuestHostDisk(const GuestHostDisk&) = delete;
    GuestHostDisk& operator=(const GuestHostDisk&) = delete;
    ~GuestHostDisk();

    /// Before its guest runs; not where another VM has some of it.
    [[nodiscard]] std::expected<void, HostDisk::ClaimFault> claim() {
        const auto claimed = disk_.claim(*this, settings_.range);
        is_claimed_ = claimed.has_value();
        return claimed;
    }
    /// Where it is an overlay's, once it is claimed: whether it will do for that, and the memory
    /// for it; false where there is not enough.
    [[nodiscard]] std::expected<bool, OverlayFault> begin_overlay();
    /// A piece of finding that on the disk; whether all is done. Before its guest runs.
    [[nodiscard]] std::expected<bool, OverlayFault> open_some();
    [[nodiscard]] GuestVirtio& port() { return port_; }

  private:
    static constexpr DeviceKind kind{
        .name = "host disk", .node = "virtio_mmio", .compatible = {"virtio,mmio"}};

    [[nodiscard]] BlockBackend& backend();
    [[nodiscard]] std::size_t frame_count() const {
        return (DiskOverlay::memory_for(settings_.image.size()) + frame_size - 1) / frame_size;
    }

    [[nodiscard]] std::uint64_t size() const override {
        return settings_.range.count * virtio_block::sector_size;
    }
    [[nodiscard]] bool is_read_only() const override {
        return settings_.read_only || disk_.is_read_only();
    }
    [[nodiscard]] std::uint32_t block_size() const override { return disk_.block_size(); }
    [[nodiscard]] std::uint32_t buffer_limit() const override { return disk_.buffer_limit(); }
    [[nodiscard]] virtio_block::ZeroingLimits zeroing_limits() const override {
        return disk_.zeroing_limits();
    }
    [[nodiscard]] std::string_view id() const override { return settings_.id; }
    [[nodiscard]] bool submit(const Request& request) override;
    void look() override { disk_.look(); }
    void completed(void* token, virtio_block::Status status) override {
        static_cast<BlockCompletion*>(token)->completed(status);
    }
    void room_again() override { block_.room_again(); }
    void want_turn() override;

    Settings settings_;
    HostDisk& disk_;
    DeviceTasks& tasks_;
    bool is_claimed_ = false;
    FrameSource& frames_;           ///< of the VM's quota
    std::optional<HostPhys> room_;  ///< of these, the overlay's
    std::optional<DiskOverlay> overlay_;
    VirtioBackedBlock block_;
    GuestVirtio port_;
};

}  // namespace cairn
