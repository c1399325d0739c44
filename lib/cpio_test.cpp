// SPDX-License-Identifier: MIT
#include "lib/cpio.hpp"

#include <rapidcheck.h>

#include <cstdio>

#include "tests/unit/catch.hpp"
#include "tests/unit/command.hpp"

namespace cairn {
namespace {

using Bytes = std::vector<std::byte>;
using Reason = CpioError::Reason;

struct File {
    std::string name;
    std::string data;
    unsigned mode = 0100644;
    unsigned inode = 0;
    unsigned links = 1;
};

/// The archive of `files`, written independently of the reader.
std::string archive_of(const std::vector<File>& files, bool with_trailer = true) {
    std::string out;
    const auto put = [&out](const File& file) {
        std::array<char, 111> header{};
        std::snprintf(header.data(), header.size(),
                      "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", file.inode,
                      file.mode, 0u, 0u, file.links, 0u, file.data.size(), 0u, 0u, 0u, 0u,
                      file.name.size() + 1, 0u);
        out.append(header.data(), 110);
        out.append(file.name).append(1, '\0');
        while (out.size() % 4 != 0)
            out.append(1, '\0');
        out.append(file.data);
        while (out.size() % 4 != 0)
            out.append(1, '\0');
    };
    for (const File& file : files)
        put(file);
    if (with_trailer) put({"TRAILER!!!", "", 0});
    return out;
}

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span{text});
}

std::string text_of(std::span<const std::byte> data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

CpioError error_of(const std::string& archive) {
    const Bytes exact(bytes_of(archive).begin(), bytes_of(archive).end());
    const auto parsed = CpioArchive::parse(exact);
    REQUIRE(!parsed);
    return parsed.error();
}

}  // namespace

TEST_CASE("entries come in order, with their names normalised", "[cpio]") {
    const std::string text = archive_of({{".", "", 040755},
                                         {"./vm0", "", 040755},
                                         {"./vm0/vm.conf", "cpus = 1\n"},
                                         {".//vm0/Image", "12345"},
                                         {"empty", ""},
                                         {".hidden", "h"}});
    const auto archive = CpioArchive::parse(bytes_of(text));
    REQUIRE(archive);
    std::vector<std::string> names;
    for (const CpioEntry& entry : *archive)
        names.emplace_back(entry.name);
    CHECK(names ==
          std::vector<std::string>{".", "vm0", "vm0/vm.conf", "vm0/Image", "empty", ".hidden"});
    CHECK(archive->find("vm0")->is_folder());
    CHECK(!archive->find("vm0")->is_file());
    CHECK(archive->find("vm0/vm.conf")->is_file());
    CHECK(text_of(archive->find("vm0/vm.conf")->data) == "cpus = 1\n");
    CHECK(text_of(archive->find("vm0/Image")->data) == "12345");
    CHECK(archive->find("empty")->data.empty());
    CHECK(!archive->find("vm1"));
    CHECK(!archive->find("TRAILER!!!"));
}

TEST_CASE("an archive may be empty, and what follows its trailer does not count", "[cpio]") {
    const std::string empty = archive_of({});
    const std::string padded = empty + std::string(512, '\0') + "garbage";
    const auto archive = CpioArchive::parse(bytes_of(padded));
    REQUIRE(archive);
    CHECK(archive->begin() == CpioArchive::end());
    // The trailer needs no padding.
    CHECK(CpioArchive::parse(bytes_of(empty).first(110 + sizeof "TRAILER!!!")));
}

TEST_CASE("the last of several entries of a name counts", "[cpio]") {
    const std::string text = archive_of({{"a", "old"}, {"./a", "new"}});
    CHECK(text_of(CpioArchive::parse(bytes_of(text))->find("a")->data) == "new");
}

TEST_CASE("hard links share the data that one of them carries", "[cpio]") {
    const std::string text = archive_of({{"first", "", 0100644, 7, 2},
                                         {"other", "no", 0100644, 8, 1},
                                         {"last", "data", 0100644, 7, 2}});
    const auto archive = CpioArchive::parse(bytes_of(text));
    REQUIRE(archive);
    CHECK(text_of(archive->find("first")->data) == "data");
    CHECK(text_of(archive->find("last")->data) == "data");
}

