// SPDX-License-Identifier: MIT
// An emulated PLIC (RISC-V PLIC specification 1.0.0; layout in plic_registers.hpp) whose sources
// are all level-sensitive.
//
//   wire ──► gateway ──► IP (pending) ──► & enabled, priority > threshold ──► line of the context
//              │ shut from here ... to complete(id), then the wire is looked at again
//
// Invariants: a source is pending or claimed or neither, never both; line c is asserted exactly
// while a pending source that c enables has a priority above c's threshold. A forwarded request is
// not retracted when its wire falls. Claims ignore the threshold. Priorities and thresholds keep
// their low three bits. Reserved registers read 0 and ignore writes; only aligned words are taken.
// Enable bits, which Linux reads at each completion, can be shown (MmioDevice::show_page).
//
// No lock: who calls guards it. Lines are called back from within, and must not call the PLIC.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>

#include "kernel/arch/devices/plic_registers.hpp"
#include "kernel/dev/device_kind.hpp"
#include "kernel/dev/guest_interrupts.hpp"
#include "kernel/dev/interrupt_line.hpp"
#include "kernel/dev/mmio_device.hpp"

namespace cairn {

struct PlicConfig {
    std::uint32_t sources = 0;   ///< `riscv,ndev`: ids 1 to this
    std::uint32_t contexts = 0;  ///< two a hart: plic::machine_context, plic::supervisor_context
};

class Plic final : public MmioDevice, public GuestInterrupts {
  public:
    static constexpr std::uint32_t max_sources = 127;
    static constexpr std::uint32_t max_contexts = 64;
    static constexpr std::uint8_t max_priority = 7;
    static constexpr DeviceKind kind{
        .name = "PLIC", .node = "plic", .compatible = {"sifive,plic-1.0.0", "riscv,plic0"}};

    /// Panics when `config` is beyond the limits above: the VM's builder has checked it.
    explicit Plic(PlicConfig config);
    Plic(const Plic&) = delete;
    Plic& operator=(const Plic&) = delete;

    /// Lets `context` drive `line` (borrowed). Contexts without a line interrupt nobody.
    void connect(std::uint32_t context, InterruptLine& line);

    /// The wire into source `id`, 1 to config.sources.
    [[nodiscard]] InterruptLine& source(std::uint32_t id) override;

    /// Of hart `number`, the context of its S-mode.
    void connect_hart(std::uint32_t number, InterruptLine& line) override {
        connect(plic::supervisor_context(number), line);
    }
    void describe_source(FdtWriter& node, const TreePhandles& handles,
                         std::uint32_t id) const override;

    std::expected<std::uint64_t, BusError> read(std::uint64_t offset, AccessWidth width) override;
    std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                        std::uint64_t value) override;

    /// Those of enable bits.
    [[nodiscard]] bool shows_page(std::uint64_t page) const override;
    void show_page(std::uint64_t page, RegisterPage shown) override;

    /// What reading and writing the claim/complete register does, for callers that need no bus.
    [[nodiscard]] std::uint32_t claim(std::uint32_t context);
    void complete(std::uint32_t context, std::uint32_t id);

    /// Back to power-on: everything 0, then the wires that are up pend again.
    void reset() override;
    /// Contexts are numbered as on `virt`, two to a hart. The first would be M-mode's, which a
    /// guest has not: like OpenSBI, says that it is wired to nothing.
    void describe(FdtWriter& node, const TreePhandles& handles) const override;

    [[nodiscard]] PlicConfig config() const { return config_; }

  private:
    static constexpr std::size_t words = (max_sources + 1) / 64;
    static_assert(words == 2);

    /// A bit per source id.
    class SourceSet {
      public:
        [[nodiscard]] bool test(std::uint32_t id) const { return (bits[id / 64] & mask(id)) != 0; }
        void insert(std::uint32_t id) { bits[id / 64] |= mask(id); }
        void erase(std::uint32_t id) { bits[id / 64] &= ~mask(id); }
        [[nodiscard]] bool empty() const { return (bits[0] | bits[1]) == 0; }
        [[nodiscard]] std::uint32_t word32(std::uint32_t index) const {
            return static_cast<std::uint32_t>(bits[index / 2] >> (index % 2 * 32));
        }

        std::array<std::uint64_t, words> bits{};

      private:
        static std::uint64_t mask(std::uint32_t id) { return std::uint64_t{1} << (id % 64); }
    };

    class Source final : public InterruptLine {
      public:
        void set(bool asserted) override { owner->drive(id, asserted); }

        Plic* owner = nullptr;
        std::uint32_t id = 0;
    };

    struct Context {
        SourceSet enabled{};
        std::uint8_t threshold = 0;
        std::uint8_t best = 0;  ///< what a claim gets now, or 0
        InterruptLine* line = nullptr;
    };

    /// Everything that a reset sets to 0, but for the contexts.
    struct State {
        SourceSet pending{};
        SourceSet claimed{};
        std::array<std::uint8_t, max_sources + 1> priority{};
        std::array<std::uint64_t, max_sources + 1> enabled_by{};  ///< contexts, a bit each
    };

    void drive(std::uint32_t id, bool asserted);
    void pend(std::uint32_t id);
    [[gnu::noinline]] void offer_to_all(std::uint32_t id);
    void offer(std::uint32_t id, std::uint32_t context);
    [[nodiscard]] std::uint32_t best(const Context& context) const;
    [[nodiscard]] static constexpr std::uint64_t bit(std::uint32_t context) {
        return std::uint64_t{1} << context;
    }
    void update(std::uint32_t context);
    [[gnu::noinline]] void update_all(std::uint64_t contexts);
    void set_line(std::uint32_t context, bool asserted);

    // `read` and `write` do what needs no call and no frame by themselves, and leave the rest to
    // these. Shaped for: "MMIO read, PLIC"; "MMIO write, PLIC"; kernel text.
    [[gnu::noinline]] std::expected<std::uint64_t, BusError> read_any(std::uint64_t offset,
                                                                      AccessWidth width);
    [[gnu::noinline]] std::expected<void, BusError> write_any(std::uint64_t offset,
                                                              AccessWidth width,
                                                              std::uint64_t value);
    // Of a context's claim/complete register, by the context.
    [[gnu::noinline]] std::expected<std::uint64_t, BusError> read_claim(std::uint64_t context,
                                                                        AccessWidth width);
    [[gnu::noinline]] std::expected<void, BusError> write_complete(std::uint64_t context,
                                                                   AccessWidth width,
                                                                   std::uint64_t value);
    [[nodiscard]] std::uint32_t read_register(std::uint64_t offset);
    void write_register(std::uint64_t offset, std::uint32_t value);
    void write_priority(std::uint32_t id, std::uint32_t value);
    void write_enable(std::uint32_t context, std::uint32_t index, std::uint32_t value);
    void show_enabled(std::uint32_t context, std::uint32_t index) const;
    [[gnu::noinline]] void show_all_enabled() const;
    [[nodiscard]] std::uint32_t implemented(std::uint32_t index) const;

    PlicConfig config_;
    SourceSet level_{};           ///< the wires, as last driven
    std::uint64_t asserted_ = 0;  ///< the lines, as last driven, a bit per context
    State state_{};
    std::array<Context, max_contexts> contexts_{};
    /// Of enable bits, where they are shown.
    static constexpr std::uint64_t shown_size = max_contexts * plic::enable_stride;
    std::array<RegisterPage, shown_size / RegisterPage::bytes> shown_{};
    std::array<Source, max_sources + 1> sources_{};
};

}  // namespace cairn
