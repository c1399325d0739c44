// SPDX-License-Identifier: MIT
#include "kernel/bundle/vm_config.hpp"

#include <string>

#include <cairn/print.hpp>
#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

VmConfig good(std::string_view text, VmConfigLimits limits = {}) {
    const auto config = parse_vm_config("demo/vm.conf", text, limits);
    REQUIRE(config);
    return *config;
}

/// The sentence about a bad text.
std::string sentence(std::string_view text, VmConfigLimits limits = {}) {
    const auto config = parse_vm_config("demo/vm.conf", text, limits);
    REQUIRE_FALSE(config);
    FixedBuffer<1024> out;
    print(out, "{}", config.error());
    return std::string(out.view());
}

TEST_CASE("all keys are read", "[vm_config]") {
    const VmConfig config = good(
        "# a guest\n"
        "kernel = Image\n"
        "initrd=initrd.gz\n"
        "  append\t=  console=ttyS0 panic=-1 # quiet \n"
        "\n"
        "memory = 512M\n"
        "cpus = 4\n"
        "autostart = no\n"
        "affinity = 0, 2-3\n"
        "weight = 250\n"
        "on-crash = dump\n"
        "core = host:2\n"
        "console = front\n"
        "halt = never");
    CHECK(config.file == "demo/vm.conf");
    CHECK(config.name == "demo");
    CHECK(config.kernel.path == "Image");
    CHECK(config.kernel.line == 2);
    REQUIRE(config.initrd);
    CHECK(config.initrd->path == "initrd.gz");
    CHECK(config.initrd->line == 3);
    CHECK(config.append == "console=ttyS0 panic=-1 # quiet");
    CHECK(config.memory == 512ull << 20);
    CHECK(config.cpus == 4);
    CHECK_FALSE(config.autostart);
    CHECK(config.affinity == 0b1101);
    CHECK(config.affinity_line == 9);
    CHECK(config.weight == 250);
    CHECK(config.on_crash == CrashPolicy::dump);
    REQUIRE(config.core);
    CHECK(config.core->host == HostDiskName{2, 0});
    CHECK(config.core->text == "host:2");
    CHECK(config.console == ConsolePlace::front);
    CHECK(config.console_line == 13);
    CHECK(config.halt == HaltPolicy::never);
    CHECK(good("kernel = a\nconsole = kept\nhalt = last-vm").halt == HaltPolicy::last_vm);
    CHECK(good("kernel = a\nautostart = yes").autostart);
    CHECK(good("kernel = a\non-crash = restart").on_crash == CrashPolicy::restart);
    CHECK(good("kernel = a\non-crash = dump-restart\ncore = host:0").on_crash ==
          CrashPolicy::dump_restart);
    CHECK(good("kernel = a\nwatchdog = 3600s").watchdog == 3600);
    CHECK(good("kernel = a\non-power-off = restart").on_power_off == PowerOffPolicy::restart);
    CHECK(good("kernel = a\ntrace = 65536").trace == 65536);
    CHECK_FALSE(good("kernel = a\nrng = no").rng);
    CHECK(good("kernel = a\nrng = yes").rng);
    CHECK_FALSE(good("kernel = a").packed_rings);
    CHECK(good("kernel = a\npacked-rings = yes").packed_rings);
    CHECK_FALSE(good("kernel = a").balloon);
    CHECK(good("kernel = a\nballoon = yes").balloon);
    CHECK(good("kernel = a\nrng = yes").rng_line == 2);
    CHECK_FALSE(good("kernel = a").virtio_console);
    CHECK(good("kernel = a\nvirtio-console = yes").virtio_console);
}

TEST_CASE("ports have names of their own, and bring a virtio console", "[vm_config]") {
    const VmConfig config = good(
        "kernel = a\nport = agent\nport = org.a_b-c.0\n"
        "port = agent.0\nport = A");
    CHECK(config.virtio_console);
    REQUIRE(config.ports.size() == 4);
    CHECK(config.ports[0] == "agent");
    CHECK(config.ports[1] == "org.a_b-c.0");
    CHECK(sentence("port = a\nport = b\nport = c\nport = d\nport = e") ==
          "demo/vm.conf:5: port: is one too many: a VM has at most 4");
    CHECK(sentence("port = a/b") ==
          "demo/vm.conf:1: port: 'a/b' is no name for a port; write 1 to 32 letters, digits, . - "
          "and _, and not console");
    for (const char* const line : {"port = console", "port = ..", "port = a@b", "port = a,b",
                                   "port = a b", "port = abcdefghijabcdefghijabcdefghijabc"})
        CHECK(sentence(line).contains("is no name for a port"));
    CHECK(sentence("prot = a").contains("did you mean 'port'?"));
}

