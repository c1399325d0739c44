// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/vm_devices.hpp"

#include <algorithm>

#include <cairn/print.hpp>
#include "kernel/host/disks/host_partition.hpp"

namespace cairn {
namespace {

bool is_of_host(const VmConfigDisk& line) {
    return line.host.has_value();
}

bool explain_host_disk(const VmConfig& config, const VmConfigDisk& line, std::string_view why) {
    println("cairn: {}:{}: disk: {}: {}", config.file, line.file.line, *line.host, why);
    return false;
}

/// One for each vCPU, as far as there are so many.
std::uint32_t disk_queues(const VmConfig& config) {
    return std::min(config.cpus, BlockQueues::most);
}

bool explain_overlay(const VmConfig& config, const VmConfigDisk& line, OverlayFault fault,
                     std::uint64_t image_size) {
    if (fault != OverlayFault::too_small) return explain_host_disk(config, line, to_string(fault));
    FixedBuffer<96> why;
    print(why, "{} for an overlay of {}, which takes {} bytes", to_string(fault), line.file.path,
          OverlayArea{image_size}.disk_size());
    return explain_host_disk(config, line, why.view());
}

/// False, with a sentence in the log, where the machine has no such disk for this VM. Of an
/// overlay `image` is below it.
bool take_host_disk(HostResources& host, const VmConfig& config, const VmConfigDisk& line,
                    std::span<const std::byte> image, const GuestMemory& ram, VmMemory& memory,
                    VmDevices& devices) {
    HostDisk* const disk = host_disk(line.host->disk);
    if (disk == nullptr) {
        FixedBuffer<96> why;
        print(why, "this machine has no such disk: it has {}, counted from host:0",
              host_disk_count());
        return explain_host_disk(config, line, why.view());
    }
    const auto range = find_host_partition(*disk, line.host->partition, host.timebase_hz());
    if (!range) return explain_host_disk(config, line, to_string(range.error()));
    GuestHostDisk& made = devices.host_disks.emplace_back(
        GuestHostDisk::Settings{
            .name = line.file.path,
            .id = line.has_image() ? GuestDisk::id_of(line.file.path) : line.file.path,
            .range = *range,
            .read_only = line.mode == DiskMode::ro,
            .queues = disk_queues(config),
            .image = image},
        *disk, ram, memory.frames(), host.device_tasks());
    if (const auto claimed = made.claim(); !claimed)
        return explain_host_disk(config, line, to_string(claimed.error()));
    const auto begun = made.begin_overlay();
    if (!begun) return explain_overlay(config, line, begun.error(), image.size());
    devices.disks.push_back(&made.port());
    if (!*begun) explain_refusal(memory, "there is no memory for its overlay");
    return *begun;
}

bool take_image(HostResources& host, const VmConfig& config, const VmConfigDisk& line,
                std::span<const std::byte> image, const GuestMemory& ram, VmMemory& memory,
                VmDevices& devices) {
    GuestDisk& made = devices.images.emplace_back(
        GuestDisk::Settings{.name = line.file.path,
                            .image = image,
                            .has_overlay = line.mode == DiskMode::overlay,
                            .queues = disk_queues(config)},
        ram, memory, host.device_tasks());
    devices.disks.push_back(&made.port());
    return made.take_memory();
}

/// False, with a sentence in the log, where there is not enough memory, or no such disk.
bool take_disks(HostResources& host, const BundleVm& bundle, const GuestMemory& ram,
                VmMemory& memory, VmDevices& devices) {
    const auto& lines = bundle.config.disks;
    const auto of_host = static_cast<std::size_t>(std::ranges::count_if(lines, is_of_host));
    bool has_room = devices.images.try_reserve(lines.size() - of_host).has_value() &&
                    devices.host_disks.try_reserve(of_host).has_value();
    for (std::size_t n = 0; has_room && n < lines.size(); ++n) {
        if (!is_of_host(lines[n])) {
            has_room =
                take_image(host, bundle.config, lines[n], bundle.disks[n], ram, memory, devices);
        } else if (!take_host_disk(host, bundle.config, lines[n], bundle.disks[n], ram, memory,
                                   devices)) {
            return false;
        }
    }
    if (!has_room) explain_refusal(memory, "the heap has no room for its disks");
    return has_room;
}

bool explain_net(const VmConfig& config, const NetLine& line, std::string_view why) {
    println("cairn: {}:{}: net: {}: {}", config.file, line.line, line.wire, why);
    return false;
}

/// False, with a sentence in the log, where there is not enough memory, or no such network.
bool take_nets(HostResources& host, const VmConfig& config, const GuestMemory& ram,
               VmMemory& memory, VmDevices& devices) {
    if (!devices.nets.try_reserve(config.nets.size())) {
        explain_refusal(memory, "the heap has no room for its network interfaces");
        return false;
    }
    for (std::uint32_t n = 0; n < config.nets.size(); ++n) {
        const NetLine& line = config.nets[n];
        VirtualSwitch* const net =
            line.is_uplink ? host.networks().find(line.wire)
                           : host.networks().find_or_make(line.wire, host.timebase_hz());
        if (net == nullptr)
            return explain_net(config, line,
                               line.is_uplink ? "this machine has no network device"
                                              : "the heap has no room for this switch");
        GuestNet& made = devices.nets.emplace_back(
            GuestNet::Settings{
                .name = line.wire,
                .port = {.address = line.mac.value_or(make_mac_address(config.name, n)),
                         .is_isolated = line.is_isolated,
                         .rate = line.rate},
                .offloads = host.networks().offloads(line.is_uplink)},
            *net, ram, host.device_tasks());
        if (!made.connect())
            return explain_net(config, line,
                               "another interface there has its address, or it has 64 already");
    }
    return true;
}

/// Slots are few.
bool has_slots(const VmConfig& config) {
    const std::size_t wanted = config.disks.size() + config.nets.size() + (config.rng ? 1 : 0) +
                               (config.virtio_console ? 1 : 0) + (config.balloon ? 1 : 0);
    if (wanted <= guest_map::virtio_slots) return true;
    println(
        "cairn: {}: its disks, network interfaces, rng, virtio-console and balloon are {}, and a "
        "VM has {} virtio slots",
        config.file, wanted, guest_map::virtio_slots);
    return false;
}

/// Whether the VM may have an entropy device; else there is a sentence in the log.
bool can_have_rng(const HostResources& host, const VmConfig& config) {
    if (host_rng().works() || host.has_rng_seed()) return true;
    println(
        "cairn: {}:{}: rng: this machine has nothing to make random bytes of: neither a virtio-rng "
        "nor an rng-seed in its device tree",
        config.file, config.rng_line);
    return false;
}

/// The same of a balloon: frames go to others only when all harts have forgotten them.
bool can_have_balloon(HostResources& host, const VmConfig& config) {
    if (host.guest_translations() != nullptr) return true;
    println(
        "cairn: {}:{}: balloon: this machine's firmware cannot have other harts forget a guest's "
        "memory",
        config.file, config.balloon_line);
    return false;
}

/// False where there is no memory for it.
bool take_balloon(HostResources& host, GuestRam& ram, VmMemory& memory, VmDevices& devices) {
    devices.balloon =
        try_allocate_unique<GuestBalloon>(VmAllocator<GuestBalloon>(memory.heap()), ram, memory,
                                          host.device_tasks(), host.timebase_hz());
    return devices.balloon && devices.balloon->take_memory();
}

/// Leaves none where there is no memory for it.
void take_console(HostResources& host, const GuestMemory& ram, VmMemory& memory,
                  GuestChannel& channel, VmDevices& devices) {
    static_assert(VmConfig::max_ports == GuestChannel::most_ports &&
                  VmConfig::max_ports < VirtioConsole::most_ports &&
                  longest_vm_name <= VirtioConsole::longest_name);
    static_vector<ConsoleEnd*, VmConfig::max_ports> others;
    for (GuestPort& port : channel.ports())
        others.push_back(&port);
    devices.console = try_allocate_unique<GuestVirtioConsole>(
        VmAllocator<GuestVirtioConsole>(memory.heap()), channel, channel, channel.size(),
        std::span<ConsoleEnd* const>(others.data(), others.size()), ram, host.device_tasks());
}

/// Whether the machine has what the configuration asks for beside disks and networks.
bool can_have(HostResources& host, const VmConfig& config) {
    return has_slots(config) && (!config.rng || can_have_rng(host, config)) &&
           (!config.balloon || can_have_balloon(host, config));
}

}  // namespace

void explain_refusal(const VmMemory& memory, std::string_view otherwise) {
    const QuotaAccount& account = memory.account();
    if (account.refusals() == 0) {
        println("cairn: vm {}: {}", account.owner(), otherwise);
    } else {
        println(
            "cairn: vm {}: {} bytes of the hypervisor's own memory are too few for it: the boot "
            "option quota=SIZE gives it more",
            account.owner(), account.limit());
    }
}

VmDevices::VmDevices(VmMemory& memory)
    : images(VmAllocator<GuestDisk>(memory.heap())),
      host_disks(VmAllocator<GuestHostDisk>(memory.heap())),
      nets(VmAllocator<GuestNet>(memory.heap())),
      rng(nullptr,
          allocator_delete<GuestRng, VmAllocator<GuestRng>>(VmAllocator<GuestRng>(memory.heap()))),
      console(nullptr, allocator_delete<GuestVirtioConsole, VmAllocator<GuestVirtioConsole>>(
                           VmAllocator<GuestVirtioConsole>(memory.heap()))),
      balloon(nullptr, allocator_delete<GuestBalloon, VmAllocator<GuestBalloon>>(
                           VmAllocator<GuestBalloon>(memory.heap()))),
      clock(nullptr, allocator_delete<GuestClock, VmAllocator<GuestClock>>(
                         VmAllocator<GuestClock>(memory.heap()))) {}

/// Lines and disks of the machine's are in the same order.
std::optional<bool> VmDevices::open_some(const VmConfig& config) {
    auto disk = host_disks.begin();
    for (const VmConfigDisk& line : config.disks) {
        if (!is_of_host(line)) continue;
        const auto opened = (disk++)->open_some();
        if (opened && *opened) continue;
        if (opened) return false;
        (void)explain_overlay(config, line, opened.error(), 0);
        return std::nullopt;
    }
    return true;
}

VmDevices::Plugged VmDevices::virtio() {
    Plugged all;
    for (GuestVirtio* const disk : disks)
        all.push_back(disk);
    for (GuestNet& net : nets)
        all.push_back(&net.port());
    if (rng) all.push_back(&rng->port());
    if (console) all.push_back(&console->port());
    if (balloon) all.push_back(&balloon->port());
    return all;
}

std::optional<VmDevices> take_devices(HostResources& host, const BundleVm& bundle,
                                      GuestRam& guest_ram, VmMemory& memory,
                                      GuestChannel& channel) {
    const VmConfig& config = bundle.config;
    const GuestMemory ram = guest_ram.memory();
    if (!can_have(host, config)) return std::nullopt;
    VmDevices devices(memory);
    if (!take_disks(host, bundle, ram, memory, devices) ||
        !take_nets(host, config, ram, memory, devices))
        return std::nullopt;
    devices.clock =
        try_allocate_unique<GuestClock>(VmAllocator<GuestClock>(memory.heap()), host_clock(),
                                        host.device_tasks(), host.timebase_hz());
    if (config.rng)
        devices.rng =
            try_allocate_unique<GuestRng>(VmAllocator<GuestRng>(memory.heap()), host_rng(), ram,
                                          host.device_tasks(), host.timebase_hz());
    if (config.virtio_console) take_console(host, ram, memory, channel, devices);
    const bool has_balloon = !config.balloon || take_balloon(host, guest_ram, memory, devices);
    const bool has_console = !config.virtio_console || devices.console;
    if (config.packed_rings)
        for (GuestVirtio* const each : devices.virtio())
            each->device().offer_packed_rings();
    if (devices.clock && (devices.rng || !config.rng) && has_balloon && has_console) return devices;
    explain_refusal(memory, "the heap has no room for its devices");
    return std::nullopt;
}

}  // namespace cairn
