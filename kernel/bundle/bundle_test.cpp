// SPDX-License-Identifier: MIT
#include "kernel/bundle/bundle.hpp"

#include <cstdio>
#include <string>

#include <cairn/print.hpp>
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

constexpr unsigned regular = 0100644;
constexpr unsigned folder = 0040755;
constexpr unsigned link = 0120777;

/// Writes newc archives, a file at a time.
class Archive {
  public:
    Archive& add(const std::string& name, const std::string& data, unsigned mode = regular,
                 unsigned inode = 0, unsigned links = 1, unsigned device = 0) {
        char header[128];
        std::snprintf(header, sizeof header,
                      "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x"
                      "%08zx%08x",
                      inode, mode, 0u, 0u, links, 0u, data.size(), device, 0u, 0u, 0u,
                      name.size() + 1, 0u);
        text_ += header + name + '\0';
        pad();
        text_ += data;
        pad();
        return *this;
    }
    /// Ends this archive, and starts another one behind it and `zeroes`.
    Archive& then(std::size_t zeroes = 0) {
        add("TRAILER!!!", "");
        text_.append(zeroes, '\0');
        return *this;
    }
    std::span<const std::byte> end() {
        then();
        return std::as_bytes(std::span(text_));
    }

  private:
    void pad() { text_.resize((text_.size() + 3) / 4 * 4); }
    std::string text_;
};

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T>
std::string text_of(const T& value) {
    FixedBuffer<2048> out;
    print(out, "{}", value);
    return std::string(out.view());
}

std::string sentence(Archive& archive) {
    const auto bundle = read_bundle(archive.end());
    REQUIRE_FALSE(bundle);
    return text_of(bundle.error());
}

/// The sentence about a VM "hello" with this vm.conf and a few files.
std::string sentence(const std::string& config) {
    Archive archive;
    archive.add("hello", "", folder).add("hello/vm.conf", config).add("hello/Image", "kernel");
    archive.add("other/secret", "x").add("hello/sub", "", folder).add("hello/sub/Image", "k");
    archive.add("hello/initrd.gz", "initrd").add("hello/empty", "");
    archive.add("hello/link", "Image", link);
    return sentence(archive);
}

TEST_CASE("VMs and their files are found", "[bundle]") {
    Archive archive;
    archive.add(".", "", folder).add("./b", "", folder);
    archive.add("./b/vm.conf", "kernel = sub//./Image\n").add("./b/sub/Image", "kernel of b");
    archive.add("a/Image", "kernel of a").add("a/initrd", "initrd of a");
    archive.add("a/vm.conf", "kernel = ./Image\ninitrd = initrd\nmemory = 64M\n");
    const auto bundle = read_bundle(archive.end());
    REQUIRE(bundle);
    REQUIRE(bundle->vms().size() == 2);
    const BundleVm& b = bundle->vms()[0];
    CHECK(b.config.name == "b");
    CHECK(text_of(b.kernel) == "kernel of b");
    CHECK_FALSE(b.initrd);
    const BundleVm& a = bundle->vms()[1];
    CHECK(a.config.name == "a");
    CHECK(a.config.memory == 64ull << 20);
    CHECK(text_of(a.kernel) == "kernel of a");
    CHECK(text_of(a.initrd.value()) == "initrd of a");
}

TEST_CASE("images of disks are whole sectors", "[bundle]") {
    Archive archive;
    archive.add("a/Image", "k").add("a/one", std::string(512, '1'));
    archive.add("a/two", std::string(1024, '2'));
    archive.add("a/vm.conf", "kernel = Image\ndisk = two,overlay\ndisk = one\ndisk = two\n");
    const auto bundle = read_bundle(archive.end());
    REQUIRE(bundle);
    const BundleVm& a = bundle->vms()[0];
    REQUIRE(a.config.disks.size() == 3);
    CHECK(text_of(a.disks[0]) == std::string(1024, '2'));
    CHECK(text_of(a.disks[1]) == std::string(512, '1'));
    CHECK(a.disks[2].data() == a.disks[0].data());

    CHECK(sentence("kernel = Image\ndisk = initrd.gz\n") ==
          "hello/vm.conf:2: disk: 'initrd.gz' has 6 bytes, which are no whole sectors; make it a "
          "multiple of 512");
    CHECK(sentence("kernel = Image\ndisk = empty,ro\n") ==
          "hello/vm.conf:2: disk: 'empty' is empty");
    CHECK(sentence("kernel = Image\ndisk = ../x,ro\n") ==
          "hello/vm.conf:2: disk: '../x' leads out of the VM's folder; name a file inside it");
}

