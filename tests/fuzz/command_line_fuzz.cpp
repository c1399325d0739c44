// SPDX-License-Identifier: MIT
// Cairn's command line as it comes from a device tree or from UEFI's load options: any bytes are
// options, or a word of theirs with what would be right instead.
#include <algorithm>
#include <string>

#include <cairn/panic.hpp>
#include "kernel/host/boot/boot_options.hpp"
#include "kernel/uefi/load_options.hpp"
#include "tests/fuzz/input.hpp"

using namespace cairn;

namespace {

/// Words that are options or nearly so, between those of the input.
std::string words_of(FuzzInput& input) {
    constexpr std::string_view words[]{"heap=",
                                       "heap=16M",
                                       "quota=",
                                       "quota=64K",
                                       "gstage=",
                                       "gstage=sv39x4",
                                       "gstage=sv57x4",
                                       "exits=",
                                       "exits=count",
                                       "crash=",
                                       "crash=trap",
                                       "crash=execute-data",
                                       " ",
                                       "\t",
                                       "\n",
                                       "archive=",
                                       "initrd=\\a/b",
                                       "cairn.efi",
                                       "a.EFI",
                                       "0",
                                       "1G",
                                       "18446744073709551615K"};
    std::string text;
    while (!input.empty()) {
        const std::uint64_t choice = input.take(1);
        if (choice < 200) {
            text += words[choice % std::size(words)];
        } else {
            const auto run = input.run(choice - 200);
            text.append(reinterpret_cast<const char*>(run.data()), run.size());
        }
    }
    return text;
}

void check_options(std::string_view text) {
    const auto options = parse_boot_options(text);
    if (options) {
        require(options->heap_size.value_or(1) != 0 && options->vm_quota.value_or(1) != 0,
                "sizes are not 0");
        require(!options->crash || to_string(*options->crash) != "unknown", "a crash has a name");
        return;
    }
    const auto& [word, expected] = options.error();
    require(!word.empty() && !expected.empty(), "an error has a word, and what would be right");
    require(word.data() >= text.data() && word.data() + word.size() <= text.data() + text.size(),
            "the word is one of the text");
    require(word.find_first_of(" \t\n") == std::string_view::npos, "a word has no blanks");
    const auto before = static_cast<std::size_t>(word.data() - text.data());
    require(parse_boot_options(text.substr(0, before)).has_value(), "what comes before is right");
}

void check_path(std::optional<std::string_view> path) {
    if (!path) return;
    require(!path->empty() && path->size() <= uefi::CommandLine::path_capacity, "a path fits");
    require(!path->contains('/'), "a path is as UEFI writes it");
}

void check_line(const uefi::CommandLine& line, std::size_t letters) {
    const std::string_view words = line.words();
    require(words.size() <= letters && words.size() <= uefi::CommandLine::capacity, "words fit");
    require(!words.starts_with(' ') && !words.ends_with(' ') && !words.contains("  "),
            "words have one blank between them");
    check_path(line.archive());
    check_path(line.initrd());
    check_options(words);
    uefi::CommandLine again;  // the name of an image may stand in front once
    require(again.read("x.efi " + std::string(words)) || words.size() + 6 > line.capacity,
            "words are a line");
    if (again.words().size() == words.size()) require(again.words() == words, "of the same words");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    check_options({reinterpret_cast<const char*>(data), size});
    uefi::CommandLine line;
    if (line.read(std::as_bytes(bytes))) check_line(line, size / 2);

    FuzzInput input(bytes);
    const std::string text = words_of(input);
    check_options(text);
    if (line.read(std::string_view(text))) check_line(line, text.size());
    // And where it is about to be too long.
    const std::string filled = std::string(uefi::CommandLine::capacity - 12, 'x') + ' ' + text;
    if (line.read(std::string_view(filled))) check_line(line, filled.size());
    const std::u16string wide(text.begin(), text.end());
    uefi::CommandLine other;
    if (other.read(std::as_bytes(std::span(wide)))) {
        check_line(other, text.size());
        require(std::ranges::all_of(other.words(), [](char c) { return c >= ' ' && c < 0x7f; }),
                "of load options all is printable");
    }
    return 0;
}
