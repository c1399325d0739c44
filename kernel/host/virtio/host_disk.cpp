// SPDX-License-Identifier: MIT
#include "kernel/host/virtio/host_disk.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

#include <cairn/print.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {
namespace {

namespace feature = virtio_block::feature;
using virtio_block::RequestType;
using virtio_block::sector_size;
using virtio_block::Status;

constexpr std::uint32_t request_queue = 0;
/// Header and status of a request have descriptors of their own.
constexpr std::size_t descriptors_beside = 2;
constexpr std::size_t most_disks = 8;
/// Of a disk: what is beyond could not be counted in bytes.
constexpr std::uint64_t most_sectors = ~std::uint64_t{0} / sector_size;
/// What a device that has not written a status leaves there; no Status.
constexpr std::byte no_status{0xff};

constinit std::array<HostDisk, most_disks> disks;
constinit std::size_t disk_count = 0;

HostPhys address_of(const void* object) {
    return {reinterpret_cast<std::uintptr_t>(object)};
}

}  // namespace

HostDisk* host_disk(std::size_t number) {
    return number < disk_count ? &disks[number] : nullptr;
}
std::size_t host_disk_count() {
    return disk_count;
}
HostDisk* next_host_disk() {
    return disk_count < most_disks ? &disks[disk_count] : nullptr;
}
void add_host_disk() {
    ++disk_count;
}

std::expected<void, VirtioFault> HostDisk::start(VirtioRegisters& registers, HostSource source) {
    const SpinGuard guard(lock_);
    transport_ = VirtioTransport(registers);
    source_ = source;
    auto started = transport_.identify_and_negotiate(feature::ro | feature::flush);
    if (started) started = read_size();
    if (started) started = transport_.add_queue(request_queue, queue_, DriverQueue::max_size);
    if (!started) return started;
    read_only_ = (transport_.features() & feature::ro) != 0;
    has_flush_ = (transport_.features() & feature::flush) != 0;
    transport_.go();
    works_ = true;
    return {};
}

std::expected<void, VirtioFault> HostDisk::read_size() {
    std::uint64_t sectors = 0;
    transport_.read_config(offsetof(virtio_block::Config, capacity),
                           std::as_writable_bytes(std::span(&sectors, 1)));
    if (sectors == 0 || sectors > most_sectors) return std::unexpected(VirtioFault::bad_config);
    size_ = sectors * sector_size;
    return {};
}

bool HostDisk::claim(HostDiskOwner& owner) {
    const SpinGuard guard(lock_);
    if (owner_ != nullptr) return false;
    owner_ = &owner;
    return true;
}

void HostDisk::release() {
    const SpinGuard guard(lock_);
    owner_ = nullptr;
}

HostDisk::Slot* HostDisk::free_slot() {
    const auto found = std::ranges::find(slots_, nullptr, &Slot::token);
    return found == slots_.end() ? nullptr : &*found;
}

bool HostDisk::submit(const Request& request) {
    const SpinGuard guard(lock_);
    const bool is_nothing = request.type == RequestType::flush && !has_flush_;
    Slot* const slot = free_slot();
    if (slot == nullptr || !queue_.has_room(request.buffers.size() + descriptors_beside))
        return false;
    slot->token = request.token;
    if (!works_ || is_nothing) {  // without FLUSH what is written is stable (section 5.2.5)
        complete(*slot, works_ ? Status::ok : Status::ioerr);
        return true;
    }
    const bool in = request.type == RequestType::in;
    slot->type = request.type;
    slot->header = {static_cast<std::uint32_t>(request.type), 0, request.sector};
    slot->status = no_status;
    slot->bytes = 0;
    static_vector<DriverQueue::Segment, most_buffers + descriptors_beside> segments;
    segments.push_back({address_of(&slot->header), sizeof(slot->header), false});
    for (const std::span<std::byte> buffer : request.buffers) {
        segments.push_back(
            {address_of(buffer.data()), static_cast<std::uint32_t>(buffer.size()), in});
        if (in) slot->bytes += buffer.size();
    }
    segments.push_back({address_of(&slot->status), 1, true});
    queue_.add({segments.data(), segments.size()}, slot);
    if (queue_.wants_notification()) transport_.notify(request_queue);
    return true;
}

void HostDisk::complete(Slot& slot, Status status) {
    void* const token = std::exchange(slot.token, nullptr);
    if (owner_ != nullptr) owner_->completed(token, status);
}

/// A status that is none is an error, and so is one that says ok where not all was written.
void HostDisk::take_completed() {
    while (works_) {
        const auto used = queue_.take_used();
        if (!used) return give_up(to_string(used.error()));
        if (!*used) return;
        Slot& slot = *static_cast<Slot*>((*used)->token);
        const bool is_ok = slot.status == std::byte{0} && (*used)->written >= slot.bytes;
        complete(slot, is_ok ? Status::ok : Status::ioerr);
    }
}

/// A device that breaks the rules is reset before anything that it may still write to is given
/// away.
void HostDisk::give_up(std::string_view why) {
    works_ = false;
    transport_.stop();
    println("cairn: a disk of the machine's is left alone from here on: {}", why);
    for (Slot& slot : slots_)
        if (slot.token != nullptr) complete(slot, Status::ioerr);
}

void HostDisk::look() {
    const SpinGuard guard(lock_);
    take_completed();
}

void HostDisk::interrupted() {
    {
        const SpinGuard guard(lock_);
        (void)transport_.take_events();
        take_completed();
    }
    host_interrupts().finish(source_);
}

}  // namespace cairn
