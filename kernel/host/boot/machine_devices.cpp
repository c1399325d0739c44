// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/boot/machine_devices.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <cairn/bits.hpp>
#include "kernel/arch/devices/goldfish_rtc_registers.hpp"
#include "kernel/arch/devices/plic_registers.hpp"
#include "kernel/arch/devices/sswi_registers.hpp"
#include "kernel/arch/devices/uart16550_registers.hpp"
#include "kernel/arch/devices/virtio_mmio_registers.hpp"

namespace cairn {
namespace {

using Reason = MachineError::Reason;

constexpr std::array<std::string_view, 3> uart_compatibles{"ns16550a", "ns16550",
                                                           "snps,dw-apb-uart"};
constexpr std::array<std::string_view, 2> plic_compatibles{"riscv,plic0", "sifive,plic-1.0.0"};
constexpr std::array<std::string_view, 1> test_device_compatibles{"sifive,test0"};
constexpr std::array<std::string_view, 1> rtc_compatibles{"google,goldfish-rtc"};

// Interrupt causes of the privileged specification.
constexpr std::uint32_t supervisor_software = 1;
constexpr std::uint32_t supervisor_external = 9;

// The most that Cairn touches of each. A tree may say that registers go on for ever; what is mapped
// and must be free of anything else is this.
constexpr std::uint64_t uart_size = uart16550::register_count << uart16550::widest_shift;
constexpr std::uint64_t test_device_size = sizeof(std::uint32_t);
constexpr std::uint64_t sswi_size = sswi::set_ssip(sswi::hart_limit);

HostRange first_bytes(HostRange range, std::uint64_t most) {
    return {range.base, std::min(range.size, most)};
}

bool is_any_of(const FdtNode& node, std::span<const std::string_view> compatibles) {
    const auto own = node.property("compatible");
    return own && std::ranges::any_of(compatibles, [&](std::string_view name) {
               return own->strings().contains(name);
           });
}

/// The first entry of the `reg` of `node`, whose addresses `translate` turns into the machine's.
template <class Translate>
std::optional<HostRange> read_registers(const FdtNode& node, Translate translate) {
    const auto reg = node.reg();
    if (!reg || reg->begin() == FdtRegs::end()) return std::nullopt;
    const FdtReg first = *reg->begin();
    const std::optional<std::uint64_t> base = translate(first.address);
    if (!base || !checked_add(*base, first.size)) return std::nullopt;
    return HostRange{{*base}, first.size};
}

/// The first enabled node of these; one with the phandle `preferred` comes before any other.
std::optional<FdtNode> find_enabled(const Fdt& fdt, std::span<const std::string_view> compatibles,
                                    std::optional<std::uint32_t> preferred = {}) {
    std::optional<FdtNode> found;
    for (const FdtNode& node : fdt.nodes()) {
        if (!is_any_of(node, compatibles) || !node.is_enabled()) continue;
        if (preferred && node.phandle() == preferred) return node;
        if (!found) found = node;
    }
    return found;
}

/// Its first `most` bytes; nothing where there is none with registers.
std::optional<MachineDevice> read_device(const Fdt& fdt,
                                         std::span<const std::string_view> compatibles,
                                         std::uint64_t most) {
    const auto node = find_enabled(fdt, compatibles);
    const auto registers = node ? read_registers(fdt, *node) : std::nullopt;
    if (!registers) return std::nullopt;
    return MachineDevice{first_bytes(*registers, most), node->name()};
}

/// `stdout-path`, also under the name it once had.
std::string_view stdout_path(const Fdt& fdt) {
    const auto chosen = fdt.find("/chosen");
    if (!chosen) return {};
    if (const auto path = chosen->string("stdout-path")) return *path;
    return chosen->string("linux,stdout-path").value_or("");
}

/// `interrupt-parent` of `node`, or of the nearest node above it that has one.
std::optional<std::uint32_t> interrupt_parent(const Fdt& fdt, const FdtNode& node) {
    for (std::optional<FdtNode> at = node; at; at = fdt.parent(*at)) {
        if (const auto parent = at->u32("interrupt-parent")) return parent;
    }
    return std::nullopt;
}

/// The first interrupt: in `interrupts`, whose first cell is its number at the interrupt parent; or
/// in `interrupts-extended`, where the parent's phandle stands before it.
void read_interrupt(const Fdt& fdt, const FdtNode& node, MachineWiredDevice& device) {
    const auto extended = node.property("interrupts-extended");
    if (extended && extended->cell_count() > 1) {
        device.interrupt_controller = extended->cell(0);
        device.interrupt = extended->cell(1);
        return;
    }
    const auto plain = node.property("interrupts");
    if (!plain || plain->cell_count() == 0) return;
    device.interrupt_controller = interrupt_parent(fdt, node);
    device.interrupt = plain->cell(0);
}

/// The options behind ':' start with the baud rate ("115200n8"); 0 where they do not.
std::uint32_t baud_from(std::string_view options) {
    std::uint32_t baud = 0;
    std::from_chars(options.data(), options.data() + options.size(), baud);
    return baud;
}

std::expected<MachineUart, MachineError> describe_uart(const Fdt& fdt, const FdtNode& node,
                                                       std::string_view options) {
    const auto registers = read_registers(fdt, node);
    if (!registers) return std::unexpected(MachineError{Reason::bad_uart, {}, node.name()});
    MachineUart uart;
    const std::uint64_t offset = node.u32("reg-offset").value_or(0);
    if (offset >= registers->size) {
        return std::unexpected(MachineError{Reason::bad_uart, {}, node.name()});
    }
    uart.registers = first_bytes({registers->base + offset, registers->size - offset}, uart_size);
    uart.node = node.name();
    read_interrupt(fdt, node, uart);
    uart.reg_shift = node.u32("reg-shift").value_or(uart.reg_shift);
    uart.reg_io_width = node.u32("reg-io-width").value_or(uart.reg_io_width);
    uart.designware = node.is_compatible("snps,dw-apb-uart");
    uart.clock_hz = node.u32("clock-frequency").value_or(0);
    uart.baud = baud_from(options);
    if (uart.baud == 0) uart.baud = node.u32("current-speed").value_or(0);
    return uart;
}

/// How many cells follow `phandle` in an `interrupts-extended`; nothing where nobody has it.
std::optional<std::uint32_t> interrupt_cells(const Fdt& fdt, std::uint32_t phandle) {
    const auto node = fdt.find_phandle(phandle);
    return node ? node->u32("#interrupt-cells") : std::nullopt;
}

/// Each entry of `wires` is the interrupt controller of a hart, and a cause there. Calls
/// `visit(hart, index)` for entries of `cause`; false where `wires` is malformed.
template <class Visit>
bool for_each_wire(const Fdt& fdt, const FdtProperty& wires, std::uint32_t cause,
                   std::span<MachineHart> harts, Visit visit) {
    std::size_t at = 0;
    for (std::uint32_t index = 0; at < wires.cell_count(); ++index) {
        const std::uint32_t phandle = wires.cell(at++);
        const auto hart = std::ranges::find(harts, phandle, &MachineHart::interrupt_controller);
        const bool known = hart != harts.end();
        // A hart's own controller has one cell, which reading the harts has checked.
        const auto cells = known ? 1 : interrupt_cells(fdt, phandle);
        if (!cells || *cells > wires.cell_count() - at) return false;
        if (known && wires.cell(at) == cause) visit(*hart, index);
        at += *cells;
    }
    return true;
}

}  // namespace

std::optional<HostRange> read_registers(const Fdt& fdt, const FdtNode& node) {
    return read_registers(node, [&](std::uint64_t at) { return fdt.translate(node, at); });
}

std::expected<std::optional<MachineUart>, MachineError> read_uart(const Fdt& fdt) {
    const std::string_view path = stdout_path(fdt);
    const std::size_t colon = path.find(':');
    const auto node =
        path.empty() ? find_enabled(fdt, uart_compatibles) : fdt.find(path.substr(0, colon));
    if (!node || !is_any_of(*node, uart_compatibles)) return std::nullopt;
    const bool has_options = colon != std::string_view::npos;
    return describe_uart(fdt, *node, has_options ? path.substr(colon + 1) : std::string_view{});
}

std::optional<MachineDevice> read_test_device(const Fdt& fdt) {
    return read_device(fdt, test_device_compatibles, test_device_size);
}

std::optional<MachineDevice> read_rtc(const Fdt& fdt) {
    return read_device(fdt, rtc_compatibles, goldfish_rtc::register_bytes);
}

static_vector<MachineWiredDevice, max_virtio_slots> read_virtio(const Fdt& fdt) {
    static_vector<MachineWiredDevice, max_virtio_slots> slots;
    for (auto at = fdt.nodes().begin(); at != FdtNodes::end(); ++at) {
        const FdtNode& node = *at;
        if (!node.is_compatible("virtio,mmio") || !node.is_enabled()) continue;
        const auto registers =
            read_registers(node, [&](std::uint64_t address) { return at.translate(address); });
        if (!registers) continue;
        MachineWiredDevice slot;
        slot.registers = first_bytes(*registers, virtio_mmio::block_size);
        slot.node = node.name();
        read_interrupt(fdt, node, slot);
        if (slots.try_push_back(slot) == nullptr) break;
    }
    return slots;
}

std::expected<std::optional<MachinePlic>, MachineError> read_plic(
    const Fdt& fdt, const std::optional<MachineUart>& uart, std::span<MachineHart> harts) {
    const auto node =
        find_enabled(fdt, plic_compatibles, uart ? uart->interrupt_controller : std::nullopt);
    if (!node) return std::nullopt;
    const MachineError error{Reason::bad_plic, {}, node->name()};
    const auto registers = read_registers(fdt, *node);
    const auto sources = node->u32("riscv,ndev");
    const auto wires = node->property("interrupts-extended");
    if (!registers || !sources || !wires) return std::unexpected(error);
    if (!for_each_wire(fdt, *wires, supervisor_external, harts,
                       [](MachineHart& hart, std::uint32_t index) { hart.plic_context = index; })) {
        return std::unexpected(error);
    }
    return MachinePlic{
        {first_bytes(*registers, plic::block_end), node->name()}, node->phandle(), *sources};
}

static_vector<MachineDevice, max_sswis> read_software_interrupts(const Fdt& fdt,
                                                                 std::span<MachineHart> harts) {
    static_vector<MachineDevice, max_sswis> devices;
    for (const FdtNode& node : fdt.nodes()) {
        if (!node.is_compatible("riscv,aclint-sswi") || !node.is_enabled()) continue;
        const auto all = read_registers(fdt, node);
        const auto wires = node.property("interrupts-extended");
        if (!all || !wires) continue;
        MachineDevice sswi{{all->base, 0}, node.name()};
        if (devices.size() == devices.capacity()) break;
        for_each_wire(fdt, *wires, supervisor_software, harts,
                      [&](MachineHart& hart, std::uint32_t index) {
                          const std::uint64_t end = sswi::set_ssip(index + 1);
                          if (end > std::min(all->size, sswi_size)) return;
                          hart.set_ssip = all->base + sswi::set_ssip(index);
                          sswi.registers.size = std::max(sswi.registers.size, end);
                      });
        if (sswi.registers.size != 0) devices.push_back(sswi);
    }
    return devices;
}

}  // namespace cairn
