// SPDX-License-Identifier: MIT
// Cairn's command line, as firmware gives it: the image's load options (UEFI Specification 2.10,
// section 9.1), UTF-16 of a length in bytes. The words are those of
// kernel/host/boot/boot_options.hpp and two more, which are taken out here; "/" is as good as "\"
// in them:
//
//     archive=PATH   the VM archive, on the volume that Cairn came from
//     initrd=PATH    the same as boot loaders say it (EDK2 does for QEMU's -initrd), where nobody
//                    offers one by protocol; boot loaders with several of them say it several
//                    times, beside that protocol
//
// UEFI's shell puts the name of the image first: a first word that ends in ".efi" is skipped. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace cairn::uefi {

enum class CommandLineFault : std::uint8_t {
    too_long,  ///< the line, or a path in it
    no_path,   ///< archive= or initrd= with nothing behind it
    repeated,  ///< archive=; archive() is the first one
};

class CommandLine {
  public:
    static constexpr std::size_t capacity = 2048;
    static constexpr std::size_t path_capacity = 256;

    constexpr CommandLine() = default;
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    using Result = std::expected<void, CommandLineFault>;

    /// Copies the load options in; what is no printable ASCII becomes '?', which no option has.
    [[nodiscard]] Result read(std::span<const std::byte> load_options);
    /// The same for text, as a device tree has it.
    [[nodiscard]] Result read(std::string_view text);

    /// What is left for parse_boot_options.
    [[nodiscard]] std::string_view words() const { return {words_.data(), words_size_}; }
    [[nodiscard]] std::optional<std::string_view> archive() const { return archive_.view(); }
    /// The first one.
    [[nodiscard]] std::optional<std::string_view> initrd() const { return initrd_.view(); }
    [[nodiscard]] bool has_several_initrds() const { return several_initrds_; }

  private:
    struct Path {
        [[nodiscard]] Result set(std::string_view path);
        [[nodiscard]] std::optional<std::string_view> view() const {
            if (size == 0) return std::nullopt;
            return std::string_view(letters.data(), size);
        }

        std::array<char, path_capacity> letters{};
        std::size_t size = 0;
    };

    [[nodiscard]] Result take_words(std::string_view text);
    [[nodiscard]] Result set_initrd(std::string_view path);

    std::array<char, capacity> words_{};
    std::size_t words_size_ = 0;
    Path archive_;
    Path initrd_;
    bool several_initrds_ = false;
};

}  // namespace cairn::uefi
