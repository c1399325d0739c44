// SPDX-License-Identifier: MIT
#include "cairn/cpio.hpp"

#include <rapidcheck.h>

#include <cstdio>
#include <optional>

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
    unsigned device_major = 0;
    unsigned device_minor = 0;
    std::size_t name_padding = 0;  ///< NULs behind the name's own
};

/// The archive of `files`, written independently of the reader.
std::string archive_of(const std::vector<File>& files, bool with_trailer = true) {
    std::string out;
    const auto put = [&out](const File& file) {
        std::array<char, 111> header{};
        std::snprintf(header.data(), header.size(),
                      "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", file.inode,
                      file.mode, 0u, 0u, file.links, 0u, file.data.size(), file.device_major,
                      file.device_minor, 0u, 0u, file.name.size() + 1 + file.name_padding, 0u);
        out.append(header.data(), 110);
        out.append(file.name).append(1 + file.name_padding, '\0');
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

TEST_CASE("an archive may be empty, and zeroes may follow its trailer", "[cpio]") {
    const std::string empty = archive_of({});
    const std::string padded = empty + std::string(512, '\0');
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

TEST_CASE("a hard link is of one device and of one archive", "[cpio]") {
    const std::string first = archive_of({{"a", "", 0100644, 5, 2, 8, 0},
                                          {"b", "major 9", 0100644, 5, 2, 9, 0},
                                          {"c", "minor 1", 0100644, 5, 2, 8, 1},
                                          {"d", "only one", 0100644, 5, 1, 8, 0},
                                          {"e", "target", 0120777, 5, 2, 8, 0},
                                          {"f", "", 0100644, 6, 2, 8, 0}});
    const std::string second = archive_of({{"g", "another", 0100644, 5, 2, 8, 0},
                                           {"h", "", 0100644, 6, 2, 8, 0},
                                           {"i", "six", 0100644, 6, 2, 8, 0}});
    const std::string both = first + second;
    const auto archive = CpioArchive::parse(bytes_of(both));
    REQUIRE(archive);
    CHECK(archive->find("a")->data.empty());
    CHECK(archive->find("f")->data.empty());
    CHECK(text_of(archive->find("b")->data) == "major 9");
    CHECK(text_of(archive->find("h")->data) == "six");
    CHECK(text_of(archive->find("i")->data) == "six");
}

TEST_CASE("of a file's several data, the last is its contents", "[cpio]") {
    const std::string text = archive_of({{"a", "old", 0100644, 7, 2}, {"b", "new", 0100644, 7, 2}});
    const auto archive = CpioArchive::parse(bytes_of(text));
    REQUIRE(archive);
    CHECK(text_of(archive->find("a")->data) == "new");
    CHECK(text_of(archive->data_of(*archive->begin())) == "new");
}

TEST_CASE("archives behind each other are one, whatever zeroes are around them", "[cpio]") {
    const std::string first = archive_of({{"a", "old"}, {"b", "b"}});
    const std::string second = archive_of({{"./a", "new, of five and more"}, {"c", "c"}});
    for (const std::size_t zeroes : {0u, 1u, 2u, 3u, 4u, 5u, 512u, 4095u}) {
        const std::string text = std::string(zeroes, '\0') + first + std::string(zeroes, '\0') +
                                 second + second + std::string(zeroes, '\0');
        const auto archive = CpioArchive::parse(bytes_of(text));
        REQUIRE(archive);
        std::string names;
        for (const CpioEntry& entry : *archive)
            names += entry.name;
        CHECK(names == "abacac");
        CHECK(text_of(archive->find("a")->data) == "new, of five and more");
        CHECK(text_of(archive->find("b")->data) == "b");
        CHECK(text_of(archive->find("c")->data) == "c");
    }
    // The trailer's own padding may be missing too.
    const std::size_t end = first.rfind("TRAILER!!!") + sizeof "TRAILER!!!";
    const std::string text = first.substr(0, end) + second;
    const auto archive = CpioArchive::parse(bytes_of(text));
    REQUIRE(archive);
    CHECK(text_of(archive->find("a")->data) == "new, of five and more");
}

TEST_CASE("what follows a trailer and is no archive is an error, and where", "[cpio]") {
    const std::string good = archive_of({{"one", "1"}});
    const std::string padded = good + std::string(388, '\0');
    const auto behind = [&](const std::string& text) { return error_of(padded + text); };
    CHECK(behind("garbage") == CpioError{Reason::garbage, padded.size()});
    CHECK(behind("0") == CpioError{Reason::truncated, padded.size()});
    CHECK(behind("070702") == CpioError{Reason::garbage, padded.size()});
    CHECK(behind(std::string("\0\1", 2)) == CpioError{Reason::garbage, padded.size() + 1});
    CHECK(behind(good.substr(0, 115)) == CpioError{Reason::truncated, padded.size() + 0});
    CHECK(behind(archive_of({{"a", "a"}}, false)).reason == Reason::no_trailer);
    CHECK(behind(good + "x") == CpioError{Reason::garbage, padded.size() + good.size()});
    for (const std::string& magic :
         {std::string("\x1f\x8b"), std::string("BZh"), std::string("\x5d\0\0", 3),
          std::string("\xfd") + "7zXZ", std::string("\x89LZO"), std::string("\x02\x21\x4c\x18"),
          std::string("\x04\x22\x4d\x18"), std::string("\x28\xb5\x2f\xfd")}) {
        CHECK(behind(magic + "...") == CpioError{Reason::compressed, padded.size()});
        CHECK(error_of(magic + "...") == CpioError{Reason::compressed, 0});
    }
    // Within an archive it is a damaged header, whatever it looks like.
    CHECK(error_of(archive_of({{"a", "a"}}, false) + "\x1f\x8b").reason == Reason::bad_magic);
    CHECK(error_of(std::string(8, '\0')) == CpioError{Reason::bad_magic, 0});
    CHECK(error_of(std::string(8, '\0') + "x") == CpioError{Reason::bad_magic, 8});
    CHECK(error_of(std::string(8, '\0') + "BZh...") == CpioError{Reason::compressed, 8});
    CHECK(error_of(std::string(8, '\0') + "07070") == CpioError{Reason::truncated, 8});
}

TEST_CASE("a name ends at its first NUL", "[cpio]") {
    const std::string text = archive_of(
        {{"a", "data", 0100644, 0, 1, 0, 0, 3}, {"TRAILER!!!", "", 0, 0, 1, 0, 0, 5}}, false);
    const auto archive = CpioArchive::parse(bytes_of(text));
    REQUIRE(archive);
    CHECK(archive->begin()->name == "a");
    CHECK(text_of(archive->find("a")->data) == "data");
    // As long as Linux takes them, NULs counted.
    const std::string longest = archive_of({{"a", "data", 0100644, 0, 1, 0, 0, 4094}});
    CHECK(text_of(CpioArchive::parse(bytes_of(longest))->find("a")->data) == "data");
}

TEST_CASE("names are paths: ./, / and // do not count", "[cpio]") {
    for (const char* name : {"a/b", "/a/b", "./a/b", "//a//b", ".//./a/./b", "a/b/"}) {
        const std::string text = archive_of({{"x", "x"}, {name, "data"}});
        const auto archive = CpioArchive::parse(bytes_of(text));
        REQUIRE(archive);
        for (const char* asked : {"a/b", "./a//b", "/a/b"})
            CHECK(text_of(archive->find(asked).value().data) == "data");
        CHECK(text_of(archive->find("./b", "a/").value().data) == "data");
        CHECK(!archive->find("a"));
        CHECK(!archive->find("b"));
        CHECK(!archive->find("b", "x"));
    }
    const std::string replaced = archive_of({{"a/b", "old"}, {"/a//b", "new"}});
    CHECK(text_of(CpioArchive::parse(bytes_of(replaced))->find("a/b")->data) == "new");
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
    CHECK(error_of("gzip") == CpioError{Reason::bad_magic, 0});
    CHECK(error_of("0707") == CpioError{Reason::truncated, 0});
    CHECK(with(0, "070702") == CpioError{Reason::bad_magic, second});
    CHECK(with(6, "0000000g") == CpioError{Reason::bad_digit, second});
    CHECK(with(6, "-0000001") == CpioError{Reason::bad_digit, second});
    CHECK(with(6, "0x000001") == CpioError{Reason::bad_digit, second});
    CHECK(with(102, " 0000000") == CpioError{Reason::bad_digit, second});
    CHECK(with(94, "00000000") == CpioError{Reason::unterminated_name, second});
    CHECK(with(94, "00000003") == CpioError{Reason::unterminated_name, second});
    CHECK(with(94, "00000007") == CpioError{Reason::unterminated_name, second});
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

class RealArchives {
  public:
    /// Runs `commands` in an empty folder; `pack NAME` there archives everything below it.
    std::optional<Bytes> made_by(const std::string& commands) {
        const std::string script =
            "set -e; pack() { find . | sort | cpio --quiet -o -H newc > $1; };"
            " mkdir " +
            folder_.file("tree") + "; cd " + folder_.file("tree") + "; " + commands;
        if (!run_command("bash -c '" + script + "'")) return std::nullopt;
        return read_bytes(folder_.file("out.cpio"));
    }

  private:
    TemporaryFolder folder_;
};

TEST_CASE("what cpio(1) writes is read", "[cpio]") {
    if (!has_program("cpio")) {
        WARN("no cpio here: not tested");
        return;
    }
    const auto bytes = RealArchives().made_by(
        "mkdir vm; printf hello > vm/a; ln vm/a vm/b; ln -s a vm/c; : > vm/d; pack ../out.cpio");
    REQUIRE(bytes);
    const auto archive = CpioArchive::parse(*bytes);
    REQUIRE(archive);
    CHECK(archive->find("vm")->is_folder());
    CHECK(text_of(archive->find("vm/a")->data) == "hello");
    CHECK(text_of(archive->find("vm/b")->data) == "hello");
    CHECK(!archive->find("vm/c")->is_file());
    CHECK(archive->find("vm/d")->data.empty());
}

TEST_CASE("what cat makes of two archives of cpio(1) is read", "[cpio]") {
    if (!has_program("cpio")) {
        WARN("no cpio here: not tested");
        return;
    }
    const auto bytes = RealArchives().made_by(
        "printf one > a; ln a b; pack ../1.cpio; rm a b;"
        "printf two > a; ln a c; pack ../2.cpio; cat ../1.cpio ../2.cpio > ../out.cpio");
    REQUIRE(bytes);
    REQUIRE(bytes->size() % 512 == 0);
    const auto archive = CpioArchive::parse(*bytes);
    REQUIRE(archive);
    CHECK(text_of(archive->find("a")->data) == "two");
    CHECK(text_of(archive->find("b")->data) == "one");
    CHECK(text_of(archive->find("c")->data) == "two");
}

}  // namespace cairn