TEST_CASE("every kind of damage has its error and its place", "[cpio]") {
    const std::string first = archive_of({{"one", "1"}}, false);
    const std::size_t second = first.size();
    const std::string good = archive_of({{"one", "1"}, {"two", "22"}});
    const auto with = [&](std::size_t at, const std::string& patch) {
        std::string text = good;
        text.replace(second + at, patch.size(), patch);
        return error_of(text);
    };
    REQUIRE(CpioArchive::parse(bytes_of(good)));
    CHECK(error_of("") == CpioError{Reason::no_trailer, 0});
    CHECK(error_of(first) == CpioError{Reason::no_trailer, second});
    CHECK(error_of("\x1f\x8b gzip") == CpioError{Reason::bad_magic, 0});
    CHECK(error_of("0707") == CpioError{Reason::truncated, 0});
    CHECK(with(0, "070702") == CpioError{Reason::bad_magic, second});
    CHECK(with(6, "0000000g") == CpioError{Reason::bad_digit, second});
    CHECK(with(6, "-0000001") == CpioError{Reason::bad_digit, second});
    CHECK(with(6, "0x000001") == CpioError{Reason::bad_digit, second});
    CHECK(with(102, " 0000000") == CpioError{Reason::bad_digit, second});
    CHECK(with(94, "00000000") == CpioError{Reason::unterminated_name, second});
    CHECK(with(94, "00000003") == CpioError{Reason::unterminated_name, second});
    CHECK(with(94, "00000005") == CpioError{Reason::unterminated_name, second});
    CHECK(with(94, "00001001") == CpioError{Reason::name_too_long, second});
    CHECK(with(94, "00001000") == CpioError{Reason::truncated, second});
    CHECK(with(54, "00000100") == CpioError{Reason::truncated, second});
    CHECK(with(54, "FFFFFFFF") == CpioError{Reason::truncated, second});
    CHECK(to_string(Reason::bad_digit) != to_string(Reason::bad_magic));
}

TEST_CASE("an archive cut anywhere before its trailer's end is an error", "[cpio]") {
    const std::string good = archive_of({{"one", "1"}, {"a/longer/name", std::string(33, 'x')}});
    const std::size_t end = good.rfind("TRAILER!!!") + sizeof "TRAILER!!!";
    for (std::size_t length = 0; length < end; ++length) {
        const CpioError error = error_of(good.substr(0, length));
        REQUIRE(error.offset <= length);
        REQUIRE((error.reason == Reason::truncated || error.reason == Reason::no_trailer));
    }
}

TEST_CASE("what is archived is found", "[cpio]") {
    CHECK(rc::check("round trip", [](const std::vector<std::string>& contents) {
        std::vector<File> files;
        for (const std::string& content : contents) {
            files.push_back({"f" + std::to_string(files.size()), content});
        }
        const std::string text = archive_of(files);
        const auto archive = CpioArchive::parse(bytes_of(text));
        RC_ASSERT(archive.has_value());
        std::size_t index = 0;
        for (const CpioEntry& entry : *archive) {
            RC_ASSERT(entry.name == files[index].name);
            RC_ASSERT(text_of(entry.data) == files[index].data);
            ++index;
        }
        RC_ASSERT(index == files.size());
    }));
}

TEST_CASE("what cpio(1) writes is read", "[cpio]") {
    if (!has_program("cpio")) {
        WARN("no cpio here: not tested");
        return;
    }
    const TemporaryFolder folder;
    const std::string root = folder.file("tree");
    REQUIRE(run_command("mkdir -p " + root + "/vm && cd " + root +
                        " && printf hello > vm/a && ln vm/a vm/b && ln -s a vm/c && : > vm/d"
                        " && find . | sort | cpio --quiet -o -H newc > ../out.cpio"));
    const Bytes bytes = read_bytes(folder.file("out.cpio"));
    const auto archive = CpioArchive::parse(bytes);
    REQUIRE(archive);
    CHECK(archive->find("vm")->is_folder());
    CHECK(text_of(archive->find("vm/a")->data) == "hello");
    CHECK(text_of(archive->find("vm/b")->data) == "hello");
    CHECK(!archive->find("vm/c")->is_file());
    CHECK(archive->find("vm/d")->data.empty());
}

}  // namespace cairn
