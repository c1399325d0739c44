// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/dev/virtio/virtio_balloon.hpp"

#include <cstring>
#include <utility>

#include "kernel/arch/devices/virtio_device.hpp"

namespace cairn {
namespace {

using namespace virtio_balloon;

/// What a page, a statistic, and 2 MiB that go cost a turn, as if it copied so many bytes.
constexpr std::uint64_t page_cost = 256;
constexpr std::uint64_t stat_cost = 256;
constexpr std::uint64_t discard_cost = 8192;
/// At once.
constexpr std::uint64_t most_discarded = 2 << 20;

}  // namespace

std::uint32_t VirtioBalloon::device_id() const {
    return virtio::balloon_device_id;
}

std::uint64_t VirtioBalloon::features() const {
    return feature::must_tell_host | feature::stats_vq | feature::reporting;
}

/// What the driver says is in the balloon; Cairn counts for itself.
void VirtioBalloon::write_config(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (offset != offsetof(Config, actual) || bytes.size() != sizeof(config_.actual)) return;
    std::memcpy(&config_.actual, bytes.data(), bytes.size());
}

/// What makes room for the guest goes first.
bool VirtioBalloon::work(DmaTurn& turn, VirtioPort& port) {
    bool has_more = false;
    for (const std::size_t number :
         {deflate_queue, inflate_queue, stats_queue, reporting_queue - 1, reporting_queue}) {
        VirtQueue& queue = queues_[number];
        if (!queue.is_ready()) continue;
        if (turn.is_over()) return true;
        Answer more = true;
        while (more && *more && !turn.is_over())
            more = do_some(number, turn, port);
        const bool goes_on = end_work(queue, more, turn, port);
        if (!more) return false;
        has_more = has_more || goes_on;
    }
    return has_more;
}

/// A step; false where there is nothing to do, or it has to wait.
VirtioBalloon::Answer VirtioBalloon::do_some(std::size_t number, DmaTurn& turn, VirtioPort& port) {
    Request& request = requests_[number];
    const bool has_pages = number == inflate_queue || number == deflate_queue;
    const bool has_stats = number == stats_queue && (port.features() & feature::stats_vq) != 0;
    if (!request.is_there) {
        const Answer taken = queues_[number].take(turn, request.chain);
        if (!taken) return taken;
        if (!*taken) return queues_[number].await_more(turn);
        request.is_there = true;
        request.rest = has_pages || has_stats ? request.chain.readable() : request.chain.writable();
    }
    if (has_pages) return do_page(number, turn, port);
    return has_stats ? do_stat(number, turn) : do_report(number, turn);
}

/// A page that has to wait is asked for again in the next turn.
VirtioBalloon::Answer VirtioBalloon::do_page(std::size_t number, DmaTurn& turn, VirtioPort& port) {
    Request& request = requests_[number];
    std::uint32_t page_number = 0;
    if (request.rest.left() < sizeof(page_number)) return end(number, turn);
    BufferStream rest = request.rest;
    if (!take_bytes(rest, std::as_writable_bytes(std::span(&page_number, 1)), turn))
        return std::unexpected(RingFault::no_memory);
    turn.charge(page_cost);
    const GuestPhys page{std::uint64_t{page_number} << page_bits};
    if (number == inflate_queue) {
        if (memory_.put_in(page)) turn.charge(discard_cost);
    } else if (!memory_.take_out(page)) {
        if (!std::exchange(is_waiting_, true))
            port.complain(
                "its guest waits for memory that it gave back: the machine has none free");
        return false;
    }
    request.rest = rest;
    return true;
}

/// The buffer is the driver's again when somebody wants new ones.
VirtioBalloon::Answer VirtioBalloon::do_stat(std::size_t number, DmaTurn& turn) {
    Request& request = requests_[number];
    if (request.rest.left() < stat_size) {
        if (!std::exchange(wants_stats_, false)) return false;
        return end(number, turn);
    }
    std::array<std::byte, stat_size> stat{};
    if (!take_bytes(request.rest, stat, turn)) return std::unexpected(RingFault::no_memory);
    turn.charge(stat_cost);
    StatTag tag{};
    std::uint64_t value = 0;
    std::memcpy(&tag, stat.data(), sizeof(tag));
    std::memcpy(&value, stat.data() + sizeof(tag), sizeof(value));
    switch (tag) {
        case StatTag::memfree: stats_.free = value; break;
        case StatTag::memtot: stats_.total = value; break;
        case StatTag::avail: stats_.available = value; break;
        case StatTag::caches: stats_.caches = value; break;
    }
    return true;
}

VirtioBalloon::Answer VirtioBalloon::do_report(std::size_t number, DmaTurn& turn) {
    Request& request = requests_[number];
    if (request.rest.left() == 0) return end(number, turn);
    const std::uint64_t begin = request.rest.front(1).base.value;
    const GuestRange part = request.rest.front(most_discarded - begin % most_discarded);
    memory_.discard(part);
    turn.charge(discard_cost);
    request.rest.advance(part.size);
    return true;
}

VirtioBalloon::Answer VirtioBalloon::end(std::size_t number, DmaTurn& turn) {
    requests_[number].is_there = false;
    if (number == deflate_queue) is_waiting_ = false;
    const auto given = queues_[number].give_back(turn, requests_[number].chain.token(), 0);
    if (!given) return std::unexpected(given.error());
    return true;
}

void VirtioBalloon::forget(const VirtQueue& queue) {
    const auto number = static_cast<std::size_t>(&queue - queues_.data());
    requests_[number].is_there = false;
    if (number == deflate_queue) is_waiting_ = false;
    if (number == stats_queue) {
        wants_stats_ = false;
        stats_ = {};
    }
    if (number != inflate_queue) return;
    config_.actual = 0;
    memory_.empty();
}

}  // namespace cairn
