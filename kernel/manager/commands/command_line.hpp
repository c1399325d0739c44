// SPDX-License-Identifier: MIT
// A line of the monitor taken apart: words between spaces, the first of which is the command. The
// word --json, wherever it stands, asks for JSON and is none of them. Pure; views into the line.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/static_vector.hpp>

namespace cairn {

inline constexpr std::string_view json_option = "--json";

struct CommandLine {
    static constexpr std::size_t most_words = 8;

    static_vector<std::string_view, most_words> words;
    bool json = false;
    bool too_long = false;  ///< it has more words

    [[nodiscard]] std::string_view command() const { return word(0); }
    /// Argument `index`, from 0; empty where there is none.
    [[nodiscard]] std::string_view argument(std::size_t index) const { return word(index + 1); }
    [[nodiscard]] std::size_t arguments() const { return words.empty() ? 0 : words.size() - 1; }

  private:
    [[nodiscard]] std::string_view word(std::size_t index) const {
        return index < words.size() ? words[index] : std::string_view{};
    }
};

[[nodiscard]] CommandLine parse_command_line(std::string_view line);

/// Whether so many arguments are what `usage` asks for: "VM ADDRESS [LENGTH]" takes two or three.
/// What is in brackets, at the end, is left out or given whole; brackets may hold brackets.
[[nodiscard]] bool takes_arguments(std::string_view usage, std::size_t count);
/// What argument `index` is, by `usage`, without brackets: "VM"; empty: it takes no such argument.
[[nodiscard]] std::string_view argument_kind(std::string_view usage, std::size_t index);

/// A vCPU by name: "web.0" is the first of VM web.
struct VcpuName {
    std::string_view vm;
    std::uint32_t cpu = 0;
};
[[nodiscard]] std::optional<VcpuName> parse_vcpu_name(std::string_view text);

/// What all of `words` that begin with `start` have in common behind it, and how many those are.
struct Completion {
    std::string_view rest;
    std::size_t count = 0;
};
[[nodiscard]] Completion complete_word(std::span<const std::string_view> words,
                                       std::string_view start);

}  // namespace cairn