TEST_CASE("what is said twice, or against another line, says where the other is", "[vm_config]") {
    CHECK(sentence("kernel = k\nport = a\nport = b\n\nport = a") ==
          "demo/vm.conf:5: port: 'a' is already set on line 2; keep one of the two");
    CHECK(sentence("\xef\xbb\xbfport = b\r\nport = b\r\n") ==
          "demo/vm.conf:2: port: 'b' is already set on line 1; keep one of the two");
    for (const char* const word : {"isolated", "rate=1M", "mac=52:54:00:12:34:56"}) {
        const std::string option = word;
        CHECK(sentence("kernel = a\nnet = uplink," + option + ", " + option) ==
              "demo/vm.conf:2: net: '" + option.substr(0, option.find('=')) +
                  "' is already set on line 2; keep one of the two");
    }
    const std::string_view contradicts =
        "virtio-console: 'no' contradicts port on line 3; keep one of the two";
    CHECK(sentence("kernel = a\nvirtio-console = no\nport = a").ends_with(contradicts));
    CHECK(sentence("kernel = a\nvirtio-console = no\nport = a").starts_with("demo/vm.conf:2: "));
    CHECK(sentence("virtio-console = no\nkernel = a\nport = a").ends_with(contradicts));
    CHECK(sentence("kernel = a\nport = a\nvirtio-console = no") ==
          "demo/vm.conf:3: virtio-console: 'no' contradicts port on line 2; keep one of the two");
    CHECK(good("kernel = a\nport = a\nvirtio-console = yes").virtio_console);
    CHECK_FALSE(good("kernel = a\nvirtio-console = no").virtio_console);
}

TEST_CASE("a disk may be one of the machine's", "[vm_config]") {
    const VmConfig config = good("kernel = a\ndisk = host:3\ndisk = host:0/4 , ro\ndisk = a,ro\n");
    CHECK(config.disks[0].host == HostDiskName{3, 0});
    CHECK(config.disks[0].mode == DiskMode::direct);
    CHECK(config.disks[0].file.path == "host:3");
    CHECK(config.disks[1].host == HostDiskName{0, 4});
    CHECK(config.disks[1].mode == DiskMode::ro);
    CHECK_FALSE(config.disks[2].host);
}

TEST_CASE("only kernel is required", "[vm_config]") {
    const VmConfig config = good("kernel = Image");
    CHECK(config.cpus == 1);
    CHECK(config.memory == 256ull << 20);
    CHECK_FALSE(config.initrd);
    CHECK(config.append.empty());
    CHECK(config.autostart);
    CHECK(config.affinity == ~HartSet{0});
    CHECK(config.affinity_line == 0);
    CHECK(config.weight == 100);
    CHECK(config.on_power_off == PowerOffPolicy::stop);
    CHECK(config.on_crash == CrashPolicy::stop);
    CHECK_FALSE(config.core);
    CHECK(config.console == ConsolePlace::kept);
    CHECK(config.halt == HaltPolicy::last_vm);
    CHECK(config.trace == 0);
    CHECK(good("kernel=Image\nappend=\n").append.empty());
}

TEST_CASE("line ends, blanks and a byte-order mark do not matter", "[vm_config]") {
    const VmConfig config = good(
        "\xef\xbb\xbf"
        "kernel = my Image \r\n\r\n \t \r\n\t# no = key\r\nmemory = 0x40 MiB\r\n");
    CHECK(config.kernel.path == "my Image");
    CHECK(config.memory == 64ull << 20);
    CHECK(good("kernel = \xc3\xa4").kernel.path == "\xc3\xa4");
}

