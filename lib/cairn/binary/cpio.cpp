// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot, or for people to read.
#include "cairn/cpio.hpp"

#include <algorithm>
#include <array>

#include "cairn/bits.hpp"
#include "cairn/cpio_path.hpp"
#include "cairn/text/digits.hpp"

namespace cairn {
namespace {

using Reason = CpioError::Reason;

// The header: a magic and 13 fields, each 8 hexadecimal digits.
enum class Field : std::uint8_t {
    inode,
    mode,
    user,
    group,
    links,
    modification_time,
    file_size,
    device_major,
    device_minor,
    special_major,
    special_minor,
    name_size,  // with its NUL
    checksum,   // 0 in newc
    count,
};

constexpr std::string_view magic = "070701";
constexpr std::size_t digits = 8;
constexpr std::size_t header_size = magic.size() + digits * static_cast<std::size_t>(Field::count);
constexpr std::size_t padding = 4;
constexpr std::string_view trailer = "TRAILER!!!";

static_assert(header_size == 110);

struct Parsed {
    CpioEntry entry;
    std::size_t next = 0;
    bool is_trailer = false;
};

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A header field; `header` has header_size characters.
std::optional<std::uint32_t> read_field(std::string_view header, Field field) {
    std::string_view text =
        header.substr(magic.size() + digits * static_cast<std::size_t>(field), digits);
    const auto value = take_digits(text, 16);
    if (!value || !text.empty()) return std::nullopt;
    return static_cast<std::uint32_t>(*value);  // eight digits
}

std::string_view relative(std::string_view name) {
    const std::string_view text = CpioPath(name).text();
    return text.empty() ? std::string_view{"."} : text;
}

/// What Linux unpacks beside plain archives (lib/decompress.c), by its first bytes.
constexpr std::string_view compressed_magics[] = {
    "\x1f\x8b",                       // gzip
    "BZh",                            // bzip2
    std::string_view("\x5d\0\0", 3),  // lzma
    "\3757zXZ",                       // xz: 0xfd, and text
    "\x89LZO",
    "\x02\x21\x4c\x18",  // lz4, as Linux has it
    "\x04\x22\x4d\x18",  // lz4, in frames
    "\x28\xb5\x2f\xfd",  // zstd
};

bool is_compressed(std::string_view text) {
    return std::ranges::any_of(compressed_magics,
                               [text](std::string_view start) { return text.starts_with(start); });
}

using Fields = std::array<std::uint32_t, static_cast<std::size_t>(Field::count)>;

/// The header's numbers, or nothing where one has a bad digit.
std::optional<Fields> read_fields(std::string_view header) {
    Fields values{};
    for (std::size_t index = 0; index < values.size(); ++index) {
        const auto value = read_field(header, static_cast<Field>(index));
        if (!value) return std::nullopt;
        values[index] = *value;
    }
    return values;
}

/// Why no header starts with `text`.
Reason why_no_header(std::string_view text, bool is_first, bool is_behind_another) {
    if (is_first && is_compressed(text)) return Reason::compressed;
    return is_first && is_behind_another ? Reason::garbage : Reason::bad_magic;
}

/// The name of `field`, which has the name's size: what is before the first NUL. A writer may pad
/// with more of them, to align the data.
std::optional<std::string_view> read_name(std::string_view field) {
    if (!field.ends_with('\0')) return std::nullopt;
    return field.substr(0, field.find('\0'));
}

struct Header {
    Fields fields{};
    std::string_view name;
    std::size_t end = 0;  ///< behind the name

