// SPDX-License-Identifier: MIT
#include "kernel/vm/guest_fdt.hpp"

#include "kernel/vm/guest_map.hpp"
#include "lib/fdt/fdt_writer.hpp"
#include "lib/panic.hpp"

namespace cairn {
namespace {

// Phandles, after those of the harts' interrupt controllers, which are 1 + hart id.
constexpr std::uint32_t hart_phandle(std::uint32_t hart) {
    return 1 + hart;
}
constexpr std::uint32_t plic_phandle(std::uint32_t cpus) {
    return 1 + cpus;
}
constexpr std::uint32_t test_phandle(std::uint32_t cpus) {
    return 2 + cpus;
}

constexpr std::uint32_t supervisor_external = 9;  // interrupt cause, privileged specification
constexpr std::uint32_t no_interrupt = 0xffff'ffff;

// What the test device is written to stop the machine (QEMU include/hw/misc/sifive_test.h).
constexpr std::uint32_t poweroff_value = 0x5555;
constexpr std::uint32_t reboot_value = 0x7777;

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
    tree.property_string("riscv,isa-base", "rv64i");
    tree.begin_property("riscv,isa-extensions");
    const std::string_view letters = isa.substr(0, isa.find('_'));
    for (std::size_t index = 0; index < letters.size(); ++index) {
        tree.append_string(letters.substr(index, 1));
    }
    while (isa.contains('_')) {
        isa.remove_prefix(isa.find('_') + 1);
        tree.append_string(isa.substr(0, isa.find('_')));
    }
}

void write_chosen(FdtWriter& tree, const GuestFdtConfig& config) {
    tree.begin_node("chosen");
    tree.property_string("stdout-path", "/soc/serial@10000000");
    static_assert(guest_map::uart.base == GuestPhys{0x1000'0000});
    tree.property_string("bootargs", config.bootargs);
    if (!config.rng_seed.empty()) tree.property("rng-seed", config.rng_seed);
    if (config.initrd) {
        tree.property_u64("linux,initrd-start", config.initrd->base.value);
        tree.property_u64("linux,initrd-end", config.initrd->end().value);
    }
    tree.end_node();
}

void write_reg(FdtWriter& tree, const GuestRange& range) {
    tree.property_u64s("reg", {range.base.value, range.size});
}

void write_memory(FdtWriter& tree, const GuestFdtConfig& config) {
    tree.begin_node("memory", config.memory.base.value);
    tree.property_string("device_type", "memory");
    write_reg(tree, config.memory);
    tree.end_node();
}

void write_cpu(FdtWriter& tree, const GuestFdtConfig& config, std::uint32_t hart) {
    tree.begin_node("cpu", hart);
    tree.property_string("device_type", "cpu");
    tree.property_u32("reg", hart);
    tree.property_string("status", "okay");
    tree.property_string("compatible", "riscv");
    tree.property_string("riscv,isa", config.isa);
    write_isa_extensions(tree, config.isa);
    tree.property_string("mmu-type", config.mmu_type);
    if (config.cbom_block_size != 0) {
        tree.property_u32("riscv,cbom-block-size", config.cbom_block_size);
    }
    if (config.cboz_block_size != 0) {
        tree.property_u32("riscv,cboz-block-size", config.cboz_block_size);
    }
    tree.begin_node("interrupt-controller");
    tree.property_u32("#interrupt-cells", 1);
    tree.property_empty("interrupt-controller");
    tree.property_u32("#address-cells", 0);
    tree.property_string("compatible", "riscv,cpu-intc");
    tree.property_u32("phandle", hart_phandle(hart));
    tree.end_node();
    tree.end_node();
}

void write_cpus(FdtWriter& tree, const GuestFdtConfig& config) {
    tree.begin_node("cpus");
    tree.property_u32("#address-cells", 1);
    tree.property_u32("#size-cells", 0);
    if (config.timebase_frequency <= UINT32_MAX) {
        tree.property_u32("timebase-frequency",
                          static_cast<std::uint32_t>(config.timebase_frequency));
    } else {
        tree.property_u64("timebase-frequency", config.timebase_frequency);
    }
    for (std::uint32_t hart = 0; hart < config.cpus; ++hart)
        write_cpu(tree, config, hart);
    tree.end_node();
}

void write_test_device(FdtWriter& tree, std::uint32_t cpus) {
    tree.begin_node("test", guest_map::test_device.base.value);
    tree.property_strings("compatible", {"sifive,test1", "sifive,test0", "syscon"});
    write_reg(tree, guest_map::test_device);
    tree.property_u32("phandle", test_phandle(cpus));
    tree.end_node();
}

/// Contexts are numbered as on `virt`, two to a hart. The first would be M-mode's, which a guest
/// has not: like OpenSBI, say that it is wired to nothing.
void write_plic(FdtWriter& tree, std::uint32_t cpus) {
    tree.begin_node("plic", guest_map::plic.base.value);
    tree.property_strings("compatible", {"sifive,plic-1.0.0", "riscv,plic0"});
    write_reg(tree, guest_map::plic);
    tree.property_u32("#address-cells", 0);
    tree.property_u32("#interrupt-cells", 1);
    tree.property_empty("interrupt-controller");
    tree.begin_property("interrupts-extended");
    for (std::uint32_t hart = 0; hart < cpus; ++hart) {
        for (const std::uint32_t cause : {no_interrupt, supervisor_external}) {
            tree.append_u32(hart_phandle(hart));
            tree.append_u32(cause);
        }
    }
    tree.property_u32("riscv,ndev", guest_map::plic_sources);
    tree.property_u32("phandle", plic_phandle(cpus));
    tree.end_node();
}

void write_uart(FdtWriter& tree, std::uint32_t cpus) {
    tree.begin_node("serial", guest_map::uart.base.value);
    tree.property_string("compatible", "ns16550a");
    write_reg(tree, guest_map::uart);
    tree.property_u32("clock-frequency", guest_map::uart_clock_hz);
    tree.property_u32("interrupt-parent", plic_phandle(cpus));
    tree.property_u32("interrupts", guest_map::uart_irq);
    tree.end_node();
}

void write_virtio_slot(FdtWriter& tree, std::uint32_t cpus, std::size_t slot) {
    tree.begin_node("virtio_mmio", guest_map::virtio(slot).base.value);
    tree.property_string("compatible", "virtio,mmio");
    write_reg(tree, guest_map::virtio(slot));
    tree.property_u32("interrupt-parent", plic_phandle(cpus));
    tree.property_u32("interrupts", guest_map::virtio_irq(slot));
    tree.end_node();
}

void write_soc(FdtWriter& tree, std::uint32_t cpus) {
    tree.begin_node("soc");
    tree.property_string("compatible", "simple-bus");
    tree.property_u32("#address-cells", 2);
    tree.property_u32("#size-cells", 2);
    tree.property_empty("ranges");
    write_test_device(tree, cpus);
    write_plic(tree, cpus);
    write_uart(tree, cpus);
    for (std::size_t slot = 0; slot < guest_map::virtio_slots; ++slot)
        write_virtio_slot(tree, cpus, slot);
    tree.end_node();
}

void write_power(FdtWriter& tree, std::uint32_t cpus, std::string_view name,
                 std::string_view compatible, std::uint32_t value) {
    tree.begin_node(name);
    tree.property_string("compatible", compatible);
    tree.property_u32("regmap", test_phandle(cpus));
    tree.property_u32("offset", 0);
    tree.property_u32("value", value);
    tree.end_node();
}

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

std::expected<std::span<std::byte>, GuestFdtError> write_guest_fdt(std::span<std::byte> into,
                                                                   const GuestFdtConfig& config) {
    if (const auto error = check(config)) return std::unexpected(*error);
    FdtWriter tree{into};
    tree.boot_cpu(0);
    tree.begin_node("");
    tree.property_u32("#address-cells", 2);
    tree.property_u32("#size-cells", 2);
    tree.property_string("compatible", "riscv-virtio");
    tree.property_string("model", "cairn,virt");
    write_chosen(tree, config);
    write_memory(tree, config);
    write_cpus(tree, config);
    write_soc(tree, config.cpus);
    write_power(tree, config.cpus, "poweroff", "syscon-poweroff", poweroff_value);
    write_power(tree, config.cpus, "reboot", "syscon-reboot", reboot_value);
    tree.end_node();
    const auto finished = tree.finish(guest_fdt_spare);
    if (!finished) return std::unexpected(converted(finished.error()));
    return *finished;
}

}  // namespace cairn
