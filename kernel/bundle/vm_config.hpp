// SPDX-License-Identifier: MIT
// A VM's vm.conf: lines of `key = value`. A line whose first character is `#` is a comment; a `#`
// later in a line belongs to the value, as kernel command lines may hold one. Blank lines, spaces
// and tabs around key and value, CRLF line ends and a UTF-8 byte-order mark are tolerated.
//
//     # hello/vm.conf; the folder's name is the VM's
//     kernel = Image               the file to start, in the same folder; the one required key
//     initrd = initrd.gz
//     append = console=ttyS0       the guest kernel's command line
//     memory = 512M                a multiple of 2 MiB; 256M if not given
//     cpus   = 1
//     autostart = yes              or no: it lies in the archive, and is not started
//     affinity = 0,2-3             the harts that run it, by number from 0; all if not given
//     weight = 100                 its part of a hart beside others, 1 to 10000
//     on-power-off = stop          or restart
//     on-crash = stop              or restart, dump, dump-restart
//     core = host:1                the machine's disk that a crash is dumped to
//     watchdog = 30s               it has failed if it hangs for so long; none if not given
//     console = kept               or front: its console is in front when the machine starts
//     halt = last-vm               or never: the machine stays on when no VM runs any more
//     trace = 1024                 each vCPU keeps so many of its last exits; none if not given
//     disk = root.img,overlay      an image in the same folder, read-only without `,overlay`; a
//                                  line for each disk
//     disk = root.img,overlay=host:1  the same, and the machine's disk keeps what is written
//     disk = host:0                the machine's first disk, to be written to without `,ro`;
//                                  host:0/2 is its second partition
//     net = switch:lan             a network interface, at a switch between VMs; or `uplink`, the
//                                  machine's own network; a line for each (net_line.hpp)
//     rng = no                     or yes: it has an entropy device
//     balloon = no                 or yes: it has a balloon, by which it gives memory back
//     virtio-console = no          or yes: it has a virtio console beside its UART
//     port = agent                 a further port of its virtio console, which it has then; a line
//                                  for each
//     packed-rings = no            or yes: its virtio devices offer packed queues, too
//
// docs/vm-conf.md describes them.
// Allocates nothing: results and errors are views into the text and the file's name. No locking.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/static_vector.hpp>
#include <cairn/writer.hpp>
#include "kernel/bundle/hart_list.hpp"
#include "kernel/bundle/host_disk_name.hpp"
#include "kernel/bundle/net_line.hpp"

namespace cairn {

enum class VmConfigKey : std::uint8_t {
    cpus,
    memory,
    kernel,
    initrd,
    append,
    autostart,
    affinity,
    weight,
    on_power_off,
    on_crash,
    core,
    watchdog,
    console,
    halt,
    trace,
    disk,
    net,
    rng,
    balloon,
    virtio_console,
    port,
    packed_rings,
};

/// The keys by VmConfigKey.
inline constexpr std::array<std::string_view, 22> vm_config_keys{
    "cpus",     "memory",         "kernel",       "initrd",      "append", "autostart",
    "affinity", "weight",         "on-power-off", "on-crash",    "core",   "watchdog",
    "console",  "halt",           "trace",        "disk",        "net",    "rng",
    "balloon",  "virtio-console", "port",         "packed-rings"};

/// What becomes of a VM that has powered itself off.
enum class PowerOffPolicy : std::uint8_t { stop, restart };
/// By PowerOffPolicy.
inline constexpr std::array<std::string_view, 2> power_off_policies{"stop", "restart"};

/// What becomes of a VM that cannot go on, or says that it has failed.
enum class CrashPolicy : std::uint8_t { stop, restart, dump, dump_restart };
/// By CrashPolicy.
inline constexpr std::array<std::string_view, 4> crash_policies{"stop", "restart", "dump",
                                                                "dump-restart"};
[[nodiscard]] constexpr bool dumps(CrashPolicy policy) {
    return policy >= CrashPolicy::dump;
}
[[nodiscard]] constexpr bool restarts(CrashPolicy policy) {
    return policy == CrashPolicy::restart || policy == CrashPolicy::dump_restart;
}

/// Where its console is when the machine starts.
enum class ConsolePlace : std::uint8_t { kept, front };
/// By ConsolePlace.
inline constexpr std::array<std::string_view, 2> console_places{"kept", "front"};

/// What becomes of the machine when no VM runs any more: it stays on where one VM wants that.
enum class HaltPolicy : std::uint8_t { last_vm, never };
/// By HaltPolicy.
inline constexpr std::array<std::string_view, 2> halt_policies{"last-vm", "never"};

inline constexpr std::array<std::string_view, 2> no_and_yes{"no", "yes"};

/// What becomes of what a guest writes to a disk: it cannot, or the VM keeps it while it is on, or
/// a disk of the machine's that the overlay names does. Without a mode one of the machine's disks
/// takes what is written itself.
enum class DiskMode : std::uint8_t { ro, overlay, direct };
/// By DiskMode, as far as they have names; the last is an overlay that is kept.
inline constexpr std::array<std::string_view, 3> disk_modes{"ro", "overlay", "overlay=host:N"};

/// What this version of Cairn can do; the parser holds values against it.
struct VmConfigLimits {
    std::uint32_t max_cpus = 32;
    std::uint32_t max_weight = 10000;
    std::uint32_t max_trace = 65536;    ///< exits of each vCPU
    std::uint32_t max_watchdog = 3600;  ///< seconds
    std::uint64_t min_memory = 8ull << 20;
    std::size_t max_append = 2047;  ///< bytes of the command line
};

/// RAM comes in multiples of a superpage, so that the G-stage table needs no smaller leaf.
inline constexpr std::uint64_t vm_memory_granule = 2ull << 20;

/// A file named in vm.conf, and where.
struct VmConfigFile {
    std::string_view path;   ///< as written, relative to the VM's folder
    std::uint32_t line = 0;  ///< from 1
};

/// A disk: an image in the VM's folder, or one of the machine's; or an image and a disk of the
/// machine's, which keeps its overlay.
struct VmConfigDisk {
    [[nodiscard]] constexpr bool has_image() const { return !host || mode == DiskMode::overlay; }

