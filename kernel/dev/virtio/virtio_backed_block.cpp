// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_backed_block.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {
namespace {

namespace feature = virtio_block::feature;
using virtio_block::BlockRequest;
using virtio_block::RequestType;
using virtio_block::sector_size;

/// A buffer of the guest's may lie in two pieces of the machine's memory, which few do.
constexpr std::uint32_t most_parted = 9;
/// What a step costs beside its bytes, as if it copied so many.
constexpr std::uint64_t step_cost = 256;
/// Of one discard or write-zeroes: 64 MiB, for a reset waits for 16 of them.
constexpr std::uint32_t most_zeroed_sectors = 1 << 17;

}  // namespace

VirtioBackedBlock::VirtioBackedBlock(BlockBackend& backend, TurnOwner& owner, std::uint32_t queues)
    : backend_(backend), owner_(owner), queues_(queues) {
    config_.capacity = backend.size() / sector_size;
    config_.seg_max = backend.buffer_limit() - most_parted;
    config_.blk_size = backend.block_size();
    config_.num_queues = queues_.count();
    const auto limits =
        backend.is_read_only() ? virtio_block::ZeroingLimits{} : backend.zeroing_limits();
    config_.max_discard_sectors = std::min(limits.max_discard_sectors, most_zeroed_sectors);
    config_.max_discard_seg = config_.max_discard_sectors != 0 ? 1 : 0;
    config_.discard_sector_alignment = limits.discard_sector_alignment;
    config_.max_write_zeroes_sectors =
        std::min(limits.max_write_zeroes_sectors, most_zeroed_sectors);
    config_.max_write_zeroes_seg = config_.max_write_zeroes_sectors != 0 ? 1 : 0;
    config_.write_zeroes_may_unmap = limits.write_zeroes_may_unmap ? 1 : 0;
    for (Slot& slot : slots_)
        slot.device = this;
}

std::uint32_t VirtioBackedBlock::device_id() const {
    return virtio::block_device_id;
}

std::uint64_t VirtioBackedBlock::features() const {
    return feature::seg_max | feature::blk_size | feature::flush |
           (queues_.count() > 1 ? feature::mq : 0) | (backend_.is_read_only() ? feature::ro : 0) |
           (config_.max_discard_sectors != 0 ? feature::discard : 0) |
           (config_.max_write_zeroes_sectors != 0 ? feature::write_zeroes : 0);
}

void VirtioBackedBlock::Slot::completed(Status how) {
    status = how;
    const auto number = static_cast<unsigned>(this - device->slots_.data());
    device->done_.fetch_or(Slots{1} << number, std::memory_order_release);
    device->owner_.want_turn();
}

void VirtioBackedBlock::room_again() {
    may_have_room_.store(true, std::memory_order_release);
    owner_.want_turn();
}

/// What has ended goes first: it makes room.
bool VirtioBackedBlock::work(DmaTurn& turn, VirtioPort& port) {
    if (may_have_room_.load(std::memory_order_relaxed)) {
        may_have_room_.store(false, std::memory_order_relaxed);
        building_.is_held_back = false;
    }
    backend_.carry_on();
    Answer more = true;
    do {  // some are completed as they are submitted
        more = give_back_done(turn, port);
        if (more) more = do_some(turn, port);
    } while (more && *more && !turn.is_over());
    return queues_.end_work(more, turn, port);
}

VirtioBackedBlock::Answer VirtioBackedBlock::give_back_done(DmaTurn& turn, VirtioPort& port) {
    Slots done = done_.load(std::memory_order_relaxed);
    if (done != 0) done = done_.exchange(0, std::memory_order_acquire);
    used_ &= ~done;
    for (; done != 0; done &= done - 1) {
        Slot& slot = slots_[static_cast<std::size_t>(std::countr_zero(done))];
        if (slot.status == Status::ioerr) port.complain("the machine's disk reports an error");
        slot.hold.end();
        building_.is_held_back = false;
        const bool is_ok = slot.status == Status::ok;
        const Done given = give_back(
            turn, {slot.queue, slot.token, slot.status_at, slot.status, is_ok ? slot.written : 0});
        if (!given) return std::unexpected(given.error());
    }
    return true;
}