TEST_CASE("hard links share the data that one of them has", "[bundle]") {
    Archive archive;
    archive.add("a/vm.conf", "kernel = Image").add("a/Image", "", regular, 7, 2);
    archive.add("b/vm.conf", "kernel = Image").add("b/Image", "shared", regular, 7, 2);
    const auto bundle = read_bundle(archive.end());
    REQUIRE(bundle);
    CHECK(text_of(bundle->vms()[0].kernel) == "shared");
    CHECK(text_of(bundle->vms()[1].kernel) == "shared");
    CHECK(bundle->vms()[0].kernel.data() == bundle->vms()[1].kernel.data());
}

TEST_CASE("a vm.conf may be a hard link, as cp -al makes them", "[bundle]") {
    Archive archive;
    archive.add("a/vm.conf", "", regular, 5, 2, 8).add("a/Image", "", regular, 6, 2, 8);
    archive.add("b/vm.conf", "kernel = Image", regular, 5, 2, 8);
    archive.add("b/Image", "kernel", regular, 6, 2, 8);
    archive.add("c/Image", "of another device", regular, 6, 2, 9);
    const auto bundle = read_bundle(archive.end());
    REQUIRE(bundle);
    REQUIRE(bundle->vms().size() == 2);
    CHECK(bundle->vms()[0].config.name == "a");
    CHECK(text_of(bundle->vms()[0].kernel) == "kernel");
    CHECK(text_of(bundle->vms()[1].kernel) == "kernel");
}

TEST_CASE("an archive behind another one adds and replaces", "[bundle]") {
    for (const std::size_t zeroes : {0u, 4u, 512u}) {
        Archive archive;
        archive.add("a/vm.conf", "kernel = Image").add("a/Image", "old");
        archive.add("b/vm.conf", "kernel = Image", regular, 5, 2).add("b/Image", "b's");
        archive.then(zeroes);
        archive.add("./a//Image", "new", regular, 5, 2).add("c/vm.conf", "kernel = k");
        archive.add("b/vm.conf", "kernel = Image\nmemory = 64M").add("c/k", "c's");
        const auto bundle = read_bundle(archive.end());
        REQUIRE(bundle);
        REQUIRE(bundle->vms().size() == 3);
        CHECK(bundle->vms()[0].config.name == "a");
        CHECK(text_of(bundle->vms()[0].kernel) == "new");
        CHECK(bundle->vms()[1].config.name == "b");
        CHECK(bundle->vms()[1].config.memory == 64u << 20);
        CHECK(text_of(bundle->vms()[1].kernel) == "b's");
        CHECK(bundle->vms()[2].config.name == "c");
    }
}

TEST_CASE("paths are the same however they are written", "[bundle]") {
    Archive archive;
    archive.add("/a//vm.conf", "kernel = ./sub//Image\ninitrd = .//rd");
    archive.add(".//a/./sub/Image", "kernel").add("//a/rd", "initrd");
    const auto bundle = read_bundle(archive.end());
    REQUIRE(bundle);
    CHECK(bundle->vms()[0].config.name == "a");
    CHECK(text_of(bundle->vms()[0].kernel) == "kernel");
    CHECK(text_of(bundle->vms()[0].initrd.value()) == "initrd");
}

TEST_CASE("a vm.conf that something else replaces is none", "[bundle]") {
    Archive archive;
    archive.add("a/vm.conf", "nonsense").add("a/vm.conf", "elsewhere", link);
    CHECK(sentence(archive).starts_with("the archive has no VM"));
}

