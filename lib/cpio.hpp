// SPDX-License-Identifier: MIT
// A reader of cpio archives in the "new ASCII" format (newc, magic 070701) where they lie, as Linux
// reads its initramfs. The bytes are hostile: `CpioArchive::parse` checks every entry up to the
// trailer once; after that iteration cannot fail. Names and data point into the archive, which must
// outlive them. Nothing is allocated. No locking: read-only.
//
//     header, 110 bytes of hex | name, NUL | pad to 4 | data | pad to 4 | ... | TRAILER!!!
//
// Source: cpio(5); Linux Documentation/driver-api/early-userspace/buffer-format.rst. Offsets that
// are padded count from the archive's start. Bytes behind the trailer are ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace cairn {

struct CpioError {
    enum class Reason : std::uint8_t {
        truncated,
        bad_magic,
        bad_digit,
        unterminated_name,
        name_too_long,
        no_trailer,
    };

    Reason reason = Reason::truncated;
    std::size_t offset = 0;  ///< of the bad entry's header; for `no_trailer`, the archive's size

    bool operator==(const CpioError&) const = default;
};

/// One sentence, without the offset and without a full stop.
[[nodiscard]] std::string_view to_string(CpioError::Reason reason);

inline constexpr std::size_t cpio_longest_name = 4095;  // Linux's PATH_MAX with the NUL

struct CpioEntry {
    std::string_view name;  ///< without leading "./"; "." is the archive's own folder
    std::uint32_t mode = 0;
    std::uint32_t inode = 0;
    std::uint32_t links = 1;
    std::span<const std::byte> data;
    std::size_t offset = 0;  ///< of its header

    [[nodiscard]] bool is_file() const { return (mode & type_mask) == type_file; }
    [[nodiscard]] bool is_folder() const { return (mode & type_mask) == type_folder; }

  private:
    // <sys/stat.h>, S_IFMT and its values.
    static constexpr std::uint32_t type_mask = 0170000;
    static constexpr std::uint32_t type_file = 0100000;
    static constexpr std::uint32_t type_folder = 0040000;
};

class CpioArchive {
  public:
    class Iterator {
      public:
        using value_type = CpioEntry;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        explicit Iterator(std::span<const std::byte> bytes) : bytes_(bytes) { ++*this; }
        [[nodiscard]] const CpioEntry& operator*() const { return current_; }
        [[nodiscard]] const CpioEntry* operator->() const { return &current_; }
        Iterator& operator++();
        void operator++(int) { ++*this; }
        [[nodiscard]] bool operator==(std::default_sentinel_t) const { return done_; }

      private:
        std::span<const std::byte> bytes_;
        std::size_t next_ = 0;
        CpioEntry current_;
        bool done_ = false;
    };

    /// Checks every entry up to and including the trailer.
    [[nodiscard]] static std::expected<CpioArchive, CpioError> parse(
        std::span<const std::byte> bytes);

    [[nodiscard]] Iterator begin() const { return Iterator{bytes_}; }
    [[nodiscard]] static std::default_sentinel_t end() { return {}; }

    /// The last entry of this name (a later one replaces an earlier one, as on extraction). Of
    /// files with several hard links, newc stores the data with one of them only; it is found for
    /// all.
    [[nodiscard]] std::optional<CpioEntry> find(std::string_view name) const;

  private:
    explicit CpioArchive(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::span<const std::byte> bytes_;  // up to the end of the trailer's name
};

}  // namespace cairn
