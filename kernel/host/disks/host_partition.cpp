// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/disks/host_partition.hpp"

#include <array>
#include <atomic>

#include <cairn/unique_ptr.hpp>
#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {
namespace {

using virtio_block::sector_size;

/// The machine's disk may be a file of a busy host's.
constexpr std::uint64_t patience_in_seconds = 10;

class TableReader final : public TableSource, private HostDiskUser {
  public:
    TableReader(HostDisk& disk, std::uint64_t patience) : disk_(disk), patience_(patience) {}
    ~TableReader() {
        if (has_joined_) disk_.release(*this);
    }

    [[nodiscard]] bool join() { return has_joined_ = disk_.join_to_read(*this).has_value(); }
    [[nodiscard]] std::span<std::byte> room() { return room_; }

    [[nodiscard]] std::uint32_t block_size() const override { return disk_.block_size(); }
    [[nodiscard]] std::uint64_t blocks() const override {
        return disk_.sectors() / (block_size() / sector_size);
    }
    /// Whether something is still in flight: of a disk that has not answered, and whose reset does
    /// not end. Then it has to stay where it is.
    [[nodiscard]] bool is_stuck() const { return is_stuck_; }
    /// Nothing is in flight when it returns, unless it is stuck: a disk that does not answer is
    /// reset.
    [[nodiscard]] bool read(std::uint64_t block, std::span<std::byte> to) override {
        const std::array buffers{to};
        const HostDisk::Request request{.type = virtio_block::RequestType::in,
                                        .sector = block * (block_size() / sector_size),
                                        .buffers = buffers,
                                        .token = this};
        is_over_ = false;
        const std::uint64_t begin = csr_read<Csr::time>();
        bool is_submitted = disk_.submit(*this, request);
        while (!is_over_) {
            disk_.look();
            if (!is_submitted) is_submitted = disk_.submit(*this, request);
            if (csr_read<Csr::time>() - begin <= patience_) continue;
            is_stuck_ = !disk_.leave_alone("it does not answer");
            if (is_stuck_) return false;
        }
        return status_ == virtio_block::Status::ok;
    }

  private:
    /// On whatever hart takes the disk's interrupt.
    void completed(void* /*token*/, virtio_block::Status status) override {
        status_ = status;
        is_over_.store(true, std::memory_order_release);
    }
    void room_again() override {}

    HostDisk& disk_;
    std::uint64_t patience_;
    bool has_joined_ = false;
    bool is_stuck_ = false;
    std::atomic<bool> is_over_ = false;
    virtio_block::Status status_ = virtio_block::Status::ok;
    alignas(16) std::array<std::byte, 4096> room_{};
};

}  // namespace

std::expected<DiskRange, PartitionFault> find_host_partition(HostDisk& disk, std::uint32_t number,
                                                             std::uint64_t timebase_hz) {
    if (number == 0) return DiskRange{0, disk.sectors()};
    auto reader = try_make_unique<TableReader>(disk, timebase_hz * patience_in_seconds);
    if (reader == nullptr) return std::unexpected(PartitionFault::no_memory);
    if (!reader->join()) return std::unexpected(PartitionFault::unshared);
    const auto blocks = find_partition(*reader, number, reader->room());
    if (reader->is_stuck()) (void)reader.release();
    if (!blocks) return blocks;
    const std::uint64_t sectors_of_block = disk.block_size() / sector_size;
    return DiskRange{blocks->first * sectors_of_block, blocks->count * sectors_of_block};
}

}  // namespace cairn
