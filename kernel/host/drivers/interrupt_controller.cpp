// SPDX-License-Identifier: MIT
// Compiled: for the target alone. It touches the machine's own devices and memory.
#include "kernel/host/drivers/interrupt_controller.hpp"

#include "kernel/arch/devices/plic_registers.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/start/guarded_call.hpp"

namespace cairn {
namespace {

class HostPlic final : public HostInterruptController {
  public:
    [[nodiscard]] bool start(std::uint64_t base, std::uint32_t context, std::uint32_t sources);

    [[nodiscard]] bool enable(std::uint32_t number) override;
    [[nodiscard]] std::uint32_t claim() override { return at(plic::claim(context_)); }
    void complete(std::uint32_t number) override { at(plic::claim(context_)) = number; }

  private:
    [[nodiscard]] volatile std::uint32_t& at(std::uint64_t offset) const {
        return *reinterpret_cast<volatile std::uint32_t*>(base_ + offset);
    }
    [[nodiscard]] bool keeps(std::uint64_t offset, std::uint32_t value) const {
        at(offset) = value;
        return at(offset) == value;
    }

    std::uint64_t base_ = 0;
    std::uint32_t context_ = 0;
};
constinit HostPlic host_plic;

/// What an earlier stage may have left on is turned off.
bool HostPlic::start(std::uint64_t base, std::uint32_t context, std::uint32_t sources) {
    base_ = base;
    context_ = context;
    bool kept = false;
    const bool completed = completes([&] {
        for (std::uint32_t source = 0; source <= sources; source += 32)
            at(plic::enable(context_, source)) = 0;
        kept = keeps(plic::threshold(context_), 0);
    });
    return completed && kept;
}

bool HostPlic::enable(std::uint32_t number) {
    bool kept = false;
    const bool completed = completes([&] {
        kept = keeps(plic::priority(number), 1);
        const std::uint64_t word = plic::enable(context_, number);
        kept = kept && keeps(word, at(word) | 1u << (number % 32));
    });
    if (!completed || !kept) return false;
    csr_set<Csr::sie>(Sip::SEIP::mask);
    return true;
}

}  // namespace

HostInterruptController* start_interrupt_controller(const MachinePlic& plic,
                                                    std::uint32_t context) {
    return host_plic.start(plic.registers.base.value, context, plic.sources) ? &host_plic : nullptr;
}

}  // namespace cairn