TEST_CASE("bad values say what would be right", "[vm_config]") {
    CHECK(sentence("kernel = Image\n\nmemory = 12Q\n") ==
          "demo/vm.conf:3: memory: '12Q' is not a size; write a number with K, M or G, for example "
          "512M");
    CHECK(sentence("memory = 1M") ==
          "demo/vm.conf:1: memory: '1M' is 1 MiB, too little; a VM has at least 8 MiB");
    CHECK(sentence("memory = 512") ==
          "demo/vm.conf:1: memory: '512' is 512 bytes, too little; a VM has at least 8 MiB (for "
          "MiB write 512M)");
    CHECK(sentence("memory = 0") ==
          "demo/vm.conf:1: memory: '0' is 0 bytes, too little; a VM has at least 8 MiB");
    CHECK(sentence("memory = 9M") ==
          "demo/vm.conf:1: memory: '9M' is not a multiple of 2 MiB; write for example 512M");
    CHECK(sentence("cpus = many") ==
          "demo/vm.conf:1: cpus: 'many' is not a number; write one in decimal, for example 1");
    CHECK(sentence("cpus = 1x") ==
          "demo/vm.conf:1: cpus: '1x' is not a number; write one in decimal, for example 1");
    CHECK(sentence("trace = 65537") ==
          "demo/vm.conf:1: trace: '65537' is out of range; write a number from 1 to 65536");
    CHECK(sentence("cpus = 33") ==
          "demo/vm.conf:1: cpus: '33' is out of range; write a number from 1 to 32");
    CHECK(sentence("cpus = 0", {.max_cpus = 8}) ==
          "demo/vm.conf:1: cpus: '0' is out of range; write a number from 1 to 8");
    CHECK(sentence("cpus = 99999999999999999999", {.max_cpus = 8}) ==
          "demo/vm.conf:1: cpus: '99999999999999999999' is out of range; write a number from 1 to "
          "8");
    CHECK(sentence("append = 0123456789", {.max_append = 9}) ==
          "demo/vm.conf:1: append: has 10 bytes; at most 9 fit");
    CHECK(sentence("kernel =\n") ==
          "demo/vm.conf:1: kernel: has no value; write one behind the '=', or remove the line");
}

TEST_CASE("bad settings of the scheduler say what would be right", "[vm_config]") {
    CHECK(sentence("weight = 0") ==
          "demo/vm.conf:1: weight: '0' is out of range; write a number from 1 to 10000");
    CHECK(sentence("weight = 10001") ==
          "demo/vm.conf:1: weight: '10001' is out of range; write a number from 1 to 10000");
    CHECK(sentence("weight = 1.5") ==
          "demo/vm.conf:1: weight: '1.5' is not a number; write one in decimal, for example 1");
    CHECK(sentence("affinity = all") ==
          "demo/vm.conf:1: affinity: 'all' is no list of harts; write numbers and ranges, for "
          "example 0,2-3");
    CHECK(sentence("affinity = 0,,1") ==
          "demo/vm.conf:1: affinity: '0,,1' is no list of harts; write numbers and ranges, for "
          "example 0,2-3");
    CHECK(sentence("affinity = 1,64") ==
          "demo/vm.conf:1: affinity: '64' is out of range; harts have numbers from 0 to 63");
    CHECK(sentence("affinity = 3-2") ==
          "demo/vm.conf:1: affinity: '3-2' runs backwards; write the smaller number first");
    CHECK(sentence("autostart = yse") ==
          "demo/vm.conf:1: autostart: 'yse' is not one of its values; did you mean 'yes'? They "
          "are: no, yes");
    CHECK(sentence("autostart = true") ==
          "demo/vm.conf:1: autostart: 'true' is not one of its values; they are: no, yes");
    CHECK(sentence("on-crash = dumb") ==
          "demo/vm.conf:1: on-crash: 'dumb' is not one of its values; did you mean 'dump'? They "
          "are: stop, restart, dump, dump-restart");
    for (const char* const bad : {"30", "0s", "3601s", "s", "30 s", "1m", "-1s", "99999999999s"}) {
        CAPTURE(bad);
        CHECK(sentence(std::string("watchdog = ") + bad) ==
              std::string("demo/vm.conf:1: watchdog: '") + bad +
                  "' is no time; write 1s to 3600s, for example 30s");
    }
    CHECK(sentence("core = 1") ==
          "demo/vm.conf:1: core: '1' is no disk of the machine's; write host:0 for its first, "
          "host:0/1 for a partition of that");
    CHECK(sentence("kernel = a\non-crash = dump") ==
          "demo/vm.conf:2: on-crash: 'dump' writes to one of the machine's disks; name it, for "
          "example core = host:0");
    CHECK(sentence("console = fromt") ==
          "demo/vm.conf:1: console: 'fromt' is not one of its values; did you mean 'front'? They "
          "are: kept, front");
    CHECK(sentence("halt = always") ==
          "demo/vm.conf:1: halt: 'always' is not one of its values; they are: last-vm, never");
    CHECK(
        sentence("on-power-off =") ==
        "demo/vm.conf:1: on-power-off: has no value; write one behind the '=', or remove the line");
    const auto error = parse_vm_config("demo/vm.conf", "affinity = 0, 99").error();
    CHECK(error.column == 15);
}

