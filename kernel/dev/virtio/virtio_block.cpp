// SPDX-License-Identifier: MIT
#include "kernel/dev/virtio/virtio_block.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <cairn/bits.hpp>
#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {
namespace {

namespace feature = virtio_block::feature;
using virtio_block::BlockRange;
using virtio_block::BlockRequest;
using virtio_block::RequestType;
using virtio_block::sector_size;

/// Header and status of a request have descriptors of their own.
constexpr std::uint32_t most_segments = VirtQueue::max_size - 2;
/// Of one discard or write-zeroes: 2 GiB, in turns.
constexpr std::uint32_t most_zeroed_sectors = 1 << 22;
/// Zeroes are kept by blocks of a page: what is aligned to them takes no memory.
constexpr std::uint32_t zeroed_alignment = 8;

/// What a step costs beside its bytes, as if it copied so many.
constexpr std::uint64_t step_cost = 256;
/// Bytes that are zeroed, which is to say marked, for one that a turn is charged.
constexpr std::uint64_t zeroed_per_byte = 8;

virtio_block::Config config_of(const BlockStore& store) {
    virtio_block::Config config{};
    config.capacity = store.size() / sector_size;
    config.seg_max = most_segments;
    config.blk_size = sector_size;
    if (!store.is_read_only()) {
        config.max_discard_sectors = config.max_write_zeroes_sectors = most_zeroed_sectors;
        config.max_discard_seg = config.max_write_zeroes_seg = 1;
        config.discard_sector_alignment = zeroed_alignment;
        config.write_zeroes_may_unmap = 1;
    }
    return config;
}

}  // namespace

VirtioBlock::VirtioBlock(BlockStore& store, std::uint32_t queues)
    : store_(store), config_(config_of(store)), queues_(queues) {
    config_.num_queues = queues_.count();
}

std::uint32_t VirtioBlock::device_id() const {
    return virtio::block_device_id;
}

std::uint64_t VirtioBlock::features() const {
    return feature::seg_max | feature::blk_size | feature::flush |
           (queues_.count() > 1 ? feature::mq : 0) |
           (store_.is_read_only() ? feature::ro : feature::discard | feature::write_zeroes);
}

void VirtioBlock::forget(const VirtQueue& queue) {
    if (queues_.number_of(queue) == queues_.taken_from()) request_ = {};
}

bool VirtioBlock::work(DmaTurn& turn, VirtioPort& port) {
    Answer more = true;
    while (more && *more && !turn.is_over())
        more = do_some(turn, port);
    return queues_.end_work(more, turn, port);
}

/// Takes a request, carries it on, or gives it back; false where there is none.
VirtQueue::Answer VirtioBlock::do_some(DmaTurn& turn, VirtioPort& port) {
    const auto go_on = [](const Done& done) -> Answer {
        return done ? Answer(true) : std::unexpected(done.error());
    };
    if (request_.phase == Phase::done) return go_on(give_back(turn));
    if (request_.phase != Phase::idle) {
        if (!carry_on(turn)) {
            port.complain(
                "a request fails for want of memory; the boot option quota=SIZE may give the VM "
                "more");
            end_with(Status::ioerr);
        }
        return true;
    }
    const Answer taken = queues_.take(turn, chain_);
    return taken && *taken ? go_on(begin(turn)) : taken;
}

VirtioBlock::Done VirtioBlock::begin(DmaTurn& turn) {
    request_ = {};
    request_.readable = chain_.readable();
    request_.writable = chain_.writable();
    if (request_.readable.left() < sizeof(BlockRequest) || request_.writable.left() == 0)
        return std::unexpected(RingFault::too_short);
    request_.status_at = request_.writable.take_last();
    request_.phase = Phase::done;
    BlockRequest header{};
    if (!take_value(request_.readable, header, turn)) return std::unexpected(RingFault::no_memory);
    begin_of(static_cast<RequestType>(header.type), header.sector, turn);
    return {};
}

/// Section 5.2.6 "Device Operation".
void VirtioBlock::begin_of(RequestType type, std::uint64_t sector, DmaTurn& turn) {
    const bool read_only = store_.is_read_only();
    switch (type) {
        case RequestType::in:
            return begin_transfer(Phase::reading, sector, request_.writable.left());
        case RequestType::out:
            if (read_only) return end_with(Status::ioerr);
            return begin_transfer(Phase::writing, sector, request_.readable.left());
        case RequestType::flush: return;
        case RequestType::get_id: return tell_id(turn);
        case RequestType::discard:
        case RequestType::write_zeroes:
            if (read_only) break;
            return begin_zeroing(type == RequestType::discard, turn);
    }
    end_with(Status::unsupp);
}

