// SPDX-License-Identifier: MIT
// Cpio archives: any bytes, edits of good ones, and good ones that the input describes. Entries lie
// inside the bytes, in order, errors name a place in them, and what good ones hold is found as a
// model says.
#include <cstdint>
#include <string>

#include <cairn/cpio.hpp>
#include "tests/fuzz/archive_model.hpp"
#include "tests/fuzz/edits.hpp"

namespace {

using cairn::ArchiveModel;

constexpr const char* names[] = {"a",     "./a",      "/a",     "b",  "a/b", "a//b", "./a/./b",
                                 "a/b/c", "//a/b//c", "a/../b", "..", ".",   "",     "TRAILER!!"};

void try_archive(std::span<const std::byte> bytes) {
    const auto archive = cairn::CpioArchive::parse(bytes);
    if (!archive) {
        if (archive.error().offset > bytes.size()) __builtin_trap();
        return;
    }
    std::size_t previous_end = 0;
    std::size_t previous_archive = 0;
    for (const cairn::CpioEntry& entry : *archive) {
        const auto start = static_cast<std::size_t>(entry.data.data() - bytes.data());
        if (entry.offset < previous_end || start < entry.offset || entry.name.empty()) {
            __builtin_trap();
        }
        if (entry.id.archive < previous_archive || entry.id.archive > entry.offset) {
            __builtin_trap();
        }
        previous_archive = entry.id.archive;
        previous_end = start + entry.data.size();
        if (previous_end > bytes.size()) __builtin_trap();
    }
    [[maybe_unused]] volatile bool found = archive->find("a").has_value();
}

/// Four bytes of the input are an entry, or the end of an archive.
ArchiveModel described(std::span<const std::uint8_t> input) {
    ArchiveModel model;
    for (; input.size() >= 4; input = input.subspan(4)) {
        const unsigned what = input[0];
        if (what >= 224) {
            model.end(what % 16);
            continue;
        }
        const unsigned id = input[2];
        model.add({.name = names[what % std::size(names)],
                   .data = std::string(input[3] % 8, static_cast<char>('a' + input[3] / 8)),
                   .mode = input[1] % 8 == 0 ? 0120777u : 0100644u,
                   .links = 1u + input[1] / 8 % 2,
                   .inode = id % 3,
                   .device_major = id / 4 % 2,
                   .device_minor = id / 8 % 2,
                   .name_padding = input[1] / 16u});
    }
    model.end(input.size());
    return model;
}

void check_described(std::span<const std::uint8_t> input) {
    const ArchiveModel model = described(input);
    const std::vector<std::byte> exact(model.bytes().begin(), model.bytes().end());
    const auto archive = cairn::CpioArchive::parse(exact);
    if (!archive) __builtin_trap();
    for (const char* name : names) {
        const auto expected = model.file(name);
        const auto found = archive->find(name);
        if ((found && found->is_file()) != expected.has_value()) __builtin_trap();
        if (!expected) continue;
        const std::string_view data(reinterpret_cast<const char*>(found->data.data()),
                                    found->data.size());
        if (data != *expected) __builtin_trap();
    }
}

std::vector<std::byte> good_archive() {
    ArchiveModel model;
    model.add({.name = "./a", .data = "", .links = 2, .inode = 7});
    model.add({.name = "b", .data = "hello", .links = 2, .inode = 7, .name_padding = 3});
    model.end(8);
    model.add({.name = "/c//d", .data = "again"});
    model.end(4);
    if (!cairn::CpioArchive::parse(model.bytes())) __builtin_trap();
    return {model.bytes().begin(), model.bytes().end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<std::byte> good = good_archive();
    const auto bytes = std::as_bytes(std::span{data, size});
    try_archive(bytes);
    try_archive(cairn::edited(good, bytes));
    // As many entries as a model finds quickly.
    check_described(std::span{data, std::min<std::size_t>(size, 40)});
    return 0;
}