/// Whether there is more to do at once.
VirtioBackedBlock::Answer VirtioBackedBlock::do_some(DmaTurn& turn, VirtioPort& /*port*/) {
    if (building_.is_held_back) return false;
    if (building_.is_there) return find_buffers(turn);
    if (!has_free_slot()) return false;
    const Answer taken = queues_.take(turn, chain_);
    return taken && *taken ? begin(turn) : taken;
}

VirtioBackedBlock::Answer VirtioBackedBlock::begin(DmaTurn& turn) {
    building_ = {};
    buffers_.clear();
    BufferStream readable = chain_.readable();
    BufferStream writable = chain_.writable();
    if (readable.left() < sizeof(BlockRequest) || writable.left() == 0)
        return std::unexpected(RingFault::too_short);
    building_.status_at = writable.take_last();
    BlockRequest header{};
    if (!take_value(readable, header, turn)) return std::unexpected(RingFault::no_memory);
    switch (static_cast<RequestType>(header.type)) {
        case RequestType::in: return begin_transfer(turn, true, writable, header.sector);
        case RequestType::out: return begin_transfer(turn, false, readable, header.sector);
        case RequestType::flush: building_.is_there = true; return true;
        case RequestType::get_id: return tell_id(turn, writable);
        case RequestType::discard: return begin_zeroing(turn, true, readable);
        case RequestType::write_zeroes: return begin_zeroing(turn, false, readable);
    }
    return end(turn, Status::unsupp);
}

VirtioBackedBlock::Answer VirtioBackedBlock::begin_transfer(DmaTurn& turn, bool in,
                                                            BufferStream data,
                                                            std::uint64_t sector) {
    const std::uint64_t sectors = backend_.size() / sector_size;
    const std::uint64_t bytes = data.left();
    const bool fits =
        bytes % sector_size == 0 && sector <= sectors && bytes / sector_size <= sectors - sector;
    if (!fits || (!in && backend_.is_read_only())) return end(turn, Status::ioerr);
    if (bytes == 0) return end(turn, Status::ok);
    building_.is_there = true;
    building_.operation = in ? BlockBackend::Operation::read : BlockBackend::Operation::write;
    building_.sector = sector;
    building_.data = data;
    building_.hold = turn.hold();
    building_.written = in ? static_cast<std::uint32_t>(bytes) : 0;
    return true;
}

/// Section 5.2.6: of a device that has not offered it, it is a request that is not known. The range
/// is copied out, and so is what was checked.
VirtioBackedBlock::Answer VirtioBackedBlock::begin_zeroing(DmaTurn& turn, bool discards,
                                                           BufferStream data) {
    const std::uint32_t most =
        discards ? config_.max_discard_sectors : config_.max_write_zeroes_sectors;
    virtio_block::BlockRange range{};
    if (most == 0 || data.left() != sizeof(range)) return end(turn, Status::unsupp);
    if (!take_value(data, range, turn)) return end(turn, Status::ioerr);
    const std::uint32_t known = discards ? 0 : virtio_block::range_unmap;
    if ((range.flags & ~known) != 0) return end(turn, Status::unsupp);
    const std::uint64_t sectors = backend_.size() / sector_size;
    if (range.sectors > most || range.sector > sectors || range.sectors > sectors - range.sector)
        return end(turn, Status::ioerr);
    if (range.sectors == 0) return end(turn, Status::ok);
    building_.is_there = true;
    building_.operation =
        discards ? BlockBackend::Operation::discard : BlockBackend::Operation::write_zeroes;
    building_.sector = range.sector;
    building_.sectors = range.sectors;
    building_.unmaps = range.flags != 0;
    return true;
}

/// Section 5.2.6: no more than `id_size` bytes, with zeroes behind a shorter id.
VirtioBackedBlock::Answer VirtioBackedBlock::tell_id(DmaTurn& turn, BufferStream to) {
    std::array<char, virtio_block::id_size> padded{};
    std::ranges::copy(backend_.id().substr(0, padded.size()), padded.begin());
    std::span<const std::byte> rest = std::as_bytes(std::span(padded));
    std::uint32_t written = 0;
    while (!rest.empty() && to.left() != 0) {
        const GuestRange part = to.front(rest.size());
        if (!turn.copy_in(part.base, rest.first(part.size))) return end(turn, Status::ioerr);
        to.advance(part.size);
        written += static_cast<std::uint32_t>(part.size);
        rest = rest.subspan(part.size);
    }
    return end(turn, Status::ok, written);
}

