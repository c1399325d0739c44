// SPDX-License-Identifier: MIT
#include "lib/cpio.hpp"

#include <algorithm>
#include <array>

#include "lib/bits.hpp"
#include "lib/digits.hpp"

namespace cairn {
namespace {

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

std::string_view without_leading_dot(std::string_view name) {
    while (name.starts_with("./")) {
        name.remove_prefix(2);
        while (name.starts_with('/'))
            name.remove_prefix(1);
    }
    return name.empty() ? std::string_view{"."} : name;
}

/// The header's numbers, or nothing where one has a bad digit.
std::optional<std::array<std::uint32_t, static_cast<std::size_t>(Field::count)>> read_fields(
    std::string_view header) {
    std::array<std::uint32_t, static_cast<std::size_t>(Field::count)> values{};
    for (std::size_t index = 0; index < values.size(); ++index) {
        const auto value = read_field(header, static_cast<Field>(index));
        if (!value) return std::nullopt;
        values[index] = *value;
    }
    return values;
}

/// The entry at `offset` (<= bytes.size()), whatever it is.
std::expected<Parsed, CpioError> read_entry(std::span<const std::byte> bytes, std::size_t offset) {
    using Reason = CpioError::Reason;
    const auto error = [offset](Reason reason) {
        return std::unexpected(CpioError{reason, offset});
    };
    const std::string_view rest = as_text(bytes.subspan(offset));
    if (rest.empty()) return error(Reason::no_trailer);
    if (!magic.starts_with(rest.substr(0, magic.size()))) return error(Reason::bad_magic);
    if (rest.size() < header_size) return error(Reason::truncated);
    const auto fields = read_fields(rest);
    if (!fields) return error(Reason::bad_digit);
    const auto field = [&](Field which) { return (*fields)[static_cast<std::size_t>(which)]; };

    const std::size_t name_size = field(Field::name_size);
    if (name_size > cpio_longest_name + 1) return error(Reason::name_too_long);
    if (name_size > rest.size() - header_size) return error(Reason::truncated);
    const std::string_view name = rest.substr(header_size, name_size);
    if (name_size == 0 || name.find('\0') != name_size - 1) {
        return error(Reason::unterminated_name);
    }

    Parsed parsed;
    parsed.is_trailer = name.substr(0, name_size - 1) == trailer;
    parsed.next = offset + header_size + name_size;
    if (parsed.is_trailer) return parsed;

    const auto data = align_up(parsed.next, padding);
    const std::size_t size = field(Field::file_size);
    if (!data || *data > bytes.size() || size > bytes.size() - *data) {
        return error(Reason::truncated);
    }
    parsed.entry = {without_leading_dot(name.substr(0, name_size - 1)),
                    field(Field::mode),
                    field(Field::inode),
                    field(Field::links),
                    bytes.subspan(*data, size),
                    offset};
    // The padding behind the last data may be missing; then the trailer is.
    parsed.next = std::min(align_up(*data + size, padding).value_or(bytes.size()), bytes.size());
    return parsed;
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
    }
    return "the archive is unusable";
}

CpioArchive::Iterator& CpioArchive::Iterator::operator++() {
    const auto parsed = read_entry(bytes_, next_);
    if (!parsed || parsed->is_trailer) {
        done_ = true;
        return *this;
    }
    current_ = parsed->entry;
    next_ = parsed->next;
    return *this;
}

std::expected<CpioArchive, CpioError> CpioArchive::parse(std::span<const std::byte> bytes) {
    for (std::size_t offset = 0;;) {
        const auto parsed = read_entry(bytes, offset);
        if (!parsed) return std::unexpected(parsed.error());
        offset = parsed->next;
        if (parsed->is_trailer) return CpioArchive{bytes.first(offset)};
    }
}

std::optional<CpioEntry> CpioArchive::find(std::string_view name) const {
    std::optional<CpioEntry> found;
    for (const CpioEntry& entry : *this) {
        if (entry.name == name) found = entry;
    }
    if (!found || !found->is_file() || found->links < 2 || !found->data.empty()) return found;
    for (const CpioEntry& entry : *this) {
        if (entry.is_file() && entry.inode == found->inode && !entry.data.empty()) {
            found->data = entry.data;
        }
    }
    return found;
}

}  // namespace cairn
