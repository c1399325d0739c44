// SPDX-License-Identifier: MIT
#include "cairn/fdt_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "cairn/bits.hpp"

namespace cairn {
namespace {

/// Text that is empty may lie nowhere.
void put(std::span<std::byte> room, std::string_view text) {
    if (!text.empty()) std::memcpy(room.data(), text.data(), text.size());
}

}  // namespace

std::string_view to_string(FdtWriteError error) {
    switch (error) {
        case FdtWriteError::no_space: return "the device tree does not fit in its space";
        case FdtWriteError::bad_name: return "a name in the device tree is impossible";
        case FdtWriteError::bad_string: return "a string in the device tree contains a NUL";
        case FdtWriteError::bad_nesting:
            return "the nodes of the device tree do not nest under a single root";
        case FdtWriteError::too_deep: return "the nodes of the device tree nest deeper than 32";
        case FdtWriteError::misplaced_property:
            return "a property of the device tree stands outside a node or after a child node";
        case FdtWriteError::misplaced_reservation:
            return "a memory reservation of the device tree comes after its first node";
    }
    return "the device tree cannot be written";
}

FdtWriter::FdtWriter(std::span<std::byte> into)
    : bytes_(into.first(std::min<std::size_t>(into.size(), UINT32_MAX))), strings_(bytes_.size()) {
    static_cast<void>(claim(fdt_header_size));
}

void FdtWriter::fail(FdtWriteError error) {
    if (!failed_) error_ = error;
    failed_ = true;
}

std::span<std::byte> FdtWriter::claim(std::size_t size) {
    if (failed_) return {};
    if (size > strings_ - used_) {
        fail(FdtWriteError::no_space);
        return {};
    }
    const auto claimed = bytes_.subspan(used_, size);
    used_ += size;
    return claimed;
}

void FdtWriter::put_u32(std::uint32_t value) {
    if (const auto room = claim(sizeof value); !room.empty()) store_be(room, 0, value);
}

void FdtWriter::reserve_memory(std::uint64_t address, std::uint64_t size) {
    if (state_ != State::reservations) return fail(FdtWriteError::misplaced_reservation);
    if (size == 0) return;  // (0, 0) would end the block
    const auto room = claim(fdt_reservation_size);
    if (room.empty()) return;
    store_be(room, 0, address);
    store_be(room, sizeof address, size);
}

void FdtWriter::end_reservations() {
    std::ranges::fill(claim(fdt_reservation_size), std::byte{0});
    structure_ = used_;
    state_ = State::before_root;
}

void FdtWriter::begin_node(std::string_view name) {
    if (state_ == State::reservations) end_reservations();
    end_property();
    if (state_ == State::closed) return fail(FdtWriteError::bad_nesting);
    if (depth_ == fdt_max_depth) return fail(FdtWriteError::too_deep);
    if (name.empty() != (depth_ == 0) || !is_fdt_name(name)) return fail(FdtWriteError::bad_name);
    const std::size_t padded = name.size() / fdt_tag_size * fdt_tag_size + fdt_tag_size;
    const auto room = claim(fdt_tag_size + padded);
    if (room.empty()) return;
    store_be(room, 0, static_cast<std::uint32_t>(FdtTag::begin_node));
    store_be(room, padded, std::uint32_t{0});  // the name's last word ends in 0
    put(room.subspan(fdt_tag_size), name);
    ++depth_;
    state_ = State::properties;
}

void FdtWriter::begin_node(std::string_view name, std::uint64_t unit) {
    std::array<char, 64> text{};
    constexpr std::size_t unit_length = 1 + 16;
    if (name.size() > text.size() - unit_length) return fail(FdtWriteError::bad_name);
    char* at = std::ranges::copy(name, text.begin()).out;
    *at++ = '@';
    const char* end = std::to_chars(at, text.data() + text.size(), unit, 16).ptr;
    begin_node(std::string_view{text.data(), end});
}

void FdtWriter::end_node() {
    end_property();
    if (failed_) return;
    if (depth_ == 0) return fail(FdtWriteError::bad_nesting);
    put_u32(static_cast<std::uint32_t>(FdtTag::end_node));
    --depth_;
    state_ = depth_ == 0 ? State::closed : State::children;
}

bool FdtWriter::is_name_at(std::size_t at, std::string_view name) const {
    return bytes_.size() - at > name.size() && bytes_[at + name.size()] == std::byte{0} &&
           std::memcmp(&bytes_[at], name.data(), name.size()) == 0;
}

/// The name's distance from the end of the strings; it is put there if it is not yet.
std::size_t FdtWriter::intern(std::string_view name) {
    const std::size_t first = static_cast<unsigned char>(name.front());
    const std::size_t last = static_cast<unsigned char>(name.back());
    std::size_t slot = name.size() * 5 + first * 3 + last;
    for (std::size_t tried = 0; tried < names_.size(); ++tried, ++slot) {
        std::size_t& known = names_[slot % names_.size()];
        if (known == 0) return bytes_.size() - (known = add_name(name));
        if (is_name_at(known, name)) return bytes_.size() - known;
    }
    return bytes_.size() - find_name(name);
}

/// Among all, where the names that are known at once are others.
std::size_t FdtWriter::find_name(std::string_view name) {
    for (std::size_t at = strings_; at < bytes_.size();) {
        const std::string_view known{reinterpret_cast<const char*>(bytes_.subspan(at).data())};
        if (known == name) return at;
        at += known.size() + 1;
    }
    return add_name(name);
}

std::size_t FdtWriter::add_name(std::string_view name) {
    const std::size_t size = name.size() + 1;
    if (!is_fdt_name(name)) fail(FdtWriteError::bad_name);
    if (size > strings_ - used_) fail(FdtWriteError::no_space);
    if (failed_) return bytes_.size();
    strings_ -= size;
    std::memcpy(&bytes_[strings_], name.data(), name.size());
    bytes_[strings_ + name.size()] = std::byte{0};
    return strings_;
}

void FdtWriter::begin_property(std::string_view name) {
    end_property();
    if (failed_) return;
    if (state_ != State::properties) return fail(FdtWriteError::misplaced_property);
    if (name.empty()) return fail(FdtWriteError::bad_name);
    const std::size_t start = used_;
    const auto header = claim(fdt_property_header_size);
    if (header.empty()) return;
    store_be(header, 0, static_cast<std::uint32_t>(FdtTag::property));
    // Counted from the end of the strings until `finish_names` knows where they start.
    store_be(header, 2 * fdt_tag_size, static_cast<std::uint32_t>(intern(name)));
    open_property_ = start;  // its length is written when it is known
}

void FdtWriter::end_property() {
    if (failed_ || open_property_ == 0) return;
    const std::size_t length = used_ - open_property_ - fdt_property_header_size;
    store_be(bytes_, open_property_ + fdt_tag_size, static_cast<std::uint32_t>(length));
    open_property_ = 0;
    const std::size_t padding = (fdt_tag_size - length % fdt_tag_size) % fdt_tag_size;
    if (padding != 0) std::ranges::fill(claim(padding), std::byte{0});
}

/// Room for `size` more bytes of the open property; none where there is no property or no space.
std::span<std::byte> FdtWriter::extend_property(std::size_t size) {
    if (!failed_ && open_property_ == 0) fail(FdtWriteError::misplaced_property);
    return claim(size);
}

void FdtWriter::append(std::span<const std::byte> bytes) {
    const auto room = extend_property(bytes.size());
    if (!room.empty()) std::memcpy(room.data(), bytes.data(), room.size());
}

void FdtWriter::append_u32(std::uint32_t value) {
    if (const auto room = extend_property(sizeof value); !room.empty()) store_be(room, 0, value);
}

void FdtWriter::append_u64(std::uint64_t value) {
    if (const auto room = extend_property(sizeof value); !room.empty()) store_be(room, 0, value);
}

void FdtWriter::append_string(std::string_view value) {
    const auto room = extend_property(value.size() + 1);
    if (room.empty()) return;
    std::byte* to = room.data();
    for (const char each : value) {
        if (each == '\0') return fail(FdtWriteError::bad_string);
        *to++ = static_cast<std::byte>(each);
    }
    *to = std::byte{0};
}

void FdtWriter::property(std::string_view name, std::span<const std::byte> value) {
    begin_property(name);
    append(value);
}

void FdtWriter::property_u32(std::string_view name, std::uint32_t value) {
    begin_property(name);
    append_u32(value);
}

void FdtWriter::property_u64(std::string_view name, std::uint64_t value) {
    begin_property(name);
    append_u64(value);
}

void FdtWriter::property_string(std::string_view name, std::string_view value) {
    begin_property(name);
    append_string(value);
}

void FdtWriter::property_strings(std::string_view name,
                                 std::initializer_list<std::string_view> values) {
    begin_property(name);
    for (const std::string_view value : values)
        append_string(value);
}

void FdtWriter::property_cells(std::string_view name, std::initializer_list<std::uint32_t> values) {
    begin_property(name);
    for (const std::uint32_t value : values)
        append_u32(value);
}

void FdtWriter::property_u64s(std::string_view name, std::initializer_list<std::uint64_t> values) {
    begin_property(name);
    for (const std::uint64_t value : values)
        append_u64(value);
}

void FdtWriter::finish_names(std::span<std::byte> structure, std::size_t strings_size) {
    for (std::size_t at = 0; at < structure.size();) {
        const auto tag = static_cast<FdtTag>(load_be<std::uint32_t>(structure, at));
        at += fdt_tag_size;
        if (tag == FdtTag::begin_node) {  // its name ends with the first tag's worth that ends in 0
            while (structure[at + fdt_tag_size - 1] != std::byte{0})
                at += fdt_tag_size;
            at += fdt_tag_size;
        } else if (tag == FdtTag::property) {
            const std::size_t length = load_be<std::uint32_t>(structure, at);
            const std::size_t from_end = load_be<std::uint32_t>(structure, at + 4);
            store_be(structure, at + 4, static_cast<std::uint32_t>(strings_size - from_end));
            at += 8 + *align_up(length, fdt_tag_size);
        }
    }
}

void FdtWriter::finish_header(std::size_t strings_size, std::size_t spare) {
    const auto put = [this](FdtHeaderField field, std::size_t value) {
        store_be(bytes_, static_cast<std::size_t>(field), static_cast<std::uint32_t>(value));
    };
    put(FdtHeaderField::magic, fdt_magic);
    put(FdtHeaderField::total_size, used_ + strings_size + spare);
    put(FdtHeaderField::structure_offset, structure_);
    put(FdtHeaderField::strings_offset, used_);
    put(FdtHeaderField::reservation_offset, fdt_header_size);
    put(FdtHeaderField::version, fdt_version);
    put(FdtHeaderField::last_version, fdt_last_version);
    put(FdtHeaderField::boot_cpu, boot_cpu_);
    put(FdtHeaderField::strings_size, strings_size);
    put(FdtHeaderField::structure_size, used_ - structure_);
}

std::expected<std::span<std::byte>, FdtWriteError> FdtWriter::finish(std::size_t spare) {
    if (state_ != State::closed) fail(FdtWriteError::bad_nesting);
    put_u32(static_cast<std::uint32_t>(FdtTag::end));
    if (spare > strings_ - used_) fail(FdtWriteError::no_space);
    if (failed_) return std::unexpected(error_);
    const std::size_t strings_size = bytes_.size() - strings_;
    finish_names(bytes_.subspan(structure_, used_ - structure_), strings_size);
    std::memmove(bytes_.subspan(used_).data(), bytes_.subspan(strings_).data(), strings_size);
    const std::size_t end = used_ + strings_size;
    std::memset(bytes_.subspan(end, spare).data(), 0, spare);
    finish_header(strings_size, spare);
    failed_ = true;  // nothing may follow
    error_ = FdtWriteError::bad_nesting;
    return bytes_.first(end + spare);
}

}  // namespace cairn