    VmConfigFile file;
    DiskMode mode = DiskMode::ro;
    std::optional<HostDiskName> host;  ///< the machine's; where it is the disk, `file` says so, too
};

/// Where a core of the VM goes: one of the machine's disks.
struct VmConfigCore {
    std::string_view text;  ///< as written, "host:1"
    HostDiskName host;
};

struct VmConfig {
    static constexpr std::size_t max_disks = 8;
    static constexpr std::size_t max_nets = 8;
    static constexpr std::size_t max_ports = 4;

    std::string_view file;  ///< the path of vm.conf itself, as errors name it
    std::string_view name;  ///< of the VM: the folder that vm.conf stands in
    std::uint32_t cpus = 1;
    std::uint64_t memory = 256ull << 20;  ///< bytes
    std::uint32_t memory_line = 0;        ///< from 1; 0: not set in the file
    VmConfigFile kernel;
    std::optional<VmConfigFile> initrd;
    std::string_view append;
    bool autostart = true;
    HartSet affinity = ~HartSet{0};
    std::uint32_t affinity_line = 0;  ///< from 1; 0: not set in the file
    std::uint32_t weight = 100;
    PowerOffPolicy on_power_off = PowerOffPolicy::stop;
    CrashPolicy on_crash = CrashPolicy::stop;
    std::optional<VmConfigCore> core;
    std::uint32_t watchdog = 0;  ///< seconds; 0: none
    ConsolePlace console = ConsolePlace::kept;
    std::uint32_t console_line = 0;  ///< from 1; 0: not set in the file
    HaltPolicy halt = HaltPolicy::last_vm;
    std::uint32_t trace = 0;         ///< exits that each vCPU keeps; 0: it is not traced
    bool rng = false;                ///< it has an entropy device
    std::uint32_t rng_line = 0;      ///< from 1; 0: not set in the file
    bool balloon = false;            ///< it has a balloon
    std::uint32_t balloon_line = 0;  ///< from 1; 0: not set in the file
    bool virtio_console = false;
    bool packed_rings = false;                         ///< its virtio devices offer them
    static_vector<VmConfigDisk, max_disks> disks;      ///< in the order of their lines
    static_vector<NetLine, max_nets> nets;             ///< the same
    static_vector<std::string_view, max_ports> ports;  ///< their names, each another
};

enum class VmConfigFault : std::uint8_t {
    control_character,  ///< a byte that is no text
    no_equals,          ///< a line that is not `key = value`
    unknown_key,
    duplicate_key,  ///< or, of a key that may repeat, a `value` that may not
    missing_key,    ///< kernel is not set
    missing_value,
    bad_number,
    bad_size,
    number_range,  ///< not in 1 to `number`
    bad_choice,    ///< none of `choices`
    bad_hart_list,
    hart_range,       ///< of a hart list: no hart has this number
    backwards_range,  ///< of a hart list
    memory_too_small,
    memory_granule,  ///< not a multiple of vm_memory_granule
    append_too_long,
    bad_host_disk,      ///< `host:` without a number, or with a partition that is none
    host_disk_overlay,  ///< an overlay over a disk of the machine's
    too_many_disks,     ///< more than VmConfig::max_disks
    bad_seconds,        ///< not 1s to max_watchdog
    no_core,            ///< a crash is to be dumped, and `core` is not set
    net_no_wire,        ///< NetLineFault's
    net_bad_option,
    net_bad_rate,
    net_bad_address,
    too_many_nets,   ///< more than VmConfig::max_nets
    bad_port,        ///< no name, or the console's
    too_many_ports,  ///< more than VmConfig::max_ports
    no_console,      ///< there is a port, and the console that it is of is not to be
};

/// What is wrong, where, and enough to say it. `line` and `column` count from 1; line 0 is the file
/// as a whole.
struct VmConfigError {
    VmConfigFault fault{};
    std::string_view file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::string_view key;    ///< empty where the line has none
    std::string_view value;  ///< or the whole line for no_equals
    std::uint64_t number =
        0;  ///< the value as a number; the other line for duplicate_key, no_console
    std::span<const std::string_view> choices;  ///< for bad_choice
    VmConfigLimits limits;
};

/// Parses the text of `file` ("demo/vm.conf"); stops at the first error.
[[nodiscard]] std::expected<VmConfig, VmConfigError> parse_vm_config(std::string_view file,
                                                                     std::string_view text,
                                                                     VmConfigLimits limits = {});

/// One line without its end: `demo/vm.conf:3: memory: '12Q' is not a size; write a number ...`.
void format_value(Writer& out, const VmConfigError& error);

}  // namespace cairn
