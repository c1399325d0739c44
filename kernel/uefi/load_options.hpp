// SPDX-License-Identifier: MIT
// Cairn's command line, as firmware gives it: the image's load options (UEFI Specification 2.10,
// section 9.1), UTF-16 of a length in bytes. The words are those of kernel/host/boot_options.hpp
// and two more, which are taken out here; "/" is as good as "\" in them:
//
//     archive=PATH   the VM archive, on the volume that Cairn came from
//     initrd=PATH    the same as boot loaders say it (EDK2 does for QEMU's -initrd), where nobody
//                    offers one by protocol
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
    [[nodiscard]] std::optional<std::string_view> archive() const { return archive_.view(); }
    [[nodiscard]] std::optional<std::string_view> initrd() const { return initrd_.view(); }

  private:
    struct Path {
        /// False where it is empty or too long.
        [[nodiscard]] bool set(std::string_view path);
        [[nodiscard]] std::optional<std::string_view> view() const {
            if (size == 0) return std::nullopt;
            return std::string_view(letters.data(), size);
        }

        std::array<char, path_capacity> letters{};
        std::size_t size = 0;
    };

    [[nodiscard]] bool take_words(std::string_view text);

    std::array<char, capacity> words_{};
    std::size_t words_size_ = 0;
    Path archive_;
    Path initrd_;
};

}  // namespace cairn::uefi
