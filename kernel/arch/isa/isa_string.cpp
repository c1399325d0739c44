// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/arch/isa/isa_string.hpp"

#include <algorithm>
#include <optional>

namespace cairn {
namespace {

// The locale's <cctype> is not for a freestanding program.
constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

// Equal but for the case of `text`; `lower_case` is a row's name.
bool equal_names(std::string_view text, std::string_view lower_case) {
    return std::ranges::equal(text, lower_case, {}, lower);
}

std::optional<IsaExtension> find(std::string_view text) {
    for (const IsaRow& row : isa_rows) {
        if (text.size() == row.name.size() && equal_names(text, row.name)) return row.extension;
    }
    return {};
}

// `text` without a version at its end: "2", "2p0". What remains may be empty.
std::string_view without_version(std::string_view text) {
    const auto strip_digits = [](std::string_view from) {
        while (!from.empty() && is_digit(from.back()))
            from.remove_suffix(1);
        return from;
    };
    const std::string_view major_and_point = strip_digits(text);
    if (major_and_point.size() == text.size()) return text;
    if (!major_and_point.empty() && lower(major_and_point.back()) == 'p') {
        const std::string_view major = major_and_point.substr(0, major_and_point.size() - 1);
        const std::string_view bare = strip_digits(major);
        if (bare.size() != major.size()) return bare;
    }
    return major_and_point;
}

void insert_named(IsaSet& set, std::string_view text) {
    // Names may end in digits themselves, so the whole is tried first.
    auto extension = find(text);
    if (!extension && !text.empty() && is_digit(text.back()))
        extension = find(without_version(text));
    if (!extension) return;
    set.insert(*extension);
    if (*extension == IsaExtension::b) {
        for (const auto part : {IsaExtension::zba, IsaExtension::zbb, IsaExtension::zbs}) {
            set.insert(part);
        }
    }
}

void insert_general(IsaSet& set) {
    for (const auto part : {IsaExtension::i, IsaExtension::m, IsaExtension::a, IsaExtension::f,
                            IsaExtension::d, IsaExtension::zicsr, IsaExtension::zifencei}) {
        set.insert(part);
    }
}

// Drops "2" or "2p0" from the front; a 'p' without digits on both sides is the P extension.
void skip_version(std::string_view& text) {
    const auto skip_digits = [](std::string_view& from) {
        while (!from.empty() && is_digit(from.front()))
            from.remove_prefix(1);
    };
    if (text.empty() || !is_digit(text.front())) return;
    skip_digits(text);
    if (text.size() < 2 || lower(text[0]) != 'p' || !is_digit(text[1])) return;
    text.remove_prefix(1);
    skip_digits(text);
}

constexpr bool begins_multi_letter(char c) {
    return lower(c) == 'z' || lower(c) == 's' || lower(c) == 'x';
}

// One part between underscores: single letters, then perhaps one multi-letter name.
void insert_part(IsaSet& set, std::string_view part) {
    while (!part.empty()) {
        if (begins_multi_letter(part.front())) return insert_named(set, part);
        if (lower(part.front()) == 'g') insert_general(set);
        insert_named(set, part.substr(0, 1));
        part.remove_prefix(1);
        skip_version(part);
    }
}

// Appends to a buffer until something does not fit.
class Output {
  public:
    explicit Output(std::span<char> buffer) : buffer_(buffer) {}

    void append(std::string_view text) {
        full_ = full_ || text.size() > buffer_.size() - used_;
        if (full_) return;
        std::ranges::copy(text, buffer_.begin() + static_cast<std::ptrdiff_t>(used_));
        used_ += text.size();
    }
    [[nodiscard]] std::expected<std::string_view, IsaError> result() const {
        if (full_) return std::unexpected(IsaError::buffer_too_small);
        return std::string_view(buffer_.data(), used_);
    }

  private:
    std::span<char> buffer_;
    std::size_t used_ = 0;
    bool full_ = false;
};

}  // namespace

std::string_view to_string(IsaError error) {
    switch (error) {
        case IsaError::not_rv64: return "the ISA string does not begin with \"rv64\"";
        case IsaError::bad_character:
            return "the ISA string holds something but letters, digits and underscores";
        case IsaError::buffer_too_small: return "the buffer for the ISA string is too small";
    }
    return "an unknown ISA string error";
}

std::expected<IsaSet, IsaError> parse_isa_string(std::string_view text) {
    constexpr std::string_view prefix = "rv64";
    if (!equal_names(text.substr(0, prefix.size()), prefix)) {
        return std::unexpected(IsaError::not_rv64);
    }
    text.remove_prefix(prefix.size());
    // The base: I or the shorthand G; E, with 16 registers, is no base for Cairn.
    if (text.empty() || (lower(text.front()) != 'i' && lower(text.front()) != 'g')) {
        return std::unexpected(IsaError::not_rv64);
    }
    if (!std::ranges::all_of(text,
                             [](char c) { return is_letter(c) || is_digit(c) || c == '_'; })) {
        return std::unexpected(IsaError::bad_character);
    }
    IsaSet set;
    while (!text.empty()) {
        const std::string_view part = text.substr(0, text.find('_'));
        insert_part(set, part);
        text.remove_prefix(std::min(text.size(), part.size() + 1));
    }
    return set;
}

IsaSet parse_isa_list(std::string_view bytes) {
    IsaSet set;
    while (!bytes.empty()) {
        const std::string_view entry = bytes.substr(0, bytes.find('\0'));
        insert_named(set, entry);
        bytes.remove_prefix(std::min(bytes.size(), entry.size() + 1));
    }
    return set;
}

IsaSet guest_isa(const IsaSet& machine, const GuestIsaOptions& options) {
    const auto passes = [&options](GuestRule rule) {
        switch (rule) {
            case GuestRule::always: return true;
            case GuestRule::never: return false;
            case GuestRule::counters: return options.counters;
            case GuestRule::sstc: return options.sstc;
            case GuestRule::cache_blocks: return options.cache_blocks;
            case GuestRule::page_types: return options.page_types;
            case GuestRule::vectors: return options.vectors;
            case GuestRule::page_updates: return options.page_updates;
            case GuestRule::hpm_counters: return options.hpm_counters;
        }
        return false;
    };
    IsaSet guest;
    for (const IsaRow& row : isa_rows) {
        if (machine.contains(row.extension) && passes(row.rule)) guest.insert(row.extension);
    }
    return guest;
}

std::expected<std::string_view, IsaError> write_isa_string(const IsaSet& set,
                                                           std::span<char> buffer) {
    Output output(buffer);
    output.append("rv64");
    for (const IsaRow& row : isa_rows) {
        if (!set.contains(row.extension)) continue;
        if (row.name.size() > 1) output.append("_");
        output.append(row.name);
    }
    return output.result();
}

std::expected<std::string_view, IsaError> write_isa_list(const IsaSet& set,
                                                         std::span<char> buffer) {
    Output output(buffer);
    for (const IsaRow& row : isa_rows) {
        if (!set.contains(row.extension)) continue;
        output.append(row.name);
        output.append(std::string_view("\0", 1));
    }
    return output.result();
}

}  // namespace cairn
