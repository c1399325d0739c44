// SPDX-License-Identifier: MIT
#include "kernel/host/cpu/hart_trials.hpp"

#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/isa/trap_cause.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

using enum IsaExtension;

constexpr IsaSet claimed{i,      f,   d,    v,     h,      zicbom,    zicboz,
                         zicntr, zba, sstc, svadu, svpbmt, smstateen, ssstateen};

IsaSet missing(std::uint32_t zero_block = 64, const IsaSet& of = claimed) {
    MachineHart hart;
    hart.cboz_block_size = zero_block;
    return missing_extensions(of, hart);
}

IsaSet without_csr(Csr csr) {
    fake_absent_csrs.set(static_cast<std::size_t>(csr));
    const IsaSet result = missing();
    fake_absent_csrs.reset();
    return result;
}

IsaSet with_hart(const FakeHart& hart) {
    fake_hart = hart;
    const IsaSet result = missing();
    fake_hart = {};
    return result;
}

}  // namespace

TEST_CASE("a hart that has everything lacks nothing", "[hart_trials]") {
    fake_csrs.fill(0);
    CHECK(missing() == IsaSet{});
    CHECK(csr_read<Csr::sstatus>() == 0);
    CHECK(csr_read<Csr::vsatp>() == 0);
    CHECK(csr_read<Csr::henvcfg>() == 0);
}

TEST_CASE("a CSR that is not there takes its extension with it", "[hart_trials]") {
    CHECK(without_csr(Csr::vstimecmp) == IsaSet{sstc});
    CHECK(without_csr(Csr::hstateen0) == IsaSet{smstateen, ssstateen});
    CHECK(without_csr(Csr::fcsr) == IsaSet{f});
    CHECK(without_csr(Csr::cycle) == IsaSet{zicntr});
    CHECK(without_csr(Csr::hgatp) == IsaSet{h});
    CHECK(without_csr(Csr::henvcfg) == IsaSet{h});
}

TEST_CASE("so do registers and instructions", "[hart_trials]") {
    CHECK(with_hart({.has_doubles = false}) == IsaSet{d});
    CHECK(with_hart({.has_vectors = false}) == IsaSet{v});
    CHECK(with_hart({.has_cache_blocks = false}) == IsaSet{zicbom});
    CHECK(with_hart({.zeroed_block = 0}) == IsaSet{zicboz});
    CHECK(with_hart({.loads_as_guest = [](std::uint64_t) { return false; }}) ==
          IsaSet{svadu, svpbmt});
}

TEST_CASE("what is not claimed is not tried", "[hart_trials]") {
    fake_absent_csrs.set(static_cast<std::size_t>(Csr::vstimecmp));
    CHECK(missing(64, {i, h, zba}) == IsaSet{});
    fake_absent_csrs.reset();
}

TEST_CASE("cache blocks are zeroed in the size that the tree says, or there are none",
          "[hart_trials]") {
    for (const std::uint32_t size : {0u, 1u, 32u, 63u, 128u, 4096u, 8192u, ~0u}) {
        CAPTURE(size);
        CHECK(missing(size) == IsaSet{zicboz});
    }
    CHECK(missing(64) == IsaSet{});
}

TEST_CASE("what hgatp keeps is what a hart can translate by", "[hart_trials]") {
    fake_csrs.fill(0);
    CHECK(stage2_abilities() == Stage2Abilities{.modes = 0b111 << 8, .vmid_bits = 14});
    auto& wired = fake_wired_to_zero[static_cast<std::size_t>(Csr::hgatp)];
    wired = Hgatp::VMID::of(0x3f80) | Hgatp::MODE::of(static_cast<HgatpMode>(1));
    CHECK(stage2_abilities() == Stage2Abilities{.modes = 0b101 << 8, .vmid_bits = 7});
    wired = Hgatp::VMID::mask;
    CHECK(stage2_abilities() == Stage2Abilities{.modes = 0b111 << 8, .vmid_bits = 0});
    wired = Hgatp::MODE::mask;
    CHECK(stage2_abilities() == Stage2Abilities{});
    fake_wired_to_zero.fill(0);
    CHECK(csr_read<Csr::hgatp>() == 0);
}

TEST_CASE("QEMU before 8.2 is known by what its hideleg does not keep", "[hart_trials]") {
    constexpr auto hideleg = static_cast<std::size_t>(Csr::hideleg);
    fake_csrs.fill(0);
    CHECK_FALSE(loses_guest_timers("riscv-virtio,qemu"));
    fake_wired_to_zero[hideleg] = ~std::uint64_t{0x444};
    CHECK(loses_guest_timers("riscv-virtio,qemu"));
    CHECK(loses_guest_timers("ucbbar,spike-bare,qemu"));
    CHECK_FALSE(loses_guest_timers("qemu,board"));
    CHECK_FALSE(loses_guest_timers("SiFive HiFive"));
    CHECK_FALSE(loses_guest_timers(""));
    CHECK(csr_read<Csr::hideleg>() == 0);
    fake_wired_to_zero[hideleg] = 0;
}

TEST_CASE("whether faults tell their instructions is tried", "[hart_trials]") {
    fake_csrs.fill(0);
    fake_hart.guest_faults[0] = static_cast<std::uint64_t>(Exception::load_guest_page_fault);
    csr_write<Csr::vsatp>(1);
    csr_write<Csr::htinst>(0x33);  // of whatever was before
    CHECK_FALSE(writes_htinst(0x8000'0000'0000'0000));
    fake_hart.htinst_of_faults = 0x6010'4573;  // hlv.bu a0, transformed
    csr_write<Csr::htinst>(0);
    CHECK(writes_htinst(0x8000'0000'0000'0000));
    CHECK(csr_read<Csr::hgatp>() == 0);
    CHECK(csr_read<Csr::vsatp>() == 0);
    fake_hart = {};
}
