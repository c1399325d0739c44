// SPDX-License-Identifier: MIT
// An image that never changes, and a disk that keeps what is written to it: a disk over a disk.
//
//     image       ├────┬────┬────┬────┬────┬────┤      in memory
//     bitmap        0    1    0    0    1    0         sector by sector: 1: it is on the disk
//     disk        ├ header, bitmap ├────┬────┬────┤    data at the image's own offsets
//
// A write goes to the disk; its bits are set in memory once it is there. A flush of the guest's is
// a sync: the disk is flushed; the pages of the bitmap that had changed when it began are written;
// the disk is flushed again. So a bit on the disk never comes without its sector, and
// whatever ends the machine, all that was flushed is found again. Flushes that come amid
// a sync wait for the next one, all of them together.
//
// A page that changes before its turn comes in a sync is first copied as it was. A read takes what
// the disk has, if any of it is there, and puts the image's sectors over it; where a sector was
// first written meanwhile it begins anew. No bit is ever unset, so that ends.
//
// What is copied in a turn is limited; nothing waits. Under its VM's device lock, but for the
// completions of the disk's requests, which are a bit each.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include <cairn/static_vector.hpp>
#include "kernel/dev/virtio/overlay_area.hpp"
#include "kernel/dev/virtio/virtio_backed_block.hpp"

namespace cairn {

class DiskOverlay final : public BlockBackend {
  public:
    /// A request under way.
    class Pending final : private BlockCompletion {
        friend class DiskOverlay;
        enum class State : std::uint8_t { free, ready, at_disk, copying, syncing };

        void completed(virtio_block::Status how) override;

        DiskOverlay* overlay_ = nullptr;
        Operation operation_{};
        State state_ = State::free;
        virtio_block::Status status_{};
        bool unmaps_ = false;
        bool is_stale_ = false;  ///< of a read: one of its sectors was first written meanwhile
        std::uint64_t sector_ = 0;
        std::uint64_t sectors_ = 0;
        std::uint64_t copied_ = 0;  ///< sectors of a read
        BlockCompletion* whose_ = nullptr;
        static_vector<std::span<std::byte>, most_buffers> buffers_;
    };
    /// Those of a device, and one of its own.
    static constexpr std::size_t requests = VirtioBackedBlock::most_in_flight + 1;

    /// Bytes of memory that one takes for an image of so many.
    [[nodiscard]] static constexpr std::uint64_t memory_for(std::uint64_t image_size) {
        const OverlayArea area{image_size};
        return area.size() + area.pages() * (OverlayArea::page_size + 1) + 8 +
               requests * sizeof(Pending);
    }

    /// All of these outlive it: `image`, whole sectors, and what `id` refers to as well.
    DiskOverlay(BlockBackend& disk, TurnOwner& owner, std::span<const std::byte> image,
                std::string_view id)
        : disk_(disk), owner_(owner), image_(image), id_(id) {}
    DiskOverlay(const DiskOverlay&) = delete;
    DiskOverlay& operator=(const DiskOverlay&) = delete;

    /// Whether the disk will do for the image.
    [[nodiscard]] std::expected<void, OverlayFault> check_disk() const;
    /// It has that memory, `memory_for` its image, zeroes at an address for anything, for as long
    /// as it lives. Of a disk that will do, before all else.
    void take_memory(std::span<std::byte> room);
    /// A piece of finding out what is on the disk, and of making it an overlay where that is
    /// nothing; whether all is done. Until then, and on a fault, it takes no request.
    [[nodiscard]] std::expected<bool, OverlayFault> open_some();

    [[nodiscard]] std::uint64_t size() const override { return image_.size(); }
    [[nodiscard]] bool is_read_only() const override { return false; }
    [[nodiscard]] std::uint32_t block_size() const override { return disk_.block_size(); }
    [[nodiscard]] std::uint32_t buffer_limit() const override { return disk_.buffer_limit(); }
    [[nodiscard]] virtio_block::ZeroingLimits zeroing_limits() const override {
        return disk_.zeroing_limits();
    }
    [[nodiscard]] std::string_view id() const override { return id_; }
    [[nodiscard]] bool submit(const Request& request) override;
    void look() override;
    /// The bitmap goes to the disk before, as far as that works.
    [[nodiscard]] bool lets_go() override;
    void carry_on() override;

  private:
    using State = Pending::State;
    using Status = virtio_block::Status;
    using Bits = std::uint32_t;
    static_assert(requests <= 8 * sizeof(Bits));
    static constexpr std::uint64_t sector_size = virtio_block::sector_size;

    /// What its own request is for.
    enum class Step : std::uint8_t {
        hashing,  // it is being opened: the image, without a request
        reading_area,
        writing_header,
        flushing_header,
        idle,  // it is open
        flushing_data,
        writing_bits,
        flushing_bits
    };
    // Of a page of the bitmap:
    static constexpr std::uint8_t changed = 1;   ///< since the last sync began
    static constexpr std::uint8_t in_sync = 2;   ///< changed before this one began
    static constexpr std::uint8_t uncopied = 4;  ///< and `area_` has not got it yet

    [[nodiscard]] Pending& own() { return requests_.back(); }
    [[nodiscard]] std::span<Pending> of_guest() { return requests_.first(requests_.size() - 1); }
    [[nodiscard]] std::span<std::byte> page_in_area(std::uint64_t page) {
        return area_.subspan((1 + page) * OverlayArea::page_size, OverlayArea::page_size);
    }
    void charge(std::uint64_t bytes) { budget_ -= bytes < budget_ ? bytes : budget_; }

    [[nodiscard]] bool is_written(std::uint64_t sector) const {
        return (written_[sector / 64] >> sector % 64 & 1) != 0;
    }
    [[nodiscard]] bool may_be_written(std::uint64_t sector, std::uint64_t sectors) const;
    void note_written(std::uint64_t sector, std::uint64_t sectors);
    void copy_page(std::uint64_t page);

    void send(Pending& request);
    void end(Pending& request, Status status);
    void over(Pending& request);
    void copy_some(Pending& request);
    void put(const Pending& request, std::uint64_t sectors);

    void send_own(Step step, Operation operation, std::span<std::byte> buffer = {},
                  std::uint64_t sector = 0);
    [[nodiscard]] std::expected<bool, OverlayFault> hash_some();
    [[nodiscard]] std::expected<bool, OverlayFault> take_area();
    void begin_sync();
    void write_next_pages();
    void end_sync(Status status);

    BlockBackend& disk_;
    TurnOwner& owner_;
    std::span<const std::byte> image_;
    std::string_view id_;
    std::span<Pending> requests_;
    std::span<std::byte> area_;         ///< as it is on the disk after this sync, or the last
    std::span<std::uint64_t> written_;  ///< the bitmap, as it is
    std::span<std::uint8_t> pages_;     ///< what is the matter with each page of it
    std::atomic<Bits> completed_ = 0;   ///< by the disk
    Bits over_ = 0;                     ///< of these, taken notice of, and not gone on with
    std::uint64_t budget_ = 0;          ///< bytes that may still be copied in this turn
    Step step_ = Step::hashing;
    bool is_closed_ = false;       ///< a sync has begun since its device's last request
    Bits in_sync_ = 0;             ///< requests whose flush this sync is
    std::uint64_t next_page_ = 0;  ///< of the sync
    ImageHash hash_;
    std::uint64_t hashed_ = 0;  ///< bytes of the image
};

}  // namespace cairn
