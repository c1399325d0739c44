// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/vm/guest_fdt.hpp"

#include <algorithm>

#include <cairn/panic.hpp>
#include <cairn/print.hpp>
#include "kernel/dev/tree_phandles.hpp"

namespace cairn {
namespace {

// Of names as views: nobody counts the letters of each for each VM.
using namespace std::string_view_literals;

constexpr std::string_view isa_prefix = "rv64";

/// "rv64", then lower-case letters and digits in words separated by '_', the first starting with i.
bool is_isa(std::string_view isa) {
    if (!isa.starts_with(isa_prefix) || isa.ends_with('_') || isa.contains("__")) return false;
    isa.remove_prefix(isa_prefix.size());
    if (!isa.starts_with('i')) return false;
    for (const char c : isa) {
        if (c != '_' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) return false;
    }
    return true;
}

/// `riscv,isa-extensions` from the string: each letter of the first word, then each other word.
void write_isa_extensions(FdtWriter& tree, std::string_view isa) {
    isa.remove_prefix(isa_prefix.size());
    tree.property_string("riscv,isa-base"sv, "rv64i"sv);
    tree.begin_property("riscv,isa-extensions"sv);
    const std::string_view letters = isa.substr(0, isa.find('_'));
    for (std::size_t index = 0; index < letters.size(); ++index) {
        tree.append_string(letters.substr(index, 1));
    }
    while (isa.contains('_')) {
        isa.remove_prefix(isa.find('_') + 1);
        tree.append_string(isa.substr(0, isa.find('_')));
    }
}

void write_stdout_path(FdtWriter& tree, std::span<const GuestDevice> devices) {
    const auto is_console = [](const GuestDevice& device) { return device.kind->is_console; };
    const auto console = std::ranges::find_if(devices, is_console);
    if (console == devices.end()) return;
    FixedBuffer<64> path;
    print(path, "/soc/{}@{:x}", console->kind->node, console->block.base.value);
    tree.property_string("stdout-path"sv, path.view());
}

void write_chosen(FdtWriter& tree, const GuestFdtConfig& config) {
    tree.begin_node("chosen"sv);
    write_stdout_path(tree, config.devices);
    tree.property_string("bootargs"sv, config.bootargs);
    if (!config.rng_seed.empty()) tree.property("rng-seed"sv, config.rng_seed);
    if (config.initrd) {
        tree.property_u64("linux,initrd-start"sv, config.initrd->base.value);
        tree.property_u64("linux,initrd-end"sv, config.initrd->end().value);
    }
    tree.end_node();
}

void write_reg(FdtWriter& tree, const GuestRange& range) {
    tree.property_u64s("reg"sv, {range.base.value, range.size});
}

void write_memory(FdtWriter& tree, const GuestFdtConfig& config) {
    tree.begin_node("memory"sv, config.memory.base.value);
    tree.property_string("device_type"sv, "memory"sv);
    write_reg(tree, config.memory);
    tree.end_node();
}

void write_cpu(FdtWriter& tree, const GuestFdtConfig& config, std::uint32_t hart) {
    tree.begin_node("cpu"sv, hart);
    tree.property_string("device_type"sv, "cpu"sv);
    tree.property_u32("reg"sv, hart);
    tree.property_string("status"sv, "okay"sv);
    tree.property_string("compatible"sv, "riscv"sv);
    tree.property_string("riscv,isa"sv, config.isa);
    write_isa_extensions(tree, config.isa);
    tree.property_string("mmu-type"sv, config.mmu_type);
    if (config.cbom_block_size != 0) {
        tree.property_u32("riscv,cbom-block-size"sv, config.cbom_block_size);
    }
    if (config.cboz_block_size != 0) {
        tree.property_u32("riscv,cboz-block-size"sv, config.cboz_block_size);
    }
    tree.begin_node("interrupt-controller"sv);
    tree.property_u32("#interrupt-cells"sv, 1);
    tree.property_empty("interrupt-controller"sv);
    tree.property_u32("#address-cells"sv, 0);
    tree.property_string("compatible"sv, "riscv,cpu-intc"sv);
    tree.property_u32("phandle"sv, TreePhandles{config.cpus}.hart(hart));
    tree.end_node();
    tree.end_node();
}

/// What comes before the harts' nodes.
void begin_cpus(FdtWriter& tree, const GuestFdtConfig& config) {
    tree.begin_node("cpus"sv);
    tree.property_u32("#address-cells"sv, 1);
    tree.property_u32("#size-cells"sv, 0);
    if (config.timebase_frequency <= UINT32_MAX) {
        tree.property_u32("timebase-frequency"sv,
                          static_cast<std::uint32_t>(config.timebase_frequency));
    } else {
        tree.property_u64("timebase-frequency"sv, config.timebase_frequency);
    }
}

void write_compatible(FdtWriter& tree, const DeviceKind& kind) {
    tree.begin_property("compatible"sv);
    for (const std::string_view name : kind.compatible) {
        if (!name.empty()) tree.append_string(name);
    }
}

void write_device(FdtWriter& tree, const GuestDevice& device, const TreePhandles& handles) {
    tree.begin_node(device.kind->node, device.block.base.value);
    write_compatible(tree, *device.kind);
    write_reg(tree, device.block);
    device.device->describe(tree, handles);
    if (device.controller != nullptr) {
        device.controller->describe_source(tree, handles, device.interrupt);
    }
    tree.end_node();
}

/// What comes before the devices' nodes.
void begin_soc(FdtWriter& tree) {
    tree.begin_node("soc"sv);
    tree.property_string("compatible"sv, "simple-bus"sv);
    tree.property_u32("#address-cells"sv, 2);
    tree.property_u32("#size-cells"sv, 2);
    tree.property_empty("ranges"sv);
}

/// How many harts or devices a piece has: 50,000 instructions, and a half more.
constexpr std::size_t nodes_of_piece = 2;

std::optional<GuestFdtError> check(const GuestFdtConfig& config) {
    if (config.memory.size == 0) return GuestFdtError::no_memory;
    if (config.cpus == 0) return GuestFdtError::no_cpus;
    if (!is_isa(config.isa)) return GuestFdtError::bad_isa;
    if (config.initrd && !config.memory.contains(config.initrd->base, config.initrd->size)) {
        return GuestFdtError::initrd_outside_memory;
    }
    return std::nullopt;
}

/// The writer's errors that a config can cause; others would be mistakes above.
GuestFdtError converted(FdtWriteError error) {
    if (error == FdtWriteError::no_space) return GuestFdtError::no_space;
    if (error == FdtWriteError::bad_string) return GuestFdtError::bad_text;
    panic(to_string(error));
}

}  // namespace

std::string_view to_string(GuestFdtError error) {
    switch (error) {
        case GuestFdtError::no_space: return "the guest's device tree does not fit in its space";
        case GuestFdtError::no_memory: return "the guest's device tree needs memory to describe";
        case GuestFdtError::no_cpus: return "the guest's device tree needs at least one cpu";
        case GuestFdtError::bad_isa:
            return "the guest's ISA string is not of the form rv64i..._zext";
        case GuestFdtError::bad_text:
            return "a string for the guest's device tree, as its command line, contains a NUL";
        case GuestFdtError::initrd_outside_memory:
            return "the guest's initrd lies outside its memory";
    }
    return "the guest's device tree cannot be written";
}

GuestFdtWriter::GuestFdtWriter(std::span<std::byte> into, const GuestFdtConfig& config)
    : tree_(into), config_(config) {}

GuestFdtWriter::Written GuestFdtWriter::write_some() {
    switch (next_) {
        case Part::head: return write_head();
        case Part::harts: return write_harts();
        case Part::devices: return write_devices();
        case Part::end: break;
    }
    return finish();
}

GuestFdtWriter::Written GuestFdtWriter::write_head() {
    if (const auto error = check(config_)) return std::unexpected(*error);
    tree_.boot_cpu(0);
    tree_.begin_node(""sv);
    tree_.property_u32("#address-cells"sv, 2);
    tree_.property_u32("#size-cells"sv, 2);
    tree_.property_string("compatible"sv, "riscv-virtio"sv);
    tree_.property_string("model"sv, "cairn,virt"sv);
    write_chosen(tree_, config_);
    write_memory(tree_, config_);
    begin_cpus(tree_, config_);
    next_ = Part::harts;
    return std::nullopt;
}

GuestFdtWriter::Written GuestFdtWriter::write_harts() {
    for (std::size_t n = 0; n < nodes_of_piece && hart_ < config_.cpus; ++n, ++hart_)
        write_cpu(tree_, config_, hart_);
    if (hart_ < config_.cpus) return std::nullopt;
    tree_.end_node();
    begin_soc(tree_);
    next_ = Part::devices;
    return std::nullopt;
}

GuestFdtWriter::Written GuestFdtWriter::write_devices() {
    const TreePhandles handles{config_.cpus};
    const auto devices = config_.devices.subspan(device_);
    for (const GuestDevice& device : devices.first(std::min(devices.size(), nodes_of_piece))) {
        write_device(tree_, device, handles);
        ++device_;
    }
    if (device_ < config_.devices.size()) return std::nullopt;
    tree_.end_node();
    next_ = Part::end;
    return std::nullopt;
}

GuestFdtWriter::Written GuestFdtWriter::finish() {
    for (const GuestDevice& device : config_.devices)
        device.device->describe_uses(tree_, TreePhandles{config_.cpus});
    tree_.end_node();
    const auto finished = tree_.finish(guest_fdt_spare);
    if (!finished) return std::unexpected(converted(finished.error()));
    return *finished;
}

std::expected<std::span<std::byte>, GuestFdtError> write_guest_fdt(std::span<std::byte> into,
                                                                   const GuestFdtConfig& config) {
    GuestFdtWriter writer(into, config);
    for (;;) {
        const auto written = writer.write_some();
        if (!written) return std::unexpected(written.error());
        const std::optional<std::span<std::byte>> tree = *written;
        if (tree) return *tree;
    }
}

}  // namespace cairn
