// SPDX-License-Identifier: MIT
#include "kernel/uefi/load_options.hpp"

#include <string>

#include "tests/unit/catch.hpp"

using namespace cairn;
using uefi::CommandLine;
using uefi::CommandLineFault;

namespace {

std::span<const std::byte> bytes_of(const std::u16string& text) {
    return std::as_bytes(std::span(text));
}

}  // namespace

TEST_CASE("load options are UTF-16 up to their length or a zero", "[load_options]") {
    CommandLine line;
    REQUIRE(line.read(bytes_of(u"heap=1M  quota=64K")));
    CHECK(line.words() == "heap=1M quota=64K");
    REQUIRE(line.read(bytes_of(std::u16string(u"heap=1M\0rest", 12))));
    CHECK(line.words() == "heap=1M");
    REQUIRE(line.read(bytes_of(u"heap=1M").first(13)));  // half a unit at the end
    CHECK(line.words() == "heap=1");
    REQUIRE(line.read(std::span<const std::byte>{}));
    CHECK(line.words().empty());
    CHECK(!line.archive());
}

TEST_CASE("what no option has becomes a question mark", "[load_options]") {
    CommandLine line;
    REQUIRE(line.read(bytes_of(u"heap=\u0661M\u0001")));
    CHECK(line.words() == "heap=?M?");
}

TEST_CASE("the name of the image in front is not an option", "[load_options]") {
    CommandLine line;
    REQUIRE(line.read(bytes_of(u"FS0:\\cairn.EFI heap=1M")));
    CHECK(line.words() == "heap=1M");
    REQUIRE(line.read(bytes_of(u"cairn.efi")));
    CHECK(line.words().empty());
    REQUIRE(line.read(bytes_of(u"heap=1M cairn.efi")));
    CHECK(line.words() == "heap=1M cairn.efi");
    REQUIRE(line.read(std::string_view("archive=\\a.efi")));
    CHECK(line.archive() == "\\a.efi");
}

TEST_CASE("archive= and initrd= are taken out, with backslashes", "[load_options]") {
    CommandLine line;
    REQUIRE(line.read(bytes_of(u"heap=1M archive=/vm/my.cpio gstage=sv39x4")));
    CHECK(line.words() == "heap=1M gstage=sv39x4");
    CHECK(line.archive() == "\\vm\\my.cpio");
    REQUIRE(line.read(bytes_of(u"initrd=initrd heap=2M")));
    CHECK(line.initrd() == "initrd");
    CHECK(!line.archive());
    CHECK(line.words() == "heap=2M");
    CHECK(line.read(std::string_view("initrd=")).error() == CommandLineFault::no_path);
    CHECK(line.read(std::string_view("archive=")).error() == CommandLineFault::no_path);
    CHECK(line.read("archive=" + std::string(CommandLine::path_capacity + 1, 'x')).error() ==
          CommandLineFault::too_long);
    REQUIRE(line.read("archive=" + std::string(CommandLine::path_capacity, 'x')));
}

TEST_CASE("one archive= is all; several initrd= are noted", "[load_options]") {
    CommandLine line;
    CHECK(line.read(std::string_view("archive=/a heap=1M archive=/a")).error() ==
          CommandLineFault::repeated);
    CHECK(line.archive() == "\\a");
    REQUIRE(line.read(std::string_view("initrd=/a heap=1M initrd=/b archive=/c")));
    CHECK(line.has_several_initrds());
    CHECK(line.initrd() == "\\a");
    CHECK(line.archive() == "\\c");
    CHECK_FALSE(line.read("initrd=/a initrd=" + std::string(CommandLine::path_capacity + 1, 'x')));
    REQUIRE(line.read(std::string_view("initrd=/a")));
    CHECK_FALSE(line.has_several_initrds());
}

TEST_CASE("a command line that is too long is refused", "[load_options]") {
    CommandLine line;
    CHECK_FALSE(line.read(bytes_of(std::u16string(CommandLine::capacity + 1, u'x'))));
    CHECK_FALSE(line.read(bytes_of(std::u16string(CommandLine::capacity, u'x'))));
    REQUIRE(line.read(bytes_of(std::u16string(CommandLine::capacity - 1, u'x'))));
    CHECK(line.words().size() == CommandLine::capacity - 1);
}
