// SPDX-License-Identifier: MIT
// Compiled: small. Guests seldom ask for it.
// How the overlay on a disk is found or begun, and kept in step with what is written.
#include <algorithm>
#include <cstring>
#include <memory>
#include <type_traits>

#include "kernel/dev/virtio/disk_overlay.hpp"

namespace cairn {

namespace {
/// Pages of the bitmap that are written at once.
constexpr std::uint64_t most_pages = 16;
}  // namespace

using Opened = std::expected<bool, OverlayFault>;

std::expected<void, OverlayFault> DiskOverlay::check_disk() const {
    const std::uint32_t block = disk_.block_size();
    if (disk_.is_read_only()) return std::unexpected(OverlayFault::read_only);
    if (disk_.size() < OverlayArea{image_.size()}.disk_size())
        return std::unexpected(OverlayFault::too_small);
    if (block > OverlayArea::page_size || image_.size() % block != 0)
        return std::unexpected(OverlayFault::blocks);
    return {};
}

/// The area, the bitmap, the requests, and a byte for each page of the bitmap.
void DiskOverlay::take_memory(std::span<std::byte> room) {
    const auto take = [&room]<class T>(T* /*kind*/, std::uint64_t count) {
        T* const first = reinterpret_cast<T*>(room.data());
        room = room.subspan(count * sizeof(T));
        return std::span<T>(first, count);
    };
    const OverlayArea area{image_.size()};
    area_ = take(static_cast<std::byte*>(nullptr), area.size());
    written_ =
        take(static_cast<std::uint64_t*>(nullptr), area.pages() * OverlayArea::page_size / 8);
    requests_ = take(static_cast<Pending*>(nullptr), requests);
    pages_ = take(static_cast<std::uint8_t*>(nullptr), area.pages());
    static_assert(std::is_trivially_destructible_v<Pending>);
    for (Pending& request : requests_)
        std::construct_at(&request)->overlay_ = this;
}

Opened DiskOverlay::open_some() {
    if (step_ == Step::hashing) return hash_some();
    if (step_ >= Step::idle) return true;
    look();
    if (own().state_ != State::free) return false;
    if (own().status_ != Status::ok) return std::unexpected(OverlayFault::failing);
    if (step_ == Step::reading_area) return take_area();
    if (step_ == Step::writing_header) {
        send_own(Step::flushing_header, Operation::flush);
        return false;
    }
    step_ = Step::idle;
    return true;
}

/// A piece of the image, or the disk is read.
Opened DiskOverlay::hash_some() {
    constexpr std::uint64_t piece = 64 << 10;
    const auto rest = image_.subspan(hashed_);
    const auto next = rest.first(std::min<std::uint64_t>(rest.size(), piece));
    hash_.add(next);
    hashed_ += next.size();
    if (hashed_ == image_.size()) send_own(Step::reading_area, Operation::read, area_);
    return false;
}

Opened DiskOverlay::take_area() {
    const auto is_there = check_overlay(area_, image_.size(), hash_.value());
    if (!is_there) return is_there;
    if (*is_there) {
        std::memcpy(written_.data(), page_in_area(0).data(), written_.size_bytes());
        step_ = Step::idle;
        return true;
    }
    write_overlay_header(area_, image_.size(), hash_.value());
    send_own(Step::writing_header, Operation::write, area_.first(OverlayArea::page_size));
    return false;
}

void DiskOverlay::send_own(Step step, Operation operation, std::span<std::byte> buffer,
                           std::uint64_t sector) {
    step_ = step;
    own().operation_ = operation;
    own().sector_ = sector;
    own().buffers_.clear();
    if (!buffer.empty()) own().buffers_.push_back(buffer);
    send(own());
}

void DiskOverlay::begin_sync() {
    for (std::uint8_t& page : pages_) {
        if ((page & changed) != 0) page = in_sync | uncopied;
    }
    in_sync_ = 0;
    for (std::size_t n = 0; n < of_guest().size(); ++n) {
        if (requests_[n].state_ == State::syncing) in_sync_ |= Bits{1} << n;
    }
    next_page_ = 0;
    send_own(Step::flushing_data, Operation::flush);
}

void DiskOverlay::copy_page(std::uint64_t page) {
    std::memcpy(page_in_area(page).data(), &written_[page * OverlayArea::page_size / 8],
                OverlayArea::page_size);
    pages_[page] &= static_cast<std::uint8_t>(~uncopied);
    charge(OverlayArea::page_size);
}

/// Those of the sync that follow each other, and behind the last the disk is flushed.
void DiskOverlay::write_next_pages() {
    const auto is_next = [&](std::uint64_t page) {
        return page < pages_.size() && (pages_[page] & in_sync) != 0;
    };
    while (next_page_ < pages_.size() && !is_next(next_page_))
        ++next_page_;
    if (next_page_ == pages_.size()) {
        if (step_ == Step::flushing_data) return end_sync(Status::ok);  // there was none
        return send_own(Step::flushing_bits, Operation::flush);
    }
    const std::uint64_t first = next_page_;
    for (; is_next(next_page_) && next_page_ - first < most_pages; ++next_page_) {
        if ((pages_[next_page_] & uncopied) != 0) copy_page(next_page_);
    }
    send_own(Step::writing_bits, Operation::write,
             area_.subspan((1 + first) * OverlayArea::page_size,
                           (next_page_ - first) * OverlayArea::page_size),
             (1 + first) * (OverlayArea::page_size / sector_size));
}

/// Pages that may not be on the disk are another sync's.
void DiskOverlay::end_sync(Status status) {
    for (std::uint8_t& page : pages_) {
        if ((page & in_sync) == 0) continue;
        page = status == Status::ok ? page & changed : changed;
    }
    step_ = Step::idle;
    bool is_wanted = false;
    for (std::size_t n = 0; n < of_guest().size(); ++n) {
        Pending& request = requests_[n];
        if ((in_sync_ >> n & 1) != 0) {
            end(request, status);
        } else {
            is_wanted = is_wanted || request.state_ == State::syncing;
        }
    }
    in_sync_ = 0;
    if (is_wanted) begin_sync();
}

bool DiskOverlay::lets_go() {
    look();
    if (requests_.empty()) return true;
    const auto has_changed = [](std::uint8_t page) { return (page & changed) != 0; };
    if (step_ == Step::idle && !is_closed_) {
        is_closed_ = true;
        if (std::ranges::any_of(pages_, has_changed)) begin_sync();
    }
    return own().state_ == State::free && step_ <= Step::idle;
}

}  // namespace cairn
