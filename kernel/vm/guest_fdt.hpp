// SPDX-License-Identifier: MIT
// A guest's device tree: QEMU `virt`'s, as far as it is true of Cairn's guests. What is in /soc are
// the VM's devices (kernel/vm/guest_devices.hpp), in their order, and each says itself what it is.
// Pure; the tree goes into the caller's bytes.
//
//     / ── chosen ── memory ── cpus ── soc ─┬─ test@100000        syscon: poweroff, reboot
//                              └─ cpu@N ... ├─ plic@c000000       contexts 2N: none, 2N+1: cpu N's
//                                 └─ intc   ├─ serial@10000000    ns16550a
//                                           └─ virtio_mmio@1000N000 eight slots
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include <cairn/fdt_writer.hpp>
#include "kernel/arch/address.hpp"
#include "kernel/vm/guest_devices.hpp"

namespace cairn {

struct GuestFdtConfig {
    GuestRange memory;
    std::uint32_t cpus = 1;     ///< hart ids are 0 to cpus - 1; hart 0 boots
    std::string_view isa;       ///< canonical, "rv64imac_zicsr_sstc": what works in VS-mode
    std::string_view mmu_type;  ///< "riscv,sv39", "riscv,sv48" or "riscv,sv57"
    std::uint64_t timebase_frequency = 0;  ///< Hz
    std::uint32_t cbom_block_size = 0;     ///< bytes; 0: not mentioned
    std::uint32_t cboz_block_size = 0;     ///< bytes; 0: not mentioned
    std::string_view bootargs;             ///< the kernel's command line; may be empty
    std::optional<GuestRange> initrd;
    std::span<const std::byte> rng_seed;  ///< may be empty
    std::span<const GuestDevice> devices{};
};

enum class GuestFdtError : std::uint8_t {
    no_space,
    no_memory,
    no_cpus,
    bad_isa,
    bad_text,
    initrd_outside_memory,
};

/// One sentence, without a full stop.
[[nodiscard]] std::string_view to_string(GuestFdtError error);

/// Free bytes at the end of the tree, as firmware leaves them: a boot loader adds a command line,
/// an initrd and more in place. U-Boot 2025.01 does so without a look at what lies behind the tree.
inline constexpr std::size_t guest_fdt_spare = 4096;

/// Bytes that are enough for a tree of `cpus` harts, whatever the config; `texts` is the length of
/// its strings and seed together.
[[nodiscard]] constexpr std::size_t guest_fdt_size_limit(std::size_t cpus, std::size_t texts) {
    return 5120 + guest_fdt_spare + texts + cpus * 1024;
}

/// Writes the tree piece by piece, for other guests to run in between: a VM may have 64 harts.
class GuestFdtWriter {
  public:
    /// To the start of `into`; what `config` refers to outlives it.
    GuestFdtWriter(std::span<std::byte> into, const GuestFdtConfig& config);

    /// The bytes that the tree takes, once it is complete.
    using Written = std::expected<std::optional<std::span<std::byte>>, GuestFdtError>;
    /// A piece; not called again after the last, or an error.
    [[nodiscard]] Written write_some();

  private:
    enum class Part : std::uint8_t { head, harts, devices, end };

    [[nodiscard]] Written write_head();
    [[nodiscard]] Written write_harts();
    [[nodiscard]] Written write_devices();
    [[nodiscard]] Written finish();

    FdtWriter tree_;
    GuestFdtConfig config_;
    Part next_ = Part::head;
    std::uint32_t hart_ = 0;  ///< the next
    std::size_t device_ = 0;  ///< the next
};

/// All of it at once, for who wants to look at it.
[[nodiscard]] std::expected<std::span<std::byte>, GuestFdtError> write_guest_fdt(
    std::span<std::byte> into, const GuestFdtConfig& config);

}  // namespace cairn
