// SPDX-License-Identifier: MIT
// A reader of cpio archives in the "new ASCII" format (newc, magic 070701) where they lie, as Linux
// reads its initramfs: one, or several behind each other, with zeroes around them, as
// `cat` and boot loaders with several initrds make them. The bytes are hostile:
// `CpioArchive::parse` checks every entry up to the last trailer once; after that iteration cannot
// fail. Names and data point into the archive, which must outlive them. Nothing is allocated. No
// locking: read-only.
//
//     zeroes | header, 110 bytes of hex | name, NULs | pad to 4 | data | pad to 4 | ... |
//     TRAILER!!! | zeroes
//
// Source: cpio(5); Linux Documentation/driver-api/early-userspace/buffer-format.rst. Offsets that
// are padded count from where the archive starts. Anything else behind a trailer is an error: a
// part that is not understood must not vanish without a word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "cairn/base/language.hpp"

namespace cairn {

struct CpioError {
    enum class Reason : std::uint8_t {
        truncated,
        bad_magic,
        bad_digit,
        unterminated_name,
        name_too_long,
        no_trailer,
        compressed,
        garbage,  ///< behind a trailer
    };

    Reason reason = Reason::truncated;
    std::size_t offset = 0;  ///< of the bad entry or archive; for `no_trailer`, the size

    bool operator==(const CpioError&) const = default;
};

/// One sentence, without the offset and without a full stop.
[[nodiscard]] std::string_view to_string(CpioError::Reason reason);

inline constexpr std::size_t cpio_longest_name = 4095;  // Linux's PATH_MAX with the NUL

/// What makes hard links one file: the device and the inode on it, in one archive. Another archive
/// comes from another place, where numbers mean other files.
struct CpioFileId {
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    std::uint32_t inode = 0;
    std::size_t archive = 0;  ///< where the archive starts

    bool operator==(const CpioFileId&) const = default;
};

struct CpioEntry {
    /// Without leading "./" and "/"; "." is the archive's own folder. Compare it as a CpioPath.
    std::string_view name;
    std::uint32_t mode = 0;
    CpioFileId id;
    std::uint32_t links = 1;
    std::span<const std::byte> data;  ///< of this entry; CpioArchive::data_of knows a hard link's
    std::size_t offset = 0;           ///< of its header

    [[nodiscard]] bool is_file() const { return (mode & type_mask) == type_file; }
    [[nodiscard]] bool is_folder() const { return (mode & type_mask) == type_folder; }

  private:
    // <sys/stat.h>, S_IFMT and its values.
    static constexpr std::uint32_t type_mask = 0170000;
    static constexpr std::uint32_t type_file = 0100000;
    static constexpr std::uint32_t type_folder = 0040000;
};

/// Where the next header is, and where its archive starts.
struct CpioPlace {
    std::size_t archive = 0;
    std::size_t offset = 0;
    bool is_behind_another = false;
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
        CpioPlace next_;
        CpioEntry current_;
        bool done_ = false;
    };

    /// Checks every entry up to and including the last trailer, and what is behind it.
    [[nodiscard]] static std::expected<CpioArchive, CpioError> parse(
        std::span<const std::byte> bytes);

    [[nodiscard]] Iterator begin() const { return Iterator{bytes_}; }
    [[nodiscard]] static std::default_sentinel_t end() { return {}; }

    /// The last entry of this name, counted from `folder` (a later one replaces an earlier one, as
    /// on extraction), with its data wherever that is.
    [[nodiscard]] std::optional<CpioEntry> find(std::string_view name,
                                                std::string_view folder = {}) const;

    /// The data of an entry of this archive. Of files with several hard links, newc stores it with
    /// one of them only; of several, the last one counts.
    [[nodiscard]] std::span<const std::byte> data_of(const CpioEntry& entry) const;

  private:
    explicit CpioArchive(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::span<const std::byte> bytes_;
};

}  // namespace cairn
