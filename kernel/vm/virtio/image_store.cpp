// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/image_store.hpp"

#include <algorithm>
#include <cstring>

namespace cairn {
namespace {

constexpr HostPhys no_table{};

}  // namespace

ImageStore::ImageStore(std::span<const std::byte> image, std::string_view id, VmMemory& memory)
    : image_(image),
      id_(id),
      frames_(memory.frames()),
      directory_(VmAllocator<HostPhys>(memory.heap())) {}

ImageStore::~ImageStore() {
    for (const HostPhys table : directory_) {
        if (table == no_table) continue;
        for (const std::uint64_t each : at(table)) {
            if (each > zeroes) frames_.free_frames({each}, 1);
        }
        frames_.free_frames(table, 1);
    }
}

bool ImageStore::take_overlay() {
    const std::uint64_t blocks = (image_.size() + block_size - 1) / block_size;
    return directory_.try_resize((blocks + entries - 1) / entries, no_table).has_value();
}

ImageStore::Part ImageStore::first_part(std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t inside = offset % block_size;
    return {offset / block_size, inside, std::min(size, block_size - inside)};
}

std::uint64_t ImageStore::entry(std::uint64_t block) const {
    if (directory_.empty()) return of_image;
    const HostPhys table = directory_[block / entries];
    if (table == no_table) return of_image;
    return at(table)[block % entries];
}

/// The same to be changed; nullptr where there is no memory for its table.
std::uint64_t* ImageStore::find_entry(std::uint64_t block) {
    HostPhys& table = directory_[block / entries];
    if (table == no_table) {
        const auto frame = frames_.allocate_frames(1, frame_size);
        if (!frame) return nullptr;
        std::memset(frames_.at(*frame), 0, frame_size);
        table = *frame;
    }
    return &at(table)[block % entries];
}

/// The last one may be shorter.
std::uint64_t ImageStore::size_of(std::uint64_t block) const {
    return std::min<std::uint64_t>(block_size, image_.size() - block * block_size);
}

void ImageStore::copy_block(std::uint64_t block, std::uint64_t entry, std::byte* to) const {
    if (entry == zeroes) {
        std::memset(to, 0, block_size);
    } else {
        std::memcpy(to, &image_[block * block_size], size_of(block));
    }
}

/// A frame for the block, with what is in it but for `part`, which is about to be written. Nullptr
/// where there is no memory.
std::byte* ImageStore::own(const Part& part) {
    std::uint64_t* const entry = find_entry(part.block);
    if (entry == nullptr) return nullptr;
    if (*entry > zeroes) return frames_.at({*entry});
    const auto frame = frames_.allocate_frames(1, frame_size);
    if (!frame) return nullptr;
    std::byte* const bytes = frames_.at(*frame);
    if (part.size != block_size) copy_block(part.block, *entry, bytes);
    *entry = frame->value;
    ++kept_;
    return bytes;
}

/// Where the block lies; nullptr: it is zeroes.
const std::byte* ImageStore::find(std::uint64_t block) const {
    const std::uint64_t found = entry(block);
    if (found == zeroes) return nullptr;
    return found == of_image ? &image_[block * block_size] : frames_.at({found});
}

/// Of the first `size` bytes from `part` on, which lies at `from`, those that lie there one behind
/// the other.
std::uint64_t ImageStore::run_size(const Part& part, const std::byte* from,
                                   std::uint64_t size) const {
    std::uint64_t found = part.size;
    for (std::uint64_t n = 1; found < size; ++n) {
        const std::byte* const next = find(part.block + n);
        if (next != (from == nullptr ? nullptr : from + n * block_size)) break;
        found = std::min(size, found + block_size);
    }
    return found;
}

void ImageStore::read(std::uint64_t offset, std::span<std::byte> to) {
    if (is_read_only()) {
        if (!to.empty()) std::memcpy(to.data(), &image_[offset], to.size());
        return;
    }
    while (!to.empty()) {
        const Part part = first_part(offset, to.size());
        const std::byte* const from = find(part.block);
        const std::uint64_t size =
            part.size == to.size() ? part.size : run_size(part, from, to.size());
        if (from == nullptr) {
            std::memset(to.data(), 0, size);
        } else {
            std::memcpy(to.data(), from + part.offset, size);
        }
        offset += size;
        to = to.subspan(size);
    }
}

bool ImageStore::write(std::uint64_t offset, std::span<const std::byte> from) {
    while (!from.empty()) {
        const Part part = first_part(offset, from.size());
        std::byte* const bytes = own(part);
        if (bytes == nullptr) return false;
        std::memcpy(bytes + part.offset, from.data(), part.size);
        offset += part.size;
        from = from.subspan(part.size);
    }
    return true;
}

bool ImageStore::zero(std::uint64_t offset, std::uint64_t size) {
    while (size != 0) {
        const Part part = first_part(offset, size);
        if (part.size == size_of(part.block)) {
            if (!forget(part.block)) return false;
        } else if (entry(part.block) != zeroes) {
            std::byte* const bytes = own(part);
            if (bytes == nullptr) return false;
            std::memset(bytes + part.offset, 0, part.size);
        }
        offset += part.size;
        size -= part.size;
    }
    return true;
}

/// The block is zeroes, and has no frame.
bool ImageStore::forget(std::uint64_t block) {
    std::uint64_t* const entry = find_entry(block);
    if (entry == nullptr) return false;
    if (*entry > zeroes) {
        frames_.free_frames({*entry}, 1);
        --kept_;
    }
    *entry = zeroes;
    return true;
}

}  // namespace cairn
