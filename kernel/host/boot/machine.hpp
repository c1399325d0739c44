// SPDX-License-Identifier: MIT
// What the machine's device tree says, as one value: memory, harts, console UART, interrupt
// controller, boot parameters. Fixed capacities, nothing is allocated; every string points into the
// tree, which must outlive it. About 60 KiB: keep it in static storage. Pure, no locking.
//
// Sources: Devicetree Specification v0.4, chapter 3 (/memory, /chosen, /cpus, /aliases,
// /reserved-memory); Linux Documentation/devicetree/bindings: riscv/cpus.yaml,
// riscv/extensions.yaml, interrupt-controller/sifive,plic-1.0.0.yaml, serial/8250.yaml,
// virtio/mmio.yaml,
// chosen.yaml, rtc/google,goldfish-rtc.yaml; QEMU hw/riscv/virt.c for "riscv,aclint-sswi".
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/fdt_reader.hpp>
#include <cairn/static_vector.hpp>
#include "kernel/arch/address.hpp"

namespace cairn {

inline constexpr std::size_t max_memory_ranges = 64;
inline constexpr std::size_t max_reserved_ranges = 128;
inline constexpr std::size_t max_harts = 512;       // as many as QEMU's virt has
inline constexpr std::size_t max_virtio_slots = 8;  // as many as QEMU's virt has
inline constexpr std::size_t max_sswis = 8;         // one for each of its sockets

struct MachineHart {
    std::uint64_t id = 0;
    bool enabled = false;               ///< `status`: the firmware lets it be started
    std::string_view isa;               ///< `riscv,isa`; empty where there is none
    std::string_view isa_base;          ///< `riscv,isa-base`; empty where there is none
    FdtStrings isa_extensions;          ///< `riscv,isa-extensions`; empty where there is none
    std::string_view mmu_type;          ///< "riscv,sv48"; empty where there is none
    std::uint32_t cbom_block_size = 0;  ///< bytes of a cache block for cbo.clean ...; 0 if unknown
    std::uint32_t cboz_block_size = 0;  ///< bytes of a cache block for cbo.zero; 0 if unknown
    std::optional<std::uint32_t> interrupt_controller;  ///< phandle of its riscv,cpu-intc
    std::optional<std::uint32_t> plic_context;  ///< that raises its S-mode external interrupt
    std::optional<HostPhys> set_ssip;  ///< its SETSSIP register, where the machine has an SSWI
};

/// Registers, and the node that names them.
struct MachineDevice {
    HostRange registers;
    std::string_view node;
};

struct MachineWiredDevice : MachineDevice {
    std::optional<std::uint32_t> interrupt;  ///< source number at the interrupt controller
    std::optional<std::uint32_t> interrupt_controller;  ///< its phandle
};

struct MachineUart : MachineWiredDevice {
    std::uint32_t reg_shift = 0;     ///< register N is at N << reg_shift
    std::uint32_t reg_io_width = 1;  ///< bytes of an access
    std::uint32_t clock_hz = 0;      ///< 0: unknown
    bool designware = false;         ///< "snps,dw-apb-uart", which has a quirk
    std::uint32_t baud = 0;          ///< what firmware has set up; 0: unknown
};

/// The PLIC that takes the UART's interrupt, else the first. A machine of several sockets has one
/// each (QEMU's virt with NUMA nodes); harts that this one does not serve have no `plic_context`.
struct MachinePlic : MachineDevice {
    std::optional<std::uint32_t> phandle;
    std::uint32_t sources = 0;  ///< `riscv,ndev`: sources are 1 to this
};

struct Machine {
    /// In ascending order; neighbours are one range, and so are ranges that overlap.
    static_vector<HostRange, max_memory_ranges> memory;
    bool memory_overlaps = false;                            ///< the tree names some of it twice
    static_vector<HostRange, max_reserved_ranges> reserved;  ///< non-empty ranges, as given
    static_vector<MachineHart, max_harts> harts;
    std::uint64_t timebase_hz = 0;
    std::optional<MachineUart> uart;  ///< a 16550 that is the console
    std::optional<MachinePlic> plic;
    std::optional<MachineDevice> rtc;          ///< "google,goldfish-rtc"
    std::optional<MachineDevice> test_device;  ///< "sifive,test0": QEMU's exit status comes from it
    /// "virtio,mmio", in the order of the tree; those for which there is no room are left out. What
    /// is in them, if anything, is not looked at.
    static_vector<MachineWiredDevice, max_virtio_slots> virtio;
    static_vector<MachineDevice, max_sswis> sswis;  ///< where the harts' `set_ssip` lie
    std::optional<HostRange> initrd;
    std::string_view bootargs;
    std::string_view model;
    std::span<const std::byte> rng_seed;  ///< empty where there is none

    /// The hart with this id, or nullptr.
    [[nodiscard]] const MachineHart* hart(std::uint64_t id) const;
};

struct MachineError {
    enum class Reason : std::uint8_t {
        bad_tree,
        no_memory,
        bad_memory,
        too_many_memory_ranges,
        bad_reservation,
        too_many_reservations,
        no_cpus,
        no_usable_hart,
        bad_hart,
        too_many_harts,
        no_timebase,
        bad_uart,
        bad_plic,
        bad_initrd,
    };

    Reason reason = Reason::bad_tree;
    FdtError tree = FdtError::too_short;  ///< meaningful for `bad_tree`
    std::string_view node;                ///< name of the node at fault; may be empty
};

/// One sentence, without the node's name and without a full stop.
[[nodiscard]] std::string_view to_string(const MachineError& error);

[[nodiscard]] std::expected<Machine, MachineError> read_machine(std::span<const std::byte> dtb);

/// The test device alone, for a tree of which nothing else may be right; nothing where there is
/// none.
[[nodiscard]] std::optional<MachineDevice> find_test_device(std::span<const std::byte> dtb);

}  // namespace cairn
