// SPDX-License-Identifier: MIT
#include "kernel/host/disks/host_disk.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <cairn/print.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {
namespace {

namespace feature = virtio_block::feature;
using virtio_block::RequestType;
using virtio_block::sector_size;
using virtio_block::Status;
using virtio_ring::Descriptor;

constexpr std::uint32_t request_queue = 0;
constexpr std::uint32_t least_entries = 128;  ///< of it
constexpr std::size_t most_disks = 8;
/// Of a disk: what is beyond could not be counted in bytes.
constexpr std::uint64_t most_sectors = ~std::uint64_t{0} / sector_size;
/// A block of more bytes is no disk's.
constexpr std::uint32_t most_block_size = 64 << 10;
/// What a device that has not written a status leaves there; no Status.
constexpr std::byte no_status{0xff};

constinit std::array<HostDisk, most_disks> disks;
constinit std::size_t disk_count = 0;

/// Descriptors of a request, one behind the other; there is room for them.
class TableWriter {
  public:
    explicit TableWriter(std::span<Descriptor> table) : table_(table) {}

    void add(const void* at, std::size_t size, bool writable) {
        constexpr unsigned more = virtio_ring::desc_next;
        table_[count_] = {
            .address = reinterpret_cast<std::uintptr_t>(at),
            .length = static_cast<std::uint32_t>(size),
            .flags = static_cast<std::uint16_t>(writable ? more | virtio_ring::desc_write : more),
            .next = static_cast<std::uint16_t>(count_ + 1)};
        ++count_;
    }
    [[nodiscard]] std::span<const Descriptor> finish() const {
        table_[count_ - 1].flags &= static_cast<std::uint16_t>(~virtio_ring::desc_next);
        return table_.first(count_);
    }

