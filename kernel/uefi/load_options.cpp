// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/uefi/load_options.hpp"

#include <algorithm>

namespace cairn::uefi {
namespace {

constexpr std::string_view blank = " \t\r\n";
constexpr std::string_view archive_key = "archive=";
constexpr std::string_view initrd_key = "initrd=";

/// The next word of `text` with the blanks behind it taken off.
std::string_view take_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(blank));
    text.remove_prefix(word.size());
    return word;
}

char to_lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool names_an_image(std::string_view word) {
    constexpr std::string_view ending = ".efi";
    if (word.size() < ending.size() || word.contains('=')) return false;
    return std::ranges::equal(word.substr(word.size() - ending.size()), ending, {}, to_lower);
}

bool is_printable(unsigned unit) {
    return (unit >= ' ' && unit < 0x7f) || unit == '\t' || unit == '\r' || unit == '\n';
}

}  // namespace

CommandLine::Result CommandLine::read(std::span<const std::byte> load_options) {
    std::array<char, capacity> text;
    std::size_t size = 0;
    for (; load_options.size() >= 2; load_options = load_options.subspan(2)) {
        const unsigned unit =
            static_cast<unsigned>(load_options[0]) | static_cast<unsigned>(load_options[1]) << 8;
        if (unit == 0) break;
        if (size == text.size()) return std::unexpected(CommandLineFault::too_long);
        text[size++] = is_printable(unit) ? static_cast<char>(unit) : '?';
    }
    return read(std::string_view(text.data(), size));
}

CommandLine::Result CommandLine::read(std::string_view text) {
    words_size_ = 0;
    archive_.size = initrd_.size = 0;
    several_initrds_ = false;
    std::string_view rest = text;
    return take_words(names_an_image(take_word(rest)) ? rest : text);
}

CommandLine::Result CommandLine::take_words(std::string_view text) {
    for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
        if (word.starts_with(archive_key)) {
            if (archive_.view()) return std::unexpected(CommandLineFault::repeated);
            if (const Result set = archive_.set(word.substr(archive_key.size())); !set) return set;
            continue;
        }
        if (word.starts_with(initrd_key)) {
            if (const Result set = set_initrd(word.substr(initrd_key.size())); !set) return set;
            continue;
        }
        if (words_size_ + word.size() + 1 > words_.size()) {
            return std::unexpected(CommandLineFault::too_long);
        }
        if (words_size_ != 0) words_[words_size_++] = ' ';
        std::ranges::copy(word, words_.begin() + static_cast<std::ptrdiff_t>(words_size_));
        words_size_ += word.size();
    }
    return {};
}

CommandLine::Result CommandLine::set_initrd(std::string_view path) {
    several_initrds_ = initrd_.view().has_value();
    Path another;
    return (several_initrds_ ? another : initrd_).set(path);
}

CommandLine::Result CommandLine::Path::set(std::string_view path) {
    if (path.empty()) return std::unexpected(CommandLineFault::no_path);
    if (path.size() > letters.size()) return std::unexpected(CommandLineFault::too_long);
    std::ranges::transform(path, letters.begin(),
                           [](char letter) { return letter == '/' ? '\\' : letter; });
    size = path.size();
    return {};
}

}  // namespace cairn::uefi
