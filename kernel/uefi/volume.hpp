// SPDX-License-Identifier: MIT
// Files of a FAT volume, to be read (UEFI Specification 2.10, section 13.5). An OpenFile closes
// itself, before the volume that it is of.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "kernel/uefi/firmware.hpp"

namespace cairn::uefi {

class OpenFile {
  public:
    /// The root folder of the volume on `device`.
    [[nodiscard]] static Result<OpenFile> volume(Firmware firmware, Handle device);
    /// A file below this folder; `path` is ASCII, of up to `path_capacity` letters.
    [[nodiscard]] Result<OpenFile> open(std::string_view path) const;
    OpenFile(OpenFile&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
    OpenFile& operator=(OpenFile&& other) noexcept {
        std::swap(file_, other.file_);
        return *this;
    }
    ~OpenFile();

    static constexpr std::size_t path_capacity = 256;

    /// Bytes of the file; the next read starts at its beginning.
    [[nodiscard]] Result<std::uint64_t> size() const;
    /// Fills `bytes`; end_of_file where there are fewer.
    [[nodiscard]] Result<void> read(std::span<std::byte> bytes) const;

  private:
    explicit OpenFile(File* file) : file_(file) {}
    File* file_;
};

}  // namespace cairn::uefi