void VirtioBlock::begin_transfer(Phase phase, std::uint64_t sector, std::uint64_t bytes) {
    const std::uint64_t sectors = store_.size() / sector_size;
    if (bytes % sector_size != 0 || sector > sectors || bytes / sector_size > sectors - sector)
        return end_with(Status::ioerr);
    request_.offset = sector * sector_size;
    request_.left = bytes;
    if (bytes != 0) request_.phase = phase;
}

void VirtioBlock::begin_zeroing(bool discards, DmaTurn& turn) {
    BlockRange range{};
    if (request_.readable.left() != sizeof(range)) return end_with(Status::unsupp);
    if (!take_value(request_.readable, range, turn)) return end_with(Status::ioerr);
    const std::uint32_t known = discards ? 0 : virtio_block::range_unmap;
    if ((range.flags & ~known) != 0) return end_with(Status::unsupp);
    if (range.sectors > most_zeroed_sectors) return end_with(Status::ioerr);
    begin_transfer(Phase::zeroing, range.sector, range.sectors * sector_size);
}

/// Section 5.2.6: no more than `id_size` bytes, with zeroes behind a shorter id.
void VirtioBlock::tell_id(DmaTurn& turn) {
    std::array<char, virtio_block::id_size> padded{};
    std::ranges::copy(store_.id().substr(0, padded.size()), padded.begin());
    std::span<const std::byte> rest = std::as_bytes(std::span(padded));
    while (!rest.empty() && request_.writable.left() != 0) {
        const GuestRange to = request_.writable.front(rest.size());
        if (!turn.copy_in(to.base, rest.first(to.size))) return end_with(Status::ioerr);
        request_.writable.advance(to.size);
        request_.written += to.size;
        rest = rest.subspan(to.size);
    }
}

/// False where there is no memory for it.
bool VirtioBlock::carry_on(DmaTurn& turn) {
    switch (request_.phase) {
        case Phase::reading: return read_some(turn);
        case Phase::writing: return write_some(turn);
        case Phase::zeroing: return zero_some(turn);
        case Phase::idle:
        case Phase::done: break;
    }
    return true;
}

bool VirtioBlock::read_some(DmaTurn& turn) {
    const auto to = turn.piece(request_.writable.front(turn.left()));
    if (to.empty()) return false;
    store_.read(request_.offset, to);
    turn.charge(to.size() + step_cost);
    request_.writable.advance(to.size());
    request_.written += to.size();
    moved(to.size());
    return true;
}

bool VirtioBlock::write_some(DmaTurn& turn) {
    const auto from = turn.piece(request_.readable.front(turn.left()));
    if (from.empty() || !store_.write(request_.offset, from)) return false;
    turn.charge(from.size() + step_cost);
    request_.readable.advance(from.size());
    moved(from.size());
    return true;
}

bool VirtioBlock::zero_some(DmaTurn& turn) {
    constexpr std::uint64_t whole = zeroed_alignment * sector_size;
    const std::uint64_t end = request_.offset + turn.left() * zeroed_per_byte;
    const std::uint64_t bytes =
        std::min(request_.left, align_down(end + whole - 1, whole) - request_.offset);
    if (!store_.zero(request_.offset, bytes)) return false;
    turn.charge(bytes / zeroed_per_byte + step_cost);
    moved(bytes);
    return true;
}

void VirtioBlock::moved(std::uint64_t bytes) {
    request_.offset += bytes;
    request_.left -= bytes;
    if (request_.left == 0) request_.phase = Phase::done;
}

void VirtioBlock::end_with(Status status) {
    request_.status = status;
    request_.phase = Phase::done;
}

/// Section 2.7.8: what is written counts from the first byte on, so the status is among it only
/// where all before it is written.
VirtioBlock::Done VirtioBlock::give_back(DmaTurn& turn) {
    if (!turn.store(request_.status_at, request_.status))
        return std::unexpected(RingFault::no_memory);
    const std::uint64_t written = request_.written + (request_.writable.left() == 0 ? 1 : 0);
    request_.phase = Phase::idle;
    return queues_[queues_.taken_from()].give_back(turn, chain_.token(),
                                                   static_cast<std::uint32_t>(written));
}

}  // namespace cairn
