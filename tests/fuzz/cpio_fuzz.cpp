// SPDX-License-Identifier: MIT
// Any bytes, and any edits of a good archive, as a cpio archive: entries lie inside it, in order,
// and errors name a place in it.
#include <cstdint>
#include <string>

#include "lib/cpio.hpp"
#include "tests/fuzz/edits.hpp"

namespace {

void try_archive(std::span<const std::byte> bytes) {
    const auto archive = cairn::CpioArchive::parse(bytes);
    if (!archive) {
        if (archive.error().offset > bytes.size()) __builtin_trap();
        return;
    }
    std::size_t previous_end = 0;
    for (const cairn::CpioEntry& entry : *archive) {
        const auto start = static_cast<std::size_t>(entry.data.data() - bytes.data());
        if (entry.offset < previous_end || start < entry.offset || entry.name.empty()) {
            __builtin_trap();
        }
        previous_end = start + entry.data.size();
        if (previous_end > bytes.size()) __builtin_trap();
    }
    [[maybe_unused]] volatile bool found = archive->find("a").has_value();
}

/// One entry as newc has it: 13 fields, the name, the data.
void add(std::string& archive, const std::string& name, const std::string& data) {
    const auto pad = [&archive] { archive.append((4 - archive.size() % 4) % 4, '\0'); };
    const std::string mode = "000081A4";
    const auto field = [](std::size_t value) {
        const char* digits = "0123456789ABCDEF";
        return std::string("000000") + digits[value / 16 % 16] + digits[value % 16];
    };
    archive += "070701" + field(7) + mode + field(0) + field(0) + field(2) + field(0);
    archive += field(data.size()) + field(0) + field(0) + field(0) + field(0);
    archive += field(name.size() + 1) + field(0) + name + '\0';
    pad();
    archive += data;
    pad();
}

std::vector<std::byte> good_archive() {
    std::string text;
    add(text, "./a", "");
    add(text, "b", "hello");
    add(text, "TRAILER!!!", "");
    const auto bytes = std::as_bytes(std::span{text});
    if (!cairn::CpioArchive::parse(bytes)) __builtin_trap();
    return {bytes.begin(), bytes.end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<std::byte> good = good_archive();
    const auto bytes = std::as_bytes(std::span{data, size});
    try_archive(bytes);
    try_archive(cairn::edited(good, bytes));
    return 0;
}