    [[nodiscard]] std::uint32_t operator[](Field field) const {
        return fields[static_cast<std::size_t>(field)];
    }
};

/// The header and the name at `place`, whose offset is <= bytes.size().
std::expected<Header, CpioError> read_header(std::span<const std::byte> bytes, CpioPlace place) {
    const auto error = [place](Reason reason) {
        return std::unexpected(CpioError{reason, place.offset});
    };
    const std::string_view rest = as_text(bytes.subspan(place.offset));
    if (rest.empty()) return error(Reason::no_trailer);
    if (!magic.starts_with(rest.substr(0, magic.size()))) {
        return error(why_no_header(rest, place.offset == place.archive, place.is_behind_another));
    }
    if (rest.size() < header_size) return error(Reason::truncated);
    const auto fields = read_fields(rest);
    if (!fields) return error(Reason::bad_digit);
    Header header{.fields = *fields, .name = {}, .end = 0};
    const std::size_t name_size = header[Field::name_size];
    if (name_size > cpio_longest_name + 1) return error(Reason::name_too_long);
    if (name_size > rest.size() - header_size) return error(Reason::truncated);
    const auto name = read_name(rest.substr(header_size, name_size));
    if (!name) return error(Reason::unterminated_name);
    header.name = *name;
    header.end = place.offset + header_size + name_size;
    return header;
}

/// The entry at `place` (its offset is <= bytes.size()), whatever it is.
std::expected<Parsed, CpioError> read_entry(std::span<const std::byte> bytes, CpioPlace place) {
    const auto header = read_header(bytes, place);
    if (!header) return std::unexpected(header.error());
    const std::size_t size = (*header)[Field::file_size];
    Parsed parsed{.entry = {}, .next = header->end, .is_trailer = header->name == trailer};
    // A trailer needs no padding; another archive may follow at once.
    if (parsed.is_trailer && size == 0) return parsed;
    // Padding that is missing at the end is no fault of this entry; the trailer is missing then.
    const auto padded = [&](std::size_t offset) {
        const std::size_t room = bytes.size() - place.archive;
        const auto aligned = align_up(offset - place.archive, padding);
        return place.archive + std::min(aligned.value_or(room), room);
    };
    const std::size_t data = padded(header->end);
    if (size > bytes.size() - data) {
        return std::unexpected(CpioError{Reason::truncated, place.offset});
    }
    parsed.entry = {.name = relative(header->name),
                    .mode = (*header)[Field::mode],
                    .id = {(*header)[Field::device_major], (*header)[Field::device_minor],
                           (*header)[Field::inode], place.archive},
                    .links = (*header)[Field::links],
                    .data = bytes.subspan(data, size),
                    .offset = place.offset};
    parsed.next = padded(data + size);
    return parsed;
}

std::size_t skip_zeroes(std::span<const std::byte> bytes, std::size_t offset) {
    while (offset != bytes.size() && bytes[offset] == std::byte{0})
        ++offset;
    return offset;
}

/// The entry at `place`, and `place` behind it; nothing behind the last archive.
std::expected<std::optional<CpioEntry>, CpioError> take_entry(std::span<const std::byte> bytes,
                                                              CpioPlace& place) {
    if (place.offset == 0) {  // zeroes may come before an archive, too
        const std::size_t start = skip_zeroes(bytes, 0);
        if (start != bytes.size()) place.offset = place.archive = start;
    }
    for (;;) {
        const auto parsed = read_entry(bytes, place);
        if (!parsed) return std::unexpected(parsed.error());
        place.offset = parsed->next;
        if (!parsed->is_trailer) return parsed->entry;
        place.offset = skip_zeroes(bytes, place.offset);
        place.archive = place.offset;
        place.is_behind_another = true;
        if (place.offset == bytes.size()) return std::nullopt;
    }
}

}  // namespace

std::string_view to_string(CpioError::Reason reason) {
    switch (reason) {
        case CpioError::Reason::truncated: return "the archive ends in the middle of an entry";
        case CpioError::Reason::bad_magic:
            return "no entry of an uncompressed cpio archive in newc format starts here";
        case CpioError::Reason::bad_digit:
            return "an archive entry's header has a character that is no hexadecimal digit";
        case CpioError::Reason::unterminated_name:
            return "an archive entry's name does not end where its header says";
        case CpioError::Reason::name_too_long:
            return "an archive entry's name is longer than 4095 bytes";
        case CpioError::Reason::no_trailer: return "the archive ends without its trailer";
        case CpioError::Reason::compressed:
            return "a compressed archive starts here; decompress it first";
        case CpioError::Reason::garbage:
            return "neither zeroes nor another archive in newc format follow the archive's trailer";
    }
    return "the archive is unusable";
}

CpioArchive::Iterator& CpioArchive::Iterator::operator++() {
    const auto entry = take_entry(bytes_, next_).value_or(std::nullopt);
    done_ = !entry;
    if (entry) current_ = *entry;
    return *this;
}

std::expected<CpioArchive, CpioError> CpioArchive::parse(std::span<const std::byte> bytes) {
    for (CpioPlace place;;) {
        const auto entry = take_entry(bytes, place);
        if (!entry) return std::unexpected(entry.error());
        if (!*entry) return CpioArchive{bytes};
    }
}

std::optional<CpioEntry> CpioArchive::find(std::string_view name, std::string_view folder) const {
    std::optional<CpioEntry> found;
    for (const CpioEntry& entry : *this) {
        CpioPath path(entry.name);
        if (path.take(CpioPath(folder)) && path == CpioPath(name)) found = entry;
    }
    if (found) found->data = data_of(*found);
    return found;
}

std::span<const std::byte> CpioArchive::data_of(const CpioEntry& entry) const {
    if (!entry.is_file() || entry.links < 2) return entry.data;
    std::span<const std::byte> data = entry.data;
    for (const CpioEntry& other : *this) {
        const bool is_link = other.is_file() && other.links >= 2 && other.id == entry.id;
        if (is_link && !other.data.empty()) data = other.data;
    }
    return data;
}

}  // namespace cairn