TEST_CASE("a bad archive says what and where", "[bundle]") {
    const std::string garbage = "this is no archive";
    CHECK(text_of(read_bundle(std::as_bytes(std::span(garbage))).error()) ==
          "archive, byte 0: no entry of an uncompressed cpio archive in newc format starts here");
    Archive archive;
    archive.add("hello/vm.conf", "kernel = Image").add("hello/Image", "kernel");
    const auto bytes = archive.end();
    const auto error = read_bundle(bytes.first(200)).error();
    CHECK(error.fault == BundleFault::bad_archive);
    CHECK(text_of(error) == "archive, byte 140: the archive ends in the middle of an entry");
    const std::string behind = text_of(bytes) + std::string(4, '\0') + "x";
    CHECK(text_of(read_bundle(std::as_bytes(std::span(behind))).error()) ==
          "archive, byte " + std::to_string(behind.size() - 1) +
              ": neither zeroes nor another archive in newc format follow the "
              "archive's trailer");
    const std::string packed = text_of(bytes) + "\x1f\x8b\x08";
    CHECK(text_of(read_bundle(std::as_bytes(std::span(packed))).error()) ==
          "archive, byte " + std::to_string(bytes.size()) +
              ": a compressed archive starts here; decompress it first");
}

TEST_CASE("an archive without VMs says so", "[bundle]") {
    Archive empty;
    CHECK(sentence(empty) == "the archive has no VM: none of its 0 files is a vm.conf in a folder");
    Archive initramfs;
    initramfs.add("init", "x").add("hello/vm.conf", "", folder);
    CHECK(sentence(initramfs) ==
          "the archive has no VM: none of its 1 file is a vm.conf in a folder");
}

TEST_CASE("a vm.conf in the wrong place is an error", "[bundle]") {
    const auto placed = [](const char* path) {
        Archive archive;
        archive.add(path, "kernel = Image");
        return sentence(archive);
    };
    const std::string where =
        ": is not where a VM's is; put it into a folder at the top of the archive, as NAME/vm.conf";
    CHECK(placed("vm.conf") == "vm.conf" + where);
    CHECK(placed("a/b/vm.conf") == "a/b/vm.conf" + where);
    CHECK(placed("/a/b/vm.conf") == "a/b/vm.conf" + where);
    CHECK(placed("/vm.conf") == "vm.conf" + where);
    const std::string name =
        ": the folder's name cannot be a VM's; use up to 32 letters, digits, '-', '_' and '.', "
        "with no '.' first";
    CHECK(placed("../vm.conf") == "../vm.conf" + name);
    CHECK(placed("a b/vm.conf") == "'a b/vm.conf'" + name);
    CHECK(placed("\x1b[2J/vm.conf") == "'\\u{1b}[2J/vm.conf'" + name);
    const std::string longest(32, 'n');
    CHECK(placed((longest + "n/vm.conf").c_str()) == longest + "n/vm.conf" + name);
}

TEST_CASE("too many VMs are an error", "[bundle]") {
    Archive many;
    for (std::size_t i = 0; i <= Bundle::max_vms; ++i) {
        const std::string name = "vm" + std::to_string(i);
        many.add(name + "/vm.conf", "kernel = Image").add(name + "/Image", "kernel");
    }
    CHECK(sentence(many) == "vm64/vm.conf: is one VM too many; an archive has at most 64");
}

TEST_CASE("one VM is in front", "[bundle]") {
    Archive two;
    for (const std::string name : {"a", "b", "c"}) {
        const std::string front = name == "b" ? "" : "console = front\n";
        two.add(name + "/vm.conf", "kernel = Image\n" + front).add(name + "/Image", "kernel");
    }
    CHECK(sentence(two) == "c/vm.conf:2: console: is front in a/vm.conf, too; keep one of the two");
}

TEST_CASE("a VM is found by its name", "[bundle]") {
    Archive archive;
    archive.add("a/vm.conf", "kernel = Image").add("a/Image", "kernel");
    const auto bundle = read_bundle(archive.end());
    REQUIRE(bundle);
    CHECK(bundle->find("a") == bundle->vms().data());
    CHECK(bundle->find("b") == nullptr);
}

