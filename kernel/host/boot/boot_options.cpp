// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/boot/boot_options.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <cairn/byte_size.hpp>

namespace cairn {
namespace {

/// Takes the next word off `text`; empty at the end.
std::string_view take_word(std::string_view& text) {
    constexpr std::string_view blank = " \t\n";
    text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(blank));
    text.remove_prefix(word.size());
    return word;
}

bool set_heap(BootOptions& options, std::string_view value) {
    options.heap_size = parse_byte_size(value);
    return options.heap_size.value_or(0) != 0;
}

bool set_quota(BootOptions& options, std::string_view value) {
    options.vm_quota = parse_byte_size(value);
    return options.vm_quota.value_or(0) != 0;
}

bool set_stage2_mode(BootOptions& options, std::string_view value) {
    options.stage2_mode.reset();  // a wrong word is wrong behind a right one too
    if (value == "sv39x4") options.stage2_mode = Stage2Mode::sv39x4;
    if (value == "sv48x4") options.stage2_mode = Stage2Mode::sv48x4;
    if (value == "sv57x4") options.stage2_mode = Stage2Mode::sv57x4;
    return options.stage2_mode.has_value();
}

bool set_scrub(BootOptions& options, std::string_view value) {
    options.trust_unused_ram = value == "used";
    return options.trust_unused_ram || value == "all";
}

bool set_exits(BootOptions& options, std::string_view value) {
    options.count_exits = value == "count";
    return options.count_exits;
}

bool set_turn(BootOptions& options, std::string_view value) {
    options.turn_ms = parse_byte_size(value);
    constexpr std::uint64_t most = 1000;
    return options.turn_ms.value_or(0) != 0 && *options.turn_ms <= most;
}

constexpr std::array crashes{Crash::trap,
                             Crash::panic,
                             Crash::smash,
                             Crash::overflow,
                             Crash::overflow_elsewhere,
                             Crash::null,
                             Crash::write_code,
                             Crash::write_constant,
                             Crash::execute_data,
                             Crash::amid_output};

bool set_crash(BootOptions& options, std::string_view value) {
    options.crash.reset();
    for (const Crash crash : crashes) {
        if (value == to_string(crash)) options.crash = crash;
    }
    return options.crash.has_value();
}

struct Key {
    std::string_view name;
    bool (*set)(BootOptions&, std::string_view);
    std::string_view expected;
    std::string_view once;  ///< what is expected instead of a second one
};
constexpr Key keys[] = {
    {"heap=", set_heap, "a size such as heap=16M", "heap= only once"},
    {"quota=", set_quota, "a size such as quota=256K", "quota= only once"},
    {"gstage=", set_stage2_mode, "gstage=sv39x4, gstage=sv48x4 or gstage=sv57x4",
     "gstage= only once"},
    {"scrub=", set_scrub, "scrub=all or scrub=used", "scrub= only once"},
    {"turn=", set_turn, "a number of milliseconds from 1 to 1000 such as turn=10",
     "turn= only once"},
    {"exits=", set_exits, "exits=count", "exits= only once"},
    {"crash=", set_crash,
     "crash=trap, panic, smash, overflow, overflow-elsewhere, null, write-code, write-constant, "
     "execute-data or amid-output",
     "crash= only once"},
};

}  // namespace

std::string_view to_string(Crash crash) {
    switch (crash) {
        case Crash::trap: return "trap";
        case Crash::panic: return "panic";
        case Crash::smash: return "smash";
        case Crash::overflow: return "overflow";
        case Crash::overflow_elsewhere: return "overflow-elsewhere";
        case Crash::null: return "null";
        case Crash::write_code: return "write-code";
        case Crash::write_constant: return "write-constant";
        case Crash::execute_data: return "execute-data";
        case Crash::amid_output: return "amid-output";
    }
    return "unknown";
}

std::expected<BootOptions, BootOptionError> parse_boot_options(std::string_view arguments) {
    BootOptions options;
    std::array<bool, std::size(keys)> given{};
    while (true) {
        const std::string_view word = take_word(arguments);
        if (word.empty()) return options;
        const auto* const key = std::ranges::find_if(
            keys, [word](const Key& each) { return word.starts_with(each.name); });
        if (key == std::end(keys)) {
            return std::unexpected(BootOptionError{word, known_boot_options});
        }
        if (!key->set(options, word.substr(key->name.size()))) {
            return std::unexpected(BootOptionError{word, key->expected});
        }
        // Which of two was meant, nobody can tell.
        if (std::exchange(given[static_cast<std::size_t>(key - std::begin(keys))], true)) {
            return std::unexpected(BootOptionError{word, key->once});
        }
    }
}

}  // namespace cairn