/// One more piece of the guest's memory, or the request is submitted.
VirtioBackedBlock::Answer VirtioBackedBlock::find_buffers(DmaTurn& turn) {
    BufferStream& data = building_.data;
    if (data.left() == 0) {
        building_.is_held_back = !submit();
        building_.is_there = building_.is_held_back;
        turn.charge(step_cost);
        return !building_.is_held_back;
    }
    const auto piece = turn.piece(data.front(data.left()));
    if (piece.empty() || !add_buffer(piece)) return end(turn, Status::ioerr);
    turn.charge(step_cost);
    data.advance(piece.size());
    return true;
}

/// A piece ends where memory is not ready yet: what follows in the machine's memory belongs to it.
bool VirtioBackedBlock::add_buffer(std::span<std::byte> piece) {
    constexpr std::size_t longest = std::size_t{1} << 31;  // lengths are of 32 bits
    if (!buffers_.empty()) {
        auto& last = buffers_.back();
        if (last.data() + last.size() == piece.data() && last.size() + piece.size() <= longest) {
            last = {last.data(), last.size() + piece.size()};
            return true;
        }
    }
    return buffers_.try_push_back(piece) != nullptr;
}

/// False where the backend has no room: it is tried again when a request has been given back.
bool VirtioBackedBlock::submit() {
    const int number = std::countr_one(used_);
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    slot.queue = queues_.taken_from();
    slot.token = chain_.token();
    slot.status_at = building_.status_at;
    slot.written = building_.written + 1;
    slot.hold = std::move(building_.hold);
    used_ |= Slots{1} << number;
    const bool taken = backend_.submit({.operation = building_.operation,
                                        .sector = building_.sector,
                                        .buffers = {buffers_.data(), buffers_.size()},
                                        .completion = &slot,
                                        .sectors = building_.sectors,
                                        .unmaps = building_.unmaps});
    if (taken) return true;
    building_.hold = std::move(slot.hold);
    used_ &= ~(Slots{1} << number);
    return false;
}

/// What has been begun is over before the backend has seen it.
VirtioBackedBlock::Answer VirtioBackedBlock::end(DmaTurn& turn, Status status,
                                                 std::uint32_t written) {
    const GuestPhys status_at = building_.status_at;
    building_ = {};
    const Done given =
        give_back(turn, {queues_.taken_from(), chain_.token(), status_at, status, written});
    if (!given) return std::unexpected(given.error());
    return true;
}

/// Section 2.7.8: what is written counts from the first byte on, so the status is among it only
/// where all before it is written: `written` says so.
VirtioBackedBlock::Done VirtioBackedBlock::give_back(DmaTurn& turn, const Over& over) {
    if (!turn.store(over.status_at, over.status)) return std::unexpected(RingFault::no_memory);
    return queues_[over.queue].give_back(turn, over.token, over.written);
}

/// Of other queues as well.
bool VirtioBackedBlock::lets_go() {
    if (is_anything_in_flight()) backend_.look();
    return !is_anything_in_flight() && backend_.lets_go();
}

/// Of what is over.
void VirtioBackedBlock::drop(Slots slots) {
    used_ &= ~slots;
    done_.fetch_and(~slots, std::memory_order_relaxed);
    for (; slots != 0; slots &= slots - 1)
        slots_[static_cast<std::size_t>(std::countr_zero(slots))].hold.end();
}

/// What other queues had in flight is over as well: a turn that is wanted gives it back.
void VirtioBackedBlock::forget(const VirtQueue& queue) {
    const std::uint8_t number = queues_.number_of(queue);
    Slots of_queue = 0;
    for (std::size_t n = 0; n < slots_.size(); ++n)
        if (slots_[n].queue == number) of_queue |= Slots{1} << n;
    drop(used_ & of_queue);
    if (queues_.taken_from() == number) building_ = {};
}

}  // namespace cairn
