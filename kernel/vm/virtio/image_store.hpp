// SPDX-License-Identifier: MIT
// A disk whose blocks are an image in the archive, which never changes: read-only, or with an
// overlay that keeps what is written, block by block, for as long as it lives.
//
//     image      ├────┬────┬────┬────┬────┬────┤      any number of disks, of any VMs
//     overlay      -    F    -    0    -    F         -: the image's; F: a frame; 0: zeroes
//
// The overlay is two levels of tables, as page tables are: a directory on the VM's heap, and frames
// of 512 entries. Tables and blocks are frames of the VM's quota, taken when they are first written
// to. What is zeroed whole gives its frame back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <cairn/vector.hpp>
#include "kernel/dev/virtio/block_store.hpp"
#include "kernel/host/memory/frame_source.hpp"
#include "kernel/host/memory/memory_map.hpp"
#include "kernel/vm/memory/vm_memory.hpp"

namespace cairn {

class ImageStore final : public BlockStore {
  public:
    static constexpr std::uint64_t block_size = frame_size;

    /// `image`, whole sectors, and what `id` refers to outlive it. Read-only until `take_overlay`.
    ImageStore(std::span<const std::byte> image, std::string_view id, VmMemory& memory);
    ImageStore(const ImageStore&) = delete;
    ImageStore& operator=(const ImageStore&) = delete;
    ~ImageStore();

    /// It can be written to from now on; false where there is no memory.
    [[nodiscard]] bool take_overlay();

    /// Bytes of the VM's quota that an overlay of `size` bytes takes when all is written.
    [[nodiscard]] static constexpr std::uint64_t most_memory(std::uint64_t size) {
        const std::uint64_t blocks = (size + block_size - 1) / block_size;
        const std::uint64_t tables = (blocks + entries - 1) / entries;
        return (blocks + tables) * block_size + tables * sizeof(HostPhys);
    }

    [[nodiscard]] std::uint64_t size() const override { return image_.size(); }
    [[nodiscard]] bool is_read_only() const override { return directory_.empty(); }
    [[nodiscard]] std::string_view id() const override { return id_; }
    void read(std::uint64_t offset, std::span<std::byte> to) override;
    [[nodiscard]] bool write(std::uint64_t offset, std::span<const std::byte> from) override;
    [[nodiscard]] bool zero(std::uint64_t offset, std::uint64_t size) override;

    /// Bytes of blocks that the overlay keeps, without its tables.
    [[nodiscard]] std::uint64_t kept_bytes() const { return kept_ * block_size; }

  private:
    static constexpr std::size_t entries = block_size / sizeof(std::uint64_t);

    // What an entry is, if not a frame's address.
    static constexpr std::uint64_t of_image = 0;
    static constexpr std::uint64_t zeroes = 1;

    using Table = std::array<std::uint64_t, entries>;

    /// What of a range lies in one block.
    struct Part {
        std::uint64_t block;
        std::uint64_t offset;  ///< in the block
        std::uint64_t size;
    };
    [[nodiscard]] static Part first_part(std::uint64_t offset, std::uint64_t size);

    [[nodiscard]] Table& at(HostPhys table) const {
        return *reinterpret_cast<Table*>(frames_.at(table));
    }
    [[nodiscard]] std::uint64_t entry(std::uint64_t block) const;
    [[nodiscard]] const std::byte* find(std::uint64_t block) const;
    [[nodiscard]] std::uint64_t run_size(const Part& part, const std::byte* from,
                                         std::uint64_t size) const;
    [[nodiscard]] std::uint64_t* find_entry(std::uint64_t block);
    [[nodiscard]] std::byte* own(const Part& part);
    void copy_block(std::uint64_t block, std::uint64_t entry, std::byte* to) const;
    [[nodiscard]] bool forget(std::uint64_t block);
    [[nodiscard]] std::uint64_t size_of(std::uint64_t block) const;

    std::span<const std::byte> image_;
    std::string_view id_;
    FrameSource& frames_;
    vector<HostPhys, VmAllocator<HostPhys>> directory_;  ///< 0: a table of `of_image`
    std::uint64_t kept_ = 0;                             ///< blocks
};

}  // namespace cairn