TEST_CASE("a line for each disk", "[vm_config]") {
    const auto config = parse_vm_config("demo/vm.conf",
                                        "kernel = k\ndisk = a.img\ndisk = sub/b.img , overlay\n"
                                        "disk = c,d.img,ro\n");
    REQUIRE(config);
    REQUIRE(config->disks.size() == 3);
    CHECK(config->disks[0].file.path == "a.img");
    CHECK(config->disks[0].file.line == 2);
    CHECK(config->disks[0].mode == DiskMode::ro);
    CHECK(config->disks[1].file.path == "sub/b.img");
    CHECK(config->disks[1].mode == DiskMode::overlay);
    CHECK(config->disks[2].file.path == "c,d.img");
    CHECK(config->disks[2].mode == DiskMode::ro);
}

TEST_CASE("a disk of the machine's may keep an image's overlay", "[vm_config]") {
    const VmConfig config =
        good("kernel = k\ndisk = a,b.img , overlay=host:1/2\ndisk = c.img,overlay\n");
    CHECK(config.disks[0].file.path == "a,b.img");
    CHECK(config.disks[0].mode == DiskMode::overlay);
    CHECK(config.disks[0].host == HostDiskName{1, 2});
    CHECK(config.disks[0].has_image());
    CHECK_FALSE(config.disks[1].host);
    CHECK(sentence("disk = a.img,overlay=host:") ==
          "demo/vm.conf:1: disk: 'host:' is no disk of the machine's; write host:0 for its first, "
          "host:0/1 for a partition of that");
    CHECK(sentence("disk = a.img,overlay=") ==
          "demo/vm.conf:1: disk: 'overlay=' is no disk of the machine's; write host:0 for its "
          "first, host:0/1 for a partition of that");
    CHECK(
        sentence("disk = host:0,overlay=host:1") ==
        "demo/vm.conf:1: disk: 'host:0' has no overlay; write host:0 to write to it, or host:0,ro");
}

TEST_CASE("bad disks say what would be right", "[vm_config]") {
    CHECK(sentence("disk =") ==
          "demo/vm.conf:1: disk: has no value; write one behind the '=', or remove the line");
    CHECK(sentence("disk = ,ro") ==
          "demo/vm.conf:1: disk: has no value; write one behind the '=', or remove the line");
    CHECK(sentence("disk = a.img,overlai") ==
          "demo/vm.conf:1: disk: 'overlai' is not one of its values; did you mean 'overlay'? They "
          "are: ro, overlay, overlay=host:N");
    CHECK(sentence("disk = a,b.img") ==
          "demo/vm.conf:1: disk: 'b.img' is not one of its values; they are: ro, overlay, "
          "overlay=host:N");
    for (const char* const modes :
         {"ro,overlay", "overlay , ro", "ro,ro", "overlay,overlay=host:1", "overlay=host:1,ro"}) {
        for (const char* const path : {"x", "x.img ", "host:0", "a,b"})
            CHECK(sentence("disk = " + std::string(path) + "," + modes) ==
                  "demo/vm.conf:1: disk: '" + std::string(modes) +
                      "' is not one of its values; they are: ro, overlay, overlay=host:N");
    }
    std::string lines;
    for (int n = 0; n < 9; ++n)
        lines += "disk = a.img\n";
    CHECK(sentence(lines) == "demo/vm.conf:9: disk: is one too many: a VM has at most 8 disks");
}

TEST_CASE("a VM's network interfaces are in the order of their lines", "[vm_config]") {
    const VmConfig config = good("kernel = a\nnet = switch:lan\nnet = uplink,isolated");
    REQUIRE(config.nets.size() == 2);
    CHECK(config.nets[0].wire == "switch:lan");
    CHECK(config.nets[1].is_isolated);
    CHECK(config.nets[1].line == 3);
    CHECK(sentence("net = lan") ==
          "demo/vm.conf:1: net: 'lan' is nothing to connect to; write switch:NAME, of letters, "
          "digits, - and _, or uplink for the machine's own network");
    CHECK(sentence("net = uplink,fast") ==
          "demo/vm.conf:1: net: 'fast' is not an option; they are: isolated, rate=SIZE, "
          "mac=ADDRESS");
    CHECK(sentence("net = uplink,") ==
          "demo/vm.conf:1: net: '' is not an option; they are: isolated, rate=SIZE, mac=ADDRESS");
    CHECK(sentence("net = ,isolated").starts_with("demo/vm.conf:1: net: '' is nothing to connect"));
    CHECK(sentence("net = uplink,rate=12Q") ==
          "demo/vm.conf:1: net: '12Q' is no rate; write bytes a second, 1K at least, as in "
          "rate=10M");
    CHECK(sentence("net = uplink,mac=1:2") ==
          "demo/vm.conf:1: net: '1:2' is no address of one interface; write six bytes, as in "
          "mac=52:54:00:12:34:56");
    std::string lines;
    for (int n = 0; n < 9; ++n)
        lines += "net = switch:a\n";
    CHECK(sentence(lines) == "demo/vm.conf:9: net: is one too many: a VM has at most 8");
}

