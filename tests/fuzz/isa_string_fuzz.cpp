// SPDX-License-Identifier: MIT
// ISA strings of any bytes: no crash, and what is written reads back as the same set.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kernel/arch/isa/isa_string.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Longer ones only repeat what happens between two underscores.
    const std::string_view text(reinterpret_cast<const char*>(data),
                                std::min<std::size_t>(size, 64));
    std::array<char, cairn::isa_string_capacity> buffer{};

    // A set without its base is written, but is no ISA string to be read.
    auto listed = cairn::parse_isa_list(text);
    listed.insert(cairn::IsaExtension::i);
    const auto sets = std::array{listed, cairn::parse_isa_string(text).value_or(listed)};
    for (const cairn::IsaSet& set : sets) {
        const auto written = cairn::write_isa_string(set, buffer);
        if (!written || cairn::parse_isa_string(*written) != set) std::abort();
        const auto list = cairn::write_isa_list(set, buffer);
        if (!list || cairn::parse_isa_list(*list) != set) std::abort();
    }
    return 0;
}
