// SPDX-License-Identifier: MIT
// Any bytes as a cpio archive: entries lie inside it, in order, and errors name a place in it.
#include <cstdint>

#include "lib/cpio.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto archive = cairn::CpioArchive::parse(bytes);
    if (!archive) {
        if (archive.error().offset > size) __builtin_trap();
        return 0;
    }
    std::size_t previous_end = 0;
    for (const cairn::CpioEntry& entry : *archive) {
        const auto start = static_cast<std::size_t>(entry.data.data() - bytes.data());
        if (entry.offset < previous_end || start < entry.offset || entry.name.empty()) {
            __builtin_trap();
        }
        previous_end = start + entry.data.size();
        if (previous_end > size) __builtin_trap();
    }
    [[maybe_unused]] volatile bool found = archive->find("vm0/vm.conf").has_value();
    return 0;
}