TEST_CASE("bad lines say what would be right", "[vm_config]") {
    CHECK(sentence("kernel = Image\nmemory 512M\n") ==
          "demo/vm.conf:2: 'memory 512M' has no '='; write key = value, for example memory = 512M");
    CHECK(sentence("memroy = 512M") ==
          "demo/vm.conf:1: 'memroy' is not a key; did you mean 'memory'? The keys are: cpus, "
          "memory, kernel, initrd, append, autostart, affinity, weight, on-power-off, on-crash, "
          "core, watchdog, console, halt, trace, disk, net, rng, balloon, virtio-console, port, "
          "packed-rings");
    CHECK(sentence("network = yes") ==
          "demo/vm.conf:1: 'network' is not a key; the keys are: cpus, memory, kernel, initrd, "
          "append, autostart, affinity, weight, on-power-off, on-crash, core, watchdog, console, "
          "halt, trace, disk, net, rng, balloon, virtio-console, port, "
          "packed-rings");
    CHECK(sentence("restart = always") ==
          "demo/vm.conf:1: 'restart' is not a key any more; write on-crash = restart, and "
          "on-power-off = restart, too, for what was always");
    CHECK(sentence("= 5") ==
          "demo/vm.conf:1: '' is not a key; the keys are: cpus, memory, kernel, initrd, append, "
          "autostart, affinity, weight, on-power-off, on-crash, core, watchdog, console, halt, "
          "trace, disk, net, rng, balloon, virtio-console, port, "
          "packed-rings");
    CHECK(sentence("kernel = a\ncpus = 1\nkernel = b\n") ==
          "demo/vm.conf:3: kernel: is already set on line 1; keep one of the two");
    CHECK(sentence("disk = host:") ==
          "demo/vm.conf:1: disk: 'host:' is no disk of the machine's; write host:0 for its first, "
          "host:0/1 for a partition of that");
    CHECK(sentence("disk = host:-1,ro") ==
          "demo/vm.conf:1: disk: 'host:-1' is no disk of the machine's; write host:0 for its "
          "first, host:0/1 for a partition of that");
    CHECK(
        sentence("disk = host:2,overlay") ==
        "demo/vm.conf:1: disk: 'host:2' has no overlay; write host:2 to write to it, or host:2,ro");
    CHECK(sentence("rng = host") ==
          "demo/vm.conf:1: rng: 'host' is not one of its values; they are: no, yes");
    CHECK(sentence("kernel = a\x1b[2J") ==
          "demo/vm.conf:1: column 11 has the byte 0x1b, which is no text");
    CHECK(sentence(std::string_view("kernel = a\nini\0trd = b", 22)) ==
          "demo/vm.conf:2: column 4 has the byte 0x00, which is no text");
    CHECK(sentence("\x1f\x8b\x08") ==
          "demo/vm.conf:1: column 1 has the byte 0x1f, which is no text");
}

TEST_CASE("a text without kernel says so for the whole file", "[vm_config]") {
    const std::string missing =
        "demo/vm.conf: kernel: is not set; name the file to start, for example kernel = Image";
    CHECK(sentence("") == missing);
    CHECK(sentence("# kernel = Image\n") == missing);
    CHECK(sentence("cpus = 1\n") == missing);
}

TEST_CASE("what is long or unprintable is shown harmlessly", "[vm_config]") {
    CHECK(sentence("memory = " + std::string(1000, '9')) ==
          "demo/vm.conf:1: memory: '" + std::string(64, '9') +
              "'... is not a size; write a number with K, M or G, for example 512M");
    CHECK(sentence("memory = \xff'") ==
          "demo/vm.conf:1: memory: '\\x{ff}\\'' is not a size; write a number with K, M or G, for "
          "example 512M");
}

TEST_CASE("errors know the column", "[vm_config]") {
    const auto error = parse_vm_config("demo/vm.conf", "kernel = a\n  memory =  12Q").error();
    CHECK(error.fault == VmConfigFault::bad_size);
    CHECK(error.line == 2);
    CHECK(error.column == 13);
    CHECK(error.key == "memory");
    CHECK(error.value == "12Q");
}

}  // namespace
}  // namespace cairn
