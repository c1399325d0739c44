// SPDX-License-Identifier: MIT
// A disk of a VM that is one of the machine's, or a part of one: the device that the guest sees,
// over Cairn's driver.
//
//     guest ──► GuestVirtio ──► VirtioBackedBlock ──► HostDisk ──► machine's device ⇄ guest's RAM
//                 ▲ turn                   └── completed ◄── interrupt, on whatever hart
//                 └──── DeviceTasks ◄──────────┘
//
// On the VM's heap; it ends before its VM does, when nothing is in flight any more.
#pragma once

#include <cairn/panic.hpp>
#include "kernel/dev/virtio/virtio_backed_block.hpp"
#include "kernel/host/disks/host_disk.hpp"
#include "kernel/vm/virtio/guest_virtio.hpp"

namespace cairn {

class GuestHostDisk final : private BlockBackend, private HostDiskUser, private TurnOwner {
  public:
    struct Settings {
        std::string_view name;  ///< in the log and as its id: "host:0"
        DiskRange range;        ///< the sectors of the machine's disk that it is
        bool read_only;         ///< though the machine's may be written to
        std::uint32_t queues = 1;
    };

    /// All that is borrowed outlives it. Its VM's RAM is `ram`.
    GuestHostDisk(const Settings& settings, HostDisk& disk, const GuestMemory& ram,
                  DeviceTasks& tasks)
        : settings_(settings),
          disk_(disk),
          tasks_(tasks),
          block_(*this, *this, settings.queues),
          port_(block_, kind, {.kind = "disk", .name = settings.name}, ram, tasks) {}
    GuestHostDisk(const GuestHostDisk&) = delete;
    GuestHostDisk& operator=(const GuestHostDisk&) = delete;
    ~GuestHostDisk() {
        if (is_claimed_) release();
    }

    /// Before its guest runs; not where another VM has some of it.
    [[nodiscard]] std::expected<void, HostDisk::ClaimFault> claim() {
        const auto claimed = disk_.claim(*this, settings_.range);
        is_claimed_ = claimed.has_value();
        return claimed;
    }
    [[nodiscard]] GuestVirtio& port() { return port_; }

  private:
    static constexpr DeviceKind kind{
        .name = "host disk", .node = "virtio_mmio", .compatible = {"virtio,mmio"}};

    /// What is in flight would write to the guest's RAM.
    void release() {
        require(block_.lets_go(), "a disk ends when it has let go of its guest's memory");
        disk_.release(*this);
    }

    [[nodiscard]] std::uint64_t size() const override {
        return settings_.range.count * virtio_block::sector_size;
    }
    [[nodiscard]] bool is_read_only() const override {
        return settings_.read_only || disk_.is_read_only();
    }
    [[nodiscard]] std::uint32_t block_size() const override { return disk_.block_size(); }
    [[nodiscard]] virtio_block::ZeroingLimits zeroing_limits() const override {
        return disk_.zeroing_limits();
    }
    [[nodiscard]] std::string_view id() const override { return settings_.name; }
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
    VirtioBackedBlock block_;
    GuestVirtio port_;
};

}  // namespace cairn