TEST_CASE("errors in a vm.conf are its own", "[bundle]") {
    CHECK(
        sentence("memory = 12Q") ==
        "hello/vm.conf:1: memory: '12Q' is not a size; write a number with K, M or G, for example "
        "512M");
    CHECK(sentence("cpus = 1") ==
          "hello/vm.conf: kernel: is not set; name the file to start, for example kernel = Image");
}

TEST_CASE("a missing file lists what is there", "[bundle]") {
    CHECK(sentence("# demo\nkernel = Imgae\n") ==
          "hello/vm.conf:2: kernel: 'Imgae' is not in the archive; the folder has: Image, "
          "sub/Image, initrd.gz, empty");
    CHECK(sentence("kernel = Image\ninitrd = secret\n") ==
          "hello/vm.conf:2: initrd: 'secret' is not in the archive; the folder has: Image, "
          "sub/Image, initrd.gz, empty");
    Archive alone;
    alone.add("a/vm.conf", "kernel = Image");
    CHECK(sentence(alone) ==
          "a/vm.conf:1: kernel: 'Image' is not in the archive; the folder has no file but vm.conf");
    Archive replaced;
    replaced.add("a/vm.conf", "kernel = Image").add("a/rd", "1").add("a//rd", "2");
    CHECK(sentence(replaced) ==
          "a/vm.conf:1: kernel: 'Image' is not in the archive; the folder has: rd");
    Archive crowd;
    crowd.add("a/vm.conf", "kernel = Image");
    for (int i = 0; i < 17; ++i)
        crowd.add("a/f" + std::to_string(i), "x");
    CHECK(sentence(crowd).ends_with(" f14, f15, ..."));
}

TEST_CASE("what is named must be a file with something in it, inside the folder", "[bundle]") {
    const std::string outside = " leads out of the VM's folder; name a file inside it";
    CHECK(sentence("kernel = ../other/secret") ==
          "hello/vm.conf:1: kernel: '../other/secret'" + outside);
    CHECK(sentence("kernel = sub/../Image") == "hello/vm.conf:1: kernel: 'sub/../Image'" + outside);
    CHECK(sentence("kernel = /hello/Image") == "hello/vm.conf:1: kernel: '/hello/Image'" + outside);
    const std::string no_file = " is a folder, link or device in the archive; name a regular file";
    CHECK(sentence("kernel = sub") == "hello/vm.conf:1: kernel: 'sub'" + no_file);
    CHECK(sentence("kernel = .") == "hello/vm.conf:1: kernel: '.'" + no_file);
    CHECK(sentence("kernel = link") == "hello/vm.conf:1: kernel: 'link'" + no_file);
    CHECK(sentence("kernel = empty") == "hello/vm.conf:1: kernel: 'empty' is empty");
}

TEST_CASE("a kernel that cannot be loaded is named with its line", "[bundle]") {
    std::string image(4096, '\0');
    image.replace(16, 8, std::string("\0\0\x60\0\0\0\0\0", 8));  // image_size 6 MiB
    image.replace(56, 4, "RSC\x05");
    Archive archive;
    archive.add("a/vm.conf", "# first\nkernel = Image\ninitrd = rd\nmemory = 8M\n");
    archive.add("a/Image", image).add("a/rd", "initrd");
    archive.add("z/vm.conf", "kernel = Image.gz").add("z/Image.gz", "\x1f\x8b");
    const auto bundle = read_bundle(archive.end());
    REQUIRE(bundle);
    const BundleVm& a = bundle->vms()[0];
    const GuestRange ram{{0x8000'0000}, a.config.memory};
    CHECK(text_of(plan_load(a, ram, 4096).error()) ==
          "a/vm.conf:3: initrd: 'rd' takes 6 bytes and does not fit the VM's memory of 8 MiB "
          "beside the kernel; write memory = 10M or more");
    CHECK(plan_load(a, {ram.base, 10 << 20}, 4096)->initrd == GuestRange{{0x8060'0000}, 6});
    CHECK(text_of(plan_load(bundle->vms()[1], ram, 4096).error()) ==
          "z/vm.conf:1: kernel: 'Image.gz' is gzip-compressed; decompress it first (gzip -d)");
}

}  // namespace
}  // namespace cairn
