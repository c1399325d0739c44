// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
#include "kernel/dev/virtio/disk_overlay.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cairn {
namespace {

constexpr std::uint64_t word_bits = 64;
constexpr std::uint64_t all_of_word = ~std::uint64_t{0};
constexpr std::uint64_t words_of_page = OverlayArea::page_size / 8;
/// Of a turn.
constexpr std::uint64_t most_copied = 64 << 10;
/// What a step costs beside its bytes, as if it copied so many; and to look at one sector or word.
constexpr std::uint64_t step_cost = 256;
constexpr std::uint64_t look_cost = 32;
/// A read of more sectors goes to the disk without a look at the bitmap.
constexpr std::uint64_t most_looked_at = 1 << 13;

/// Those of the sectors from `sector` up to `end` whose bits lie in the first one's word.
struct BitsOfWord {
    BitsOfWord(std::uint64_t sector, std::uint64_t end)
        : word(sector / word_bits),
          count(std::min(word_bits - sector % word_bits, end - sector)),
          mask(all_of_word >> (word_bits - count) << sector % word_bits) {}

    std::uint64_t word;
    std::uint64_t count;
    std::uint64_t mask;
};

}  // namespace

void DiskOverlay::Pending::completed(virtio_block::Status how) {
    status_ = how;
    const auto number = static_cast<unsigned>(this - overlay_->requests_.data());
    overlay_->completed_.fetch_or(Bits{1} << number, std::memory_order_release);
    overlay_->owner_.want_turn();
}

bool DiskOverlay::submit(const Request& request) {
    const auto found = std::ranges::find(of_guest(), State::free, &Pending::state_);
    if (found == of_guest().end()) return false;
    Pending& taken = *found;
    std::uint64_t bytes = 0;
    taken.buffers_.clear();
    for (const std::span<std::byte> buffer : request.buffers) {
        taken.buffers_.push_back(buffer);
        bytes += buffer.size();
    }
    taken.operation_ = request.operation;
    taken.sector_ = request.sector;
    taken.sectors_ = request.sectors + bytes / sector_size;
    taken.unmaps_ = request.unmaps;
    taken.whose_ = request.completion;
    taken.copied_ = 0;
    taken.is_stale_ = false;
    is_closed_ = false;
    if (request.operation == Operation::flush) {
        taken.state_ = State::syncing;
        if (step_ == Step::idle) begin_sync();
    } else if (request.operation == Operation::read &&
               !may_be_written(taken.sector_, taken.sectors_)) {
        copy_some(taken);
    } else {
        send(taken);
    }
    return true;
}

void DiskOverlay::look() {
    disk_.look();
    carry_on();
}

void DiskOverlay::carry_on() {
    budget_ = most_copied;
    if (completed_.load(std::memory_order_relaxed) != 0)
        over_ |= completed_.exchange(0, std::memory_order_acquire);
    for (; over_ != 0 && budget_ != 0; over_ &= over_ - 1)
        over(requests_[static_cast<std::size_t>(std::countr_zero(over_))]);
    if (over_ != 0) owner_.want_turn();
    for (Pending& request : requests_) {
        if (request.state_ == State::ready) send(request);
        if (request.state_ == State::copying) copy_some(request);
    }
}

/// To the disk; where that has no room, it is ready to be sent again in another turn.
void DiskOverlay::send(Pending& request) {
    const bool has_buffers = !request.buffers_.empty();
    const std::uint64_t data = &request == &own() ? 0 : area_.size() / sector_size;
    request.state_ = State::at_disk;
    const bool taken =
        disk_.submit({.operation = request.operation_,
                      .sector = data + request.sector_,
                      .buffers = {request.buffers_.data(), request.buffers_.size()},
                      .completion = &request,
                      .sectors = has_buffers ? 0 : static_cast<std::uint32_t>(request.sectors_),
                      .unmaps = request.unmaps_});
    if (!taken) request.state_ = State::ready;
}

void DiskOverlay::end(Pending& request, Status status) {
    request.state_ = State::free;
    request.whose_->completed(status);
}

/// The disk has completed it. What is discarded may be anything, and so may stay what it was.
void DiskOverlay::over(Pending& request) {
    if (&request == &own()) {
        request.state_ = State::free;
        if (step_ <= Step::idle) return;  // who opens it asks for it
        if (request.status_ != Status::ok || step_ == Step::flushing_bits)
            return end_sync(request.status_);
        return write_next_pages();
    }
    if (request.status_ == Status::ok) {
        if (request.operation_ == Operation::read) return copy_some(request);
        if (request.operation_ != Operation::discard)
            note_written(request.sector_, request.sectors_);
    }
    end(request, request.status_);
}

bool DiskOverlay::may_be_written(std::uint64_t sector, std::uint64_t sectors) const {
    if (sectors > most_looked_at) return true;
    for (std::uint64_t at = sector; at < sector + sectors;) {
        const BitsOfWord bits(at, sector + sectors);
        if ((written_[bits.word] & bits.mask) != 0) return true;
        at += bits.count;
    }
    return false;
}

void DiskOverlay::note_written(std::uint64_t sector, std::uint64_t sectors) {
    bool is_first = false;
    for (std::uint64_t at = sector; at < sector + sectors;) {
        const BitsOfWord bits(at, sector + sectors);
        at += bits.count;
        charge(look_cost);
        if ((~written_[bits.word] & bits.mask) == 0) continue;
        const std::uint64_t page = bits.word / words_of_page;
        if ((pages_[page] & uncopied) != 0) copy_page(page);
        written_[bits.word] |= bits.mask;
        pages_[page] |= changed;
        is_first = true;
    }
    if (!is_first) return;
    for (Pending& other : of_guest()) {
        if (other.sector_ < sector + sectors && sector < other.sector_ + other.sectors_)
            other.is_stale_ = true;
    }
}

/// Puts what is the image's over what the disk has given, if that was asked.
void DiskOverlay::copy_some(Pending& request) {
    request.state_ = State::copying;
    while (request.copied_ < request.sectors_) {
        if (budget_ == 0) return owner_.want_turn();
        const std::uint64_t at = request.sector_ + request.copied_;
        const std::uint64_t left = request.sectors_ - request.copied_;
        const std::uint64_t most = std::min(left, budget_ / sector_size + 1);
        std::uint64_t run = 0;
        if (at % word_bits == 0 && written_[at / word_bits] == all_of_word) {
            run = std::min(left, word_bits);
        } else if (is_written(at)) {
            run = 1;
        } else {
            while (run < most && !is_written(at + run))
                ++run;
            put(request, run);
            charge(run * sector_size + step_cost);
        }
        charge(look_cost);
        request.copied_ += run;
    }
    if (!request.is_stale_) return end(request, Status::ok);
    request.is_stale_ = false;
    request.copied_ = 0;
    send(request);
}

/// So many sectors of the image behind those that are copied.
void DiskOverlay::put(const Pending& request, std::uint64_t sectors) {
    std::uint64_t skip = request.copied_ * sector_size;
    auto rest =
        image_.subspan((request.sector_ + request.copied_) * sector_size, sectors * sector_size);
    for (std::span<std::byte> buffer : request.buffers_) {
        const std::uint64_t skipped = std::min<std::uint64_t>(skip, buffer.size());
        skip -= skipped;
        buffer = buffer.subspan(skipped);
        const std::size_t part = std::min(buffer.size(), rest.size());
        if (part != 0) std::memcpy(buffer.data(), rest.data(), part);
        rest = rest.subspan(part);
    }
}

}  // namespace cairn
