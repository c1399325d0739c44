// SPDX-License-Identifier: MIT
// An overlay on the bench: a disk that forgets at a power cut what was not flushed, any of it; a
// guest that asks, and knows for each sector what may be there. What is done next is chosen by
// whoever runs it, a random generator or a fuzzer.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <vector>

#include <cairn/panic.hpp>
#include "kernel/dev/virtio/disk_overlay.hpp"

namespace cairn::test {

/// A number below the one that is given.
using Choice = std::function<std::uint64_t(std::uint64_t)>;

/// Requests wait until somebody has them completed, in any order.
class ForgetfulDisk final : public BlockBackend {
  public:
    using Sector = std::array<std::byte, 512>;

    explicit ForgetfulDisk(std::uint64_t bytes) : stable(bytes) {}
    std::uint64_t size() const override { return stable.size(); }
    bool is_read_only() const override { return read_only; }
    std::uint32_t block_size() const override { return blocks; }
    std::uint32_t buffer_limit() const override { return most_buffers; }
    virtio_block::ZeroingLimits zeroing_limits() const override {
        return {.max_discard_sectors = 64, .max_write_zeroes_sectors = 64};
    }
    std::string_view id() const override { return "host:0"; }
    bool submit(const Request& request) override {
        if (under_way.size() >= room) return false;
        std::uint64_t bytes = request.sectors * 512ull;
        for (const auto buffer : request.buffers)
            bytes += buffer.size();
        require(bytes % 512 == 0 && request.sector * 512 + bytes <= stable.size(),
                "a request lies on the disk");
        under_way.push_back(
            {request, {request.buffers.begin(), request.buffers.end()}, written.size()});
        return true;
    }
    void look() override {
        while (!under_way.empty())
            complete(0);
    }
    void complete(std::size_t which, bool fails = false) {
        const UnderWay done = under_way[which];
        under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(which));
        if (!fails) carry_out(done);
        done.request.completion->completed(fails ? virtio_block::Status::ioerr
                                                 : virtio_block::Status::ok);
    }
    /// Of what was not flushed some sectors are there, and some of what was under way.
    void cut_power(const Choice& choose) {
        for (const UnderWay& each : under_way)
            if (choose(2) != 0 && each.request.operation != Operation::read &&
                each.request.operation != Operation::flush)
                carry_out(each);
        for (const auto& [sector, content] : written)
            if (choose(2) != 0) put(sector, content);
        written.clear();
        under_way.clear();
    }
    Sector get(std::uint64_t sector) const {
        Sector content;
        std::memcpy(content.data(), &stable[sector * 512], 512);
        for (const auto& [at, newer] : written)
            if (at == sector) content = newer;
        return content;
    }

    std::vector<std::byte> stable;
    std::size_t room = 16;
    std::uint32_t blocks = 512;
    bool read_only = false;
    std::size_t flushes = 0;

    struct UnderWay {
        Request request;
        std::vector<std::span<std::byte>> buffers;
        std::size_t written_before;  ///< of a flush: what it makes stable
    };
    std::deque<UnderWay> under_way;
    std::vector<std::pair<std::uint64_t, Sector>> written;  ///< in order, and not flushed

  private:
    void put(std::uint64_t sector, const Sector& content) {
        std::memcpy(&stable[sector * 512], content.data(), 512);
    }
    void carry_out(const UnderWay& done) {
        std::uint64_t sector = done.request.sector;
        Sector content{};
        std::size_t at = 0;  // in the sector: a buffer may end within one
        for (const auto buffer : done.buffers) {
            for (std::byte& byte : buffer) {
                if (done.request.operation == Operation::read) {
                    if (at == 0) content = get(sector);
                    byte = content[at];
                } else {
                    content[at] = byte;
                }
                at = (at + 1) % content.size();
                if (at != 0) continue;
                if (done.request.operation == Operation::write)
                    written.emplace_back(sector, content);
                ++sector;
            }
        }
        for (std::uint32_t n = 0; n < done.request.sectors; ++n)
            written.emplace_back(sector + n, Sector{});
        if (done.request.operation == Operation::flush) flush(done.written_before);
    }
    void flush(std::size_t count) {
        ++flushes;
        for (std::size_t n = 0; n < count; ++n)
            put(written[n].first, written[n].second);
        written.erase(written.begin(), written.begin() + static_cast<std::ptrdiff_t>(count));
        for (UnderWay& other : under_way)
            other.written_before -= std::min(other.written_before, count);
    }
};

class OverlayBench : private TurnOwner {
  public:
    static constexpr std::uint64_t most_at_once = 24;  ///< sectors of a request