  private:
    std::span<Descriptor> table_;
    std::size_t count_ = 0;
};

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

HostDiskUser::Slot* HostDiskUser::free_slot() {
    const auto found = std::ranges::find(slots_, nullptr, &Slot::token);
    return found == slots_.end() ? nullptr : &*found;
}

std::expected<void, VirtioFault> HostDisk::start(VirtioRegisters& registers, HostSource source) {
    const SpinGuard guard(lock_);
    transport_ = VirtioTransport(registers);
    source_ = source;
    auto started = transport_.identify_and_negotiate(
        feature::ro | feature::blk_size | feature::flush | feature::discard |
        feature::write_zeroes | virtio::feature::ring_indirect_desc);
    if (started) started = read_config();
    if (started) started = transport_.add_queue(request_queue, queue_, least_entries);
    if (!started) return started;
    buffer_limit_ = queue_.size() - HostDiskUser::descriptors_beside;
    has_flush_ = (transport_.features() & feature::flush) != 0;
    has_tables_ = (transport_.features() & virtio::feature::ring_indirect_desc) != 0;
    transport_.go();
    works_ = true;
    return {};
}

/// What a device offers and has no figure for it has not.
std::expected<void, VirtioFault> HostDisk::read_config() {
    virtio_block::Config config{};
    transport_.read_config(0, std::as_writable_bytes(std::span(&config, 1)));
    const auto has = [features = transport_.features()](std::uint64_t bit) {
        return (features & bit) != 0;
    };
    sectors_ = config.capacity;
    block_size_ = has(feature::blk_size) ? config.blk_size : sector_size;
    if (sectors_ == 0 || sectors_ > most_sectors || block_size_ < sector_size ||
        block_size_ > most_block_size || !std::has_single_bit(block_size_))
        return std::unexpected(VirtioFault::bad_config);
    read_only_ = has(feature::ro);
    if (read_only_) return {};
    if (has(feature::discard) && config.max_discard_seg != 0) {
        zeroing_.max_discard_sectors = config.max_discard_sectors;
        zeroing_.discard_sector_alignment = config.discard_sector_alignment;
    }
    if (has(feature::write_zeroes) && config.max_write_zeroes_seg != 0) {
        zeroing_.max_write_zeroes_sectors = config.max_write_zeroes_sectors;
        zeroing_.write_zeroes_may_unmap = config.write_zeroes_may_unmap != 0;
    }
    return {};
}

std::string_view to_string(HostDisk::ClaimFault fault) {
    switch (fault) {
        case HostDisk::ClaimFault::taken: return "a VM has it already, or a part of it";
        case HostDisk::ClaimFault::too_many:
            return "as many VMs as can be have a part of that disk";
    }
    std::unreachable();
}

std::expected<void, HostDisk::ClaimFault> HostDisk::claim(HostDiskUser& user, DiskRange range) {
    const SpinGuard guard(lock_);
    for (const HostDiskUser* other = users_; other != nullptr; other = other->next_)
        if (!other->reads_alone_ && other->range_.overlaps(range))
            return std::unexpected(ClaimFault::taken);
    return add(user, range, false);
}

std::expected<void, HostDisk::ClaimFault> HostDisk::join_to_read(HostDiskUser& user) {
    const SpinGuard guard(lock_);
    return add(user, {0, sectors_}, true);
}

/// Where a request takes as many descriptors as it likes, one user could have them all.
std::expected<void, HostDisk::ClaimFault> HostDisk::add(HostDiskUser& user, DiskRange range,
                                                        bool reads_alone) {
    const std::uint32_t most_users = has_tables_ ? queue_.size() : 1;
    if (user_count_ == most_users) return std::unexpected(ClaimFault::too_many);
    user.range_ = range;
    user.reads_alone_ = reads_alone;
    user.next_ = std::exchange(users_, &user);
    ++user_count_;
    share_out();
    return {};
}

void HostDisk::release(HostDiskUser& user) {
    const SpinGuard guard(lock_);
    HostDiskUser** link = &users_;
    while (*link != &user)
        link = &(*link)->next_;
    *link = std::exchange(user.next_, nullptr);
    if (std::exchange(user.is_refused_, false)) --refused_;
    --user_count_;
    share_out();
    tell_of_room();
}

/// All shares together are no more than the queue has.
void HostDisk::share_out() {
    constexpr auto most = static_cast<std::uint32_t>(HostDiskUser::most_in_flight);
    share_ = user_count_ == 0 ? most : std::min(most, queue_.size() / user_count_);
}

bool HostDisk::has_room(const HostDiskUser& user, std::size_t buffers) const {
    const std::size_t descriptors = has_tables_ ? 1 : buffers + HostDiskUser::descriptors_beside;
    // Of a disk that is given up, all is answered at once, and nothing frees descriptors.
    return user.in_flight_ < share_ && (!works_ || queue_.has_room(descriptors));
}

bool HostDisk::may_submit(const HostDiskUser& user, const Request& request) const {
    const bool reads = request.type == RequestType::in || request.type == RequestType::flush;
    if (user.reads_alone_ && !reads) return false;
    if (request.buffers.size() > buffer_limit_) return false;
    std::uint64_t bytes = 0;
    for (const std::span<std::byte> buffer : request.buffers)
        bytes += buffer.size();
    return bytes % sector_size == 0 &&
           user.range_.holds(request.sector, request.sectors + bytes / sector_size);
}

bool HostDisk::submit(HostDiskUser& user, const Request& request) {
    const SpinGuard guard(lock_);
    end_reset();
    Slot* const slot = has_room(user, request.buffers.size()) ? user.free_slot() : nullptr;
    if (slot == nullptr) {
        if (!std::exchange(user.is_refused_, true)) ++refused_;
        return false;
    }
    slot->user = &user;
    slot->token = request.token;
    ++user.in_flight_;
    const bool is_nothing = request.type == RequestType::flush && !has_flush_;
    if (!works_ || !may_submit(user, request)) {
        complete(*slot, Status::ioerr);
    } else if (is_nothing) {  // without FLUSH what is written is stable (section 5.2.5)
        complete(*slot, Status::ok);
    } else {
        send(*slot, request);
    }
    return true;
}

/// The header's sector of a flush, a discard or a write-zeroes is 0 (section 5.2.6).
void HostDisk::send(Slot& slot, const Request& request) {
    const RequestType type = request.type;
    const bool in = type == RequestType::in;
    const std::uint64_t sector = slot.user->range_.first + request.sector;
    slot.header = {static_cast<std::uint32_t>(type), 0,
                   in || type == RequestType::out ? sector : 0};
    slot.status = no_status;
    slot.bytes = 0;
    TableWriter table(slot.table);
    table.add(&slot.header, sizeof(slot.header), false);
    if (type == RequestType::discard || type == RequestType::write_zeroes) {
        slot.range = {sector, request.sectors, request.unmaps ? virtio_block::range_unmap : 0};
        table.add(&slot.range, sizeof(slot.range), false);
    }
    for (const std::span<std::byte> buffer : request.buffers) {
        table.add(buffer.data(), buffer.size(), in);
        if (in) slot.bytes += buffer.size();
    }
    table.add(&slot.status, 1, true);
    if (has_tables_) {
        queue_.add_by_table(table.finish(), slot.bytes + 1, &slot);
    } else {
        add_by_descriptors(table.finish(), slot);
    }
    if (queue_.wants_notification()) transport_.notify(request_queue);
}

/// To a device that takes no tables.
void HostDisk::add_by_descriptors(std::span<const Descriptor> table, Slot& slot) {
    static_vector<DriverQueue::Segment, most_descriptors> segments;
    for (const Descriptor& each : table)
        segments.push_back(
            {{each.address}, each.length, (each.flags & virtio_ring::desc_write) != 0});
    queue_.add({segments.data(), segments.size()}, &slot);
}

void HostDisk::complete(Slot& slot, Status status) {
    void* const token = std::exchange(slot.token, nullptr);
    --slot.user->in_flight_;
    slot.user->completed(token, status);
    if (refused_ != 0) tell_of_room();
}

/// Of those that were refused, each that has some of its share left.
void HostDisk::tell_of_room() {
    for (HostDiskUser* user = users_; user != nullptr; user = user->next_) {
        if (!user->is_refused_ || user->in_flight_ >= share_) continue;
        user->is_refused_ = false;
        --refused_;
        user->room_again();
    }
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
    is_resetting_ = true;
    println("cairn: a disk of the machine's is left alone from here on: {}{}", why,
            unless_stopped(transport_.stop()));
    end_reset();
}

/// Section 2.4.2: until its status is 0, what is in flight is the device's.
void HostDisk::end_reset() {
    if (!is_resetting_ || !transport_.has_stopped()) return;
    is_resetting_ = false;
    for (HostDiskUser* user = users_; user != nullptr; user = user->next_)
        for (Slot& slot : user->slots_)
            if (slot.token != nullptr) complete(slot, Status::ioerr);
}

bool HostDisk::leave_alone(std::string_view why) {
    const SpinGuard guard(lock_);
    if (works_) give_up(why);
    return !is_resetting_;
}

void HostDisk::look() {
    const SpinGuard guard(lock_);
    take_completed();
    end_reset();
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
