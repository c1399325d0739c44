// SPDX-License-Identifier: MIT
// Cairn's command line, as firmware gives it: the image's load options (UEFI Specification 2.10,
// section 9.1), UTF-16 of a length in bytes. The words are those of kernel/host/boot_options.hpp
// and one more, which is taken out here:
//
//     archive=PATH   the VM archive, on the volume that Cairn came from; "/" is as good as "\"
//
// UEFI's shell puts the name of the image first: a first word that ends in ".efi" is skipped. Pure.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace cairn::uefi {

class CommandLine {
  public:
    static constexpr std::size_t capacity = 2048;
    static constexpr std::size_t path_capacity = 256;

    constexpr CommandLine() = default;
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    /// Copies the load options in; what is no printable ASCII becomes '?', which no option has.
    /// False where they are too long.
    [[nodiscard]] bool read(std::span<const std::byte> load_options);
    /// The same for text, as a device tree has it.
    [[nodiscard]] bool read(std::string_view text);

    /// What is left for parse_boot_options.
    [[nodiscard]] std::string_view words() const { return {words_.data(), words_size_}; }
    /// What archive= says.
    [[nodiscard]] std::optional<std::string_view> archive() const {
        if (!has_archive_) return std::nullopt;
        return std::string_view(path_.data(), path_size_);
    }

  private:
    [[nodiscard]] bool take_words(std::string_view text);
    [[nodiscard]] bool take_archive(std::string_view path);

    std::array<char, capacity> words_{};
    std::size_t words_size_ = 0;
    std::array<char, path_capacity> path_{};
    std::size_t path_size_ = 0;
    bool has_archive_ = false;
};

}  // namespace cairn::uefi
