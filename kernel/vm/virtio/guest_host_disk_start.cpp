// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
// How a disk of the machine's becomes a VM's, and is given back.
#include <cstring>

#include <cairn/panic.hpp>
#include "kernel/vm/virtio/guest_host_disk.hpp"

namespace cairn {

GuestHostDisk::GuestHostDisk(const Settings& settings, HostDisk& disk, const GuestMemory& ram,
                             FrameSource& frames, DeviceTasks& tasks)
    : settings_(settings),
      disk_(disk),
      tasks_(tasks),
      frames_(frames),
      block_(backend(), *this, settings.queues),
      port_(block_, kind, {.kind = "disk", .name = settings.name}, ram, tasks) {}

/// What is in flight would write to the guest's RAM, or to the overlay's memory.
GuestHostDisk::~GuestHostDisk() {
    if (is_claimed_) {
        require(block_.lets_go(), "a disk ends when it has let go of memory");
        disk_.release(*this);
    }
    if (room_) frames_.free_frames(*room_, frame_count());
}

/// What the guest's device is over.
BlockBackend& GuestHostDisk::backend() {
    BlockBackend& disk = *this;
    TurnOwner& owner = *this;
    if (settings_.image.empty()) return disk;
    return overlay_.emplace(disk, owner, settings_.image, settings_.id);
}

std::expected<bool, OverlayFault> GuestHostDisk::begin_overlay() {
    if (!overlay_) return true;
    if (const auto checked = overlay_->check_disk(); !checked)
        return std::unexpected(checked.error());
    room_ = frames_.allocate_frames(frame_count(), frame_size);
    if (!room_) return false;
    const std::span room(frames_.at(*room_), frame_count() * frame_size);
    std::memset(room.data(), 0, room.size());
    overlay_->take_memory(room);
    return true;
}

std::expected<bool, OverlayFault> GuestHostDisk::open_some() {
    if (!overlay_) return true;
    return overlay_->open_some();
}

}  // namespace cairn