    OverlayBench(std::uint64_t image_sectors, Choice choice)
        : choose(std::move(choice)),
          image(image_sectors * 512),
          disk(OverlayArea{image.size()}.disk_size()),
          sectors_(image_sectors) {
        for (std::uint64_t n = 0; n < image_sectors; ++n) {
            fill(&image[n * 512], of_image | n);
            sectors_[n].values.push_back(of_image | n);
        }
        for (std::size_t at = OverlayArea{image.size()}.size(); at < disk.stable.size(); ++at)
            disk.stable[at] = std::byte{0xee};  // nobody's
    }

    OverlayBench(const OverlayBench&) = delete;
    OverlayBench& operator=(const OverlayBench&) = delete;
    virtual ~OverlayBench() = default;

    void want_turn() override { ++wanted; }
    /// The machine starts: what is found on the disk.
    std::expected<bool, OverlayFault> start() {
        room_.assign(DiskOverlay::memory_for(image.size()) / 8 + 1, 0);
        TurnOwner& owner = *this;
        overlay.emplace(disk, owner, image, "image");
        if (const auto checked = overlay->check_disk(); !checked)
            return std::unexpected(checked.error());
        overlay->take_memory(std::as_writable_bytes(std::span(room_)));
        for (int n = 0;; ++n) {
            const auto opened = overlay->open_some();
            if (!opened || *opened) return opened;
            require(n < 10'000, "what is asked for ends");
        }
    }
    /// One more thing happens.
    void step() {
        switch (choose(8)) {
            case 0:
            case 1: return ask(BlockBackend::Operation::read);
            case 2:
            case 3: return ask(BlockBackend::Operation::write);
            case 4: return ask(BlockBackend::Operation::flush);
            case 5:
                return ask(choose(4) != 0 ? BlockBackend::Operation::write
                                          : BlockBackend::Operation::write_zeroes);
            case 6:
                if (!disk.under_way.empty())
                    disk.complete(choose(disk.under_way.size()), choose(64) == 63);
                return;
            default: overlay->carry_on();
        }
    }
    void cut_power() {
        disk.cut_power(choose);
        asked_.clear();
        overlay.reset();
        for (Sector& sector : sectors_)
            sector.done = 1;  // only what was flushed
    }
    /// All that is under way ends.
    void settle() {
        const auto is_over = [](const Asked& each) { return each.is_over; };
        for (int n = 0; !std::ranges::all_of(asked_, is_over); ++n) {
            overlay->look();
            require(n < 10'000, "what is asked for ends");
        }
    }
    /// It ends in order, when all that was asked for is over.
    void close() {
        for (int n = 0; !overlay->lets_go(); ++n)
            require(n < 10'000, "it lets go at last");
    }
    /// Every sector is what it may be.
    void check_all() {
        for (std::uint64_t first = 0; first < sectors_.size(); first += most_at_once) {
            (void)ask_for(BlockBackend::Operation::read, first,
                          std::min(most_at_once, sectors_.size() - first));
            settle();
            asked_.clear();
        }
    }
    /// The same behind a power cut, and it is that from now on.
    void check_start() {
        check_all();
        for (Sector& sector : sectors_)
            sector = {.values = {sector.seen}};
    }

    /// Whether that sector of the overlay has those bytes, whatever the guest knows.
    bool holds(std::uint64_t sector, const std::byte* bytes) {
        struct Done final : BlockCompletion {
            void completed(virtio_block::Status /*how*/) override { is_over = true; }
            bool is_over = false;
        } done;
        std::array<std::byte, 512> found{};
        const std::array buffers{std::span<std::byte>(found)};
        require(overlay->submit({.operation = BlockBackend::Operation::read,
                                 .sector = sector,
                                 .buffers = buffers,
                                 .completion = &done}),
                "there is room for the requests of a device");
        while (!done.is_over)
            overlay->look();
        return std::memcmp(found.data(), bytes, found.size()) == 0;
    }

    Choice choose;
    std::vector<std::byte> image;
    ForgetfulDisk disk;
    std::optional<DiskOverlay> overlay;
    int wanted = 0;                     ///< turns
    std::size_t hot = ~std::size_t{0};  ///< sectors below are asked for; the last ones as well

    struct Asked final : BlockCompletion {
        void completed(virtio_block::Status how) override { bench->over(*this, how); }

        OverlayBench* bench;
        BlockBackend::Operation operation;
        std::uint64_t first;
        std::uint64_t sectors;
        std::vector<std::byte> data;
        std::vector<std::size_t> sure;  ///< which of its values each sector had at least
        bool is_over = false;
        virtio_block::Status status = virtio_block::Status::unsupp;
    };
    /// With its data in two buffers, where it has any.
    Asked& ask_for(BlockBackend::Operation operation, std::uint64_t first, std::uint64_t count) {
        Asked& asked = asked_.emplace_back();
        asked.bench = this;
        asked.operation = operation;
        asked.first = first;
        asked.sectors = count;
        const bool moves = operation == BlockBackend::Operation::read ||
                           operation == BlockBackend::Operation::write;
        if (moves) asked.data.assign(count * 512, std::byte{0x11});
        note(asked);
        const std::span<std::byte> data = asked.data;
        const std::size_t cut = count / 2 * 512 + (count % 3 == 1 ? 128 : 0);
        const std::array buffers{data.first(moves ? cut : 0), data.subspan(moves ? cut : 0)};
        const std::size_t skipped = cut == 0 ? 1 : 0;
        const bool taken =
            overlay->submit({.operation = operation,
                             .sector = operation == BlockBackend::Operation::flush ? 0 : first,
                             .buffers = moves ? std::span(buffers).subspan(skipped)
                                              : std::span<const std::span<std::byte>>{},
                             .completion = &asked,
                             .sectors = operation == BlockBackend::Operation::write_zeroes
                                            ? static_cast<std::uint32_t>(count)
                                            : 0});
        require(taken, "there is room for the requests of a device");
        return asked;
    }

  private:
    static constexpr std::uint64_t of_image = std::uint64_t{1} << 63;

    struct Sector {
        std::vector<std::uint64_t> values;  ///< that it was given, one after the other
        std::size_t done = 1;               ///< of these, that are there for certain
        std::size_t kept = 0;               ///< the first that a power cut may leave
        std::uint64_t seen = 0;
    };

    static void fill(std::byte* to, std::uint64_t value) {
        for (std::size_t n = 0; n < 512; n += 8)
            std::memcpy(to + n, &value, 8);
    }
    static std::uint64_t value_of(const std::byte* from) {
        std::uint64_t value = 0;
        std::memcpy(&value, from, 8);
        for (std::size_t n = 0; n < 512; n += 8)
            require(std::memcmp(from + n, &value, 8) == 0, "a sector is whole");
        return value;
    }
    void ask(BlockBackend::Operation operation) {
        asked_.remove_if([](const Asked& each) { return each.is_over; });
        const auto under_way = static_cast<std::size_t>(asked_.size());
        if (under_way == VirtioBackedBlock::most_in_flight) return;
        if (operation == BlockBackend::Operation::flush) {
            (void)ask_for(operation, 0, 0);
            return;
        }
        const std::uint64_t limit = std::min<std::uint64_t>(hot, sectors_.size());
        std::uint64_t first = choose(limit);
        if (choose(4) == 0) first = sectors_.size() - 1 - first;
        const std::uint64_t count = 1 + choose(std::min(most_at_once, sectors_.size() - first));
        const bool changes = operation != BlockBackend::Operation::read;
        for (const Asked& other : asked_) {  // a guest does not write twice at once
            const bool overlaps =
                other.first < first + count && first < other.first + other.sectors;
            if (changes && overlaps && other.operation != BlockBackend::Operation::read) return;
        }
        (void)ask_for(operation, first, count);
    }
    /// What is known when it is asked.
    void note(Asked& asked) {
        if (asked.operation == BlockBackend::Operation::flush) {
            for (const Sector& sector : sectors_)
                asked.sure.push_back(sector.done - 1);
            return;
        }
        for (std::uint64_t n = 0; n < asked.sectors; ++n) {
            Sector& sector = sectors_[asked.first + n];
            if (asked.operation == BlockBackend::Operation::read) {
                asked.sure.push_back(sector.done - 1);
                continue;
            }
            const bool writes = asked.operation == BlockBackend::Operation::write;
            sector.values.push_back(writes ? ++last_value_ : 0);
            if (writes) fill(&asked.data[n * 512], last_value_);
        }
    }
    void over(Asked& asked, virtio_block::Status status) {
        require(!asked.is_over, "it is completed once");
        asked.is_over = true;
        asked.status = status;
        if (status != virtio_block::Status::ok) return;
        if (asked.operation == BlockBackend::Operation::flush) {
            for (std::size_t n = 0; n < sectors_.size(); ++n)
                sectors_[n].kept = std::max(sectors_[n].kept, asked.sure[n]);
            return;
        }
        for (std::uint64_t n = 0; n < asked.sectors; ++n) {
            Sector& sector = sectors_[asked.first + n];
            if (asked.operation != BlockBackend::Operation::read) {
                sector.done = sector.values.size();
                continue;
            }
            sector.seen = value_of(&asked.data[n * 512]);
            const std::size_t from = std::max(asked.sure[n], sector.kept);
            const auto found = std::find(sector.values.begin() + static_cast<std::ptrdiff_t>(from),
                                         sector.values.end(), sector.seen);
            require(found != sector.values.end(), "a sector is what was written there");
        }
    }

    std::vector<std::uint64_t> room_;
    std::vector<Sector> sectors_;
    std::list<Asked> asked_;
    std::uint64_t last_value_ = 0;
};

}  // namespace cairn::test
