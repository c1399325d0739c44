// SPDX-License-Identifier: MIT
#include "kernel/manager/host_resources.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "kernel/arch/firmware/sbi_call.hpp"
#include "kernel/arch/isa/csr_access.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/ram_arena.hpp"

using namespace cairn;

namespace {

using enum IsaExtension;

constexpr std::uint64_t mebi = 1ull << 20;

MachineHart hart_with(std::string_view isa) {
    MachineHart hart;
    hart.enabled = true;
    hart.isa = isa;
    hart.mmu_type = "riscv,sv57";
    return hart;
}
HartAbilities abilities(std::string_view isa, std::uint32_t cbom = 0, std::uint32_t cboz = 0) {
    MachineHart hart = hart_with(isa);
    hart.cbom_block_size = cbom;
    hart.cboz_block_size = cboz;
    return abilities_of(machine_isa(hart).value(), hart);
}

/// What an ISA string says that names `isa`.
IsaSet with_first_base(IsaSet isa) {
    for (const IsaExtension part : {zicntr, zicsr, zifencei, zihpm})
        isa.insert(part);
    return isa;
}

/// A machine of one hart and 64 MiB.
struct Bench {
    explicit Bench(std::string_view isa) {
        REQUIRE(self->machine.harts.try_push_back(hart_with(isa)));
        REQUIRE(self->machine.memory.try_push_back({ram.base(), size}));
        REQUIRE(self->machine.reserved.try_push_back({ram.base(), 2 << 20}));
        self->machine.timebase_hz = 10'000'000;
        self->machine.initrd = HostRange{ram.base() + 0x300'0000, 0x1234};
        self->device_tree = {ram.base() + 0x3ff'0000, 0x1'0000};
    }

    static constexpr std::uint64_t size = 64 << 20;
    RamArena ram{size};
    std::unique_ptr<ThisMachine> self = std::make_unique<ThisMachine>();
    HostResources host;
};

constexpr Stage2Abilities all_of_stage2{.modes = 0b111 << 8, .vmid_bits = 14};

RunningHart running_hart(std::uint64_t id, const IsaSet& missing = {},
                         const Stage2Abilities& stage2 = all_of_stage2) {
    return {.id = id, .missing = missing, .stage2 = stage2};
}

/// Takes all frames that there are, one by one; how many of them overlap none of `reserved`.
std::uint64_t frames_beside(FramePool& frames, std::span<const HostRange> reserved) {
    std::uint64_t beside = 0;
    while (const auto frame = frames.allocate_frames(1, frame_size)) {
        const HostRange range{*frame, frame_size};
        beside += std::none_of(reserved.begin(), reserved.end(),
                               [&](const HostRange& each) { return range.overlaps(each); });
    }
    return beside;
}

}  // namespace

TEST_CASE("a hart's extensions come from either property", "[host_resources]") {
    CHECK(machine_isa(hart_with("rv64imac_sstc")) ==
          IsaSet{i, m, a, c, zicntr, zicsr, zifencei, zihpm, sstc});
    MachineHart hart = hart_with("");
    const std::string_view list("i\0m\0sstc\0", 9);
    hart.isa_extensions = FdtStrings(std::as_bytes(std::span(list)));
    CHECK(machine_isa(hart) == IsaSet{i, m, sstc});
    hart.isa = "rv64imac";  // older than the list
    CHECK(machine_isa(hart) == IsaSet{i, m, sstc});
    hart.isa_base = "rv64i";
    CHECK(machine_isa(hart) == IsaSet{i, m, sstc});
    hart.isa_base = "rv32i";
    CHECK(machine_isa(hart) == std::unexpected(IsaError::not_rv64));
    CHECK(machine_isa(hart_with("rv32imac")) == std::unexpected(IsaError::not_rv64));
}

TEST_CASE("a guest gets no H", "[host_resources]") {
    const HartAbilities got = abilities("rv64imafdch_zicntr_zba_smstateen");
    CHECK(got.guest_isa == with_first_base(IsaSet{i, m, a, f, d, c, zba}));
    CHECK(got.features.fp);
    CHECK_FALSE(got.features.vector);
}

TEST_CASE("vectors come with V whole, and with floating point", "[host_resources]") {
    const HartAbilities whole = abilities("rv64imafdcvh_zvbb");
    CHECK(whole.features.vector);
    CHECK(whole.guest_isa.contains(v));
    CHECK(whole.guest_isa.contains(zvbb));
    for (const std::string_view isa : {"rv64imafdch_zve64x_zvbb", "rv64imacvh_zvbb"}) {
        const HartAbilities part = abilities(isa);
        CHECK_FALSE(part.features.vector);
        CHECK_FALSE(part.guest_isa.contains(v));
        CHECK_FALSE(part.guest_isa.contains(zvbb));
    }
}

TEST_CASE("a feature is opened where the hart has it, and told where it is opened",
          "[host_resources]") {
    CHECK(abilities("rv64imac_h").features.sstc == false);
    CHECK(abilities("rv64imac_h_sstc").features.sstc);
    const IsaSet without = abilities("rv64imac_h").guest_isa;
    CHECK_FALSE(without.contains(sstc));
    IsaSet with = without;
    with.insert(sstc);
    CHECK(abilities("rv64imac_h_sstc").guest_isa == with);
    CHECK(abilities("rv64imac_h_svpbmt").features.svpbmt);
    CHECK(abilities("rv64imac_h_svpbmt").guest_isa.contains(svpbmt));
    const HartAbilities plain = abilities("rv64imac_h");
    CHECK(plain.guest_isa == with_first_base(IsaSet{i, m, a, c}));
    CHECK(!plain.features.svpbmt);
    CHECK(!plain.features.fp);
}

TEST_CASE("FP is told whole or not at all", "[host_resources]") {
    // The FP registers are opened for harts with D alone, so F by itself is not the guest's.
    const HartAbilities single = abilities("rv64imafc_h_zfh_zfa");
    CHECK(!single.features.fp);
    CHECK(single.guest_isa == with_first_base(IsaSet{i, m, a, c}));
    CHECK(abilities("rv64imafdc_h_zfh").guest_isa ==
          with_first_base(IsaSet{i, m, a, f, d, c, zfh}));
}

TEST_CASE("cache-block instructions need a block size", "[host_resources]") {
    const std::string_view isa = "rv64imac_h_zicbom_zicboz_zicbop";
    const HartAbilities none = abilities(isa);
    CHECK(none.guest_isa == with_first_base(IsaSet{i, m, a, c, zicbop}));
    CHECK(!none.features.zicbom);
    CHECK(!none.features.zicboz);
    const HartAbilities both = abilities(isa, 64, 32);
    CHECK(both.guest_isa == with_first_base(IsaSet{i, m, a, c, zicbop, zicbom, zicboz}));
    CHECK(both.features.zicbom);
    CHECK(both.features.zicboz);
    CHECK(both.cbom_block_size == 64);
    CHECK(both.cboz_block_size == 32);
    const HartAbilities zero_only = abilities(isa, 0, 64);
    CHECK(zero_only.guest_isa == with_first_base(IsaSet{i, m, a, c, zicbop, zicboz}));
    CHECK(zero_only.cbom_block_size == 0);
    // A size without the instructions is not passed on.
    CHECK(abilities("rv64imac_h", 64, 64).cbom_block_size == 0);
    CHECK(abilities("rv64imac_h", 64, 64).cboz_block_size == 0);
}

TEST_CASE("what a guest may have of a machine is read once", "[host_resources]") {
    fake_csrs.fill(0);
    fake_sbi_calls.clear();
    Bench bench("rv64imafdch_zicntr_sstc");
    HostResources& host = bench.host;
    REQUIRE(host.take(*bench.self));
    CHECK(host.guest_isa_text() == "rv64imafdc_zicntr_zicsr_zifencei_sstc");
    CHECK(host.mmu_type() == "riscv,sv57");
    CHECK(host.timebase_hz() == 10'000'000);
    CHECK(host.abilities().stage2_mode == Stage2Mode::sv39x4);  // the narrowest
    CHECK(csr_read<Csr::hgatp>() == 0);
    using Calls = std::vector<FakeSbiCall>;
    CHECK(fake_sbi_calls == Calls{{SbiExtension::base, 4, {}},
                                  {SbiExtension::base, 5, {}},
                                  {SbiExtension::base, 6, {}},
                                  {SbiExtension::fwft, 0, {0, 1, 0}},
                                  {SbiExtension::base, 3, {0x504d55}}});
}

TEST_CASE("a guest is told of counters that the firmware lends", "[host_resources]") {
    fake_csrs.fill(0);
    Bench without("rv64imac_h_zihpm");
    REQUIRE(without.host.take(*without.self));
    CHECK(without.host.abilities().features.counters == HardwareCounters{});
    CHECK(without.host.abilities().guest_isa == IsaSet{i, m, a, c, zicntr, zicsr, zifencei});
    fake_sbi_answer = [](const FakeSbiCall& call) {
        if (call.extension != SbiExtension::pmu) return sbi_success(1);
        if (call.function == 0) return sbi_success(2);  // cycle and hpmcounter5
        return sbi_success(0xc00 + call.arguments[0] * 5 | 63 << 12);
    };
    Bench with("rv64imac_h_zihpm");
    REQUIRE(with.host.take(*with.self));
    CHECK(with.host.abilities().features.counters.present == 0b10'0001);
    CHECK(with.host.abilities().guest_isa == IsaSet{i, m, a, c, zicntr, zicsr, zifencei, zihpm});
    CHECK(csr_read<Csr::hcounteren>() == 0);
    fake_sbi_answer = [](const FakeSbiCall&) { return sbi_success(); };
}

TEST_CASE("with Svadu a guest starts without it, and is told of both", "[host_resources]") {
    fake_csrs.fill(0);
    fake_sbi_calls.clear();
    Bench bench("rv64imac_h_svadu");
    REQUIRE(bench.host.take(*bench.self));
    CHECK(bench.host.abilities().features.svadu);
    CHECK(bench.host.abilities().guest_isa ==
          IsaSet{i, m, a, c, zicntr, zicsr, zifencei, svadu, svade});
    CHECK(std::ranges::count(fake_sbi_calls, FakeSbiCall{SbiExtension::fwft, 0, {4, 1, 0}}) == 1);
    CHECK(csr_read<Csr::henvcfg>() == 0);
}

TEST_CASE("the firmware is asked for misaligned accesses once, where there are no vectors",
          "[host_resources]") {
    for (const auto& [isa, times] : {std::pair{"rv64imach", 1}, {"rv64imafdcvh", 0}}) {
        fake_csrs.fill(0);
        fake_sbi_calls.clear();
        Bench bench(isa);
        REQUIRE(bench.host.take(*bench.self));
        CHECK(std::ranges::count(fake_sbi_calls, FakeSbiCall{SbiExtension::fwft, 0, {0, 1, 0}}) ==
              times);
    }
}

TEST_CASE("what the tree names and the hart has not is dropped", "[host_resources]") {
    fake_csrs.fill(0);
    Bench bench("rv64imafdcvh_sstc_smstateen_zba");
    fake_absent_csrs.set(static_cast<std::size_t>(Csr::vstimecmp));
    fake_absent_csrs.set(static_cast<std::size_t>(Csr::hstateen0));
    fake_hart.has_vectors = false;
    const bool taken = bench.host.take(*bench.self);
    fake_absent_csrs.reset();
    fake_hart = {};
    REQUIRE(taken);
    CHECK(bench.host.guest_isa_text() == "rv64imafdc_zicntr_zicsr_zifencei_zba");
    const GuestFeatures& features = bench.host.abilities().features;
    CHECK(features.fp);
    CHECK_FALSE(features.sstc);
    CHECK_FALSE(features.stateen);
    CHECK_FALSE(features.vector);
}

TEST_CASE("a hart that says it has H and has not runs no guest", "[host_resources]") {
    Bench bench("rv64imach");
    fake_absent_csrs.set(static_cast<std::size_t>(Csr::hgatp));
    CHECK_FALSE(bench.host.take(*bench.self));
    fake_absent_csrs.reset();
}

TEST_CASE("other harts run guests where they have what guests are told", "[host_resources]") {
    fake_csrs.fill(0);
    Bench bench("rv64imach_sstc");
    for (const std::uint64_t id : {1ull, 2ull}) {
        MachineHart hart = hart_with("rv64imach_sstc");
        hart.id = id;
        REQUIRE(bench.self->machine.harts.try_push_back(hart));
    }
    const std::array running{running_hart(0), running_hart(1, {sstc}), running_hart(2)};
    REQUIRE(bench.host.take(*bench.self, running));
    REQUIRE(bench.host.guest_hart_count() == 2);
    CHECK(bench.host.guest_hart(1) == 2);
    // Where the boot hart lacks it too, guests are not told, and any hart will do.
    Bench alike("rv64imach_sstc");
    MachineHart hart = hart_with("rv64imach_sstc");
    hart.id = 1;
    REQUIRE(alike.self->machine.harts.try_push_back(hart));
    fake_absent_csrs.set(static_cast<std::size_t>(Csr::vstimecmp));
    const bool taken = alike.host.take(*alike.self, std::span(running).first(2));
    fake_absent_csrs.reset();
    REQUIRE(taken);
    CHECK(alike.host.guest_hart_count() == 2);
}

TEST_CASE("other harts run guests where they translate as the boot hart does", "[host_resources]") {
    fake_csrs.fill(0);
    fake_wired_to_zero[static_cast<std::size_t>(Csr::hgatp)] = Hgatp::VMID::of(0x3f80);  // 7 bits
    Bench bench("rv64imach_sstc");
    for (const std::uint64_t id : {1ull, 2ull, 3ull, 4ull}) {
        MachineHart hart = hart_with("rv64imach_sstc");
        hart.id = id;
        REQUIRE(bench.self->machine.harts.try_push_back(hart));
    }
    const std::array running{
        running_hart(0),
        running_hart(1, {}, {.modes = 1u << 9 | 1u << 10, .vmid_bits = 14}),
        running_hart(2, {}, {.modes = 1u << 8, .vmid_bits = 6}),
        running_hart(3, {}, {.modes = 1u << 8, .vmid_bits = 7}),
        running_hart(4, {}, {}),
    };
    const bool taken = bench.host.take(*bench.self, running);
    fake_wired_to_zero.fill(0);
    REQUIRE(taken);
    CHECK(bench.host.abilities().stage2_mode == Stage2Mode::sv39x4);
    REQUIRE(bench.host.guest_hart_count() == 2);
    CHECK(bench.host.guest_hart(1) == 3);
}

TEST_CASE("more bits of a VMID than are used are not asked of any hart", "[host_resources]") {
    fake_csrs.fill(0);
    Bench bench("rv64imach_sstc");
    MachineHart hart = hart_with("rv64imach_sstc");
    hart.id = 1;
    REQUIRE(bench.self->machine.harts.try_push_back(hart));
    const std::array running{running_hart(0),
                             running_hart(1, {}, {.modes = 1u << 8, .vmid_bits = 10})};
    REQUIRE(bench.host.take(*bench.self, running));
    CHECK(bench.host.guest_hart_count() == 2);
}

TEST_CASE("reserved memory, archive and tree are not given away", "[host_resources]") {
    Bench bench("rv64imach");
    REQUIRE(bench.host.take(*bench.self));
    FramePool& frames = bench.host.frames();
    const std::uint64_t total = frames.total_bytes();
    // Less 2 MiB of firmware, two pages of archive, the tree, and 15 bytes for each page.
    CHECK(total / mebi == 61);
    const std::array reserved{bench.self->machine.reserved[0], *bench.self->machine.initrd,
                              bench.self->device_tree};
    CHECK(frames_beside(frames, reserved) == total / frame_size);
    CHECK(frames.free_bytes() == 0);
}

TEST_CASE("the hypervisor itself is not given away", "[host_resources]") {
    Bench bench("rv64imach");
    const HostPhys middle = bench.ram.base() + 32 * mebi;
    bench.self->own = {{middle, 0x4000}, {middle + 0x6000, 0x2000}};  // image and heap
    bench.self->machine.memory = {{middle - 0x2000, 0xc000}};
    REQUIRE(bench.host.take(*bench.self));
    // One of the six frames around them has the descriptors.
    CHECK(frames_beside(bench.host.frames(), bench.self->own) == 5);
}

TEST_CASE("memory too far from the rest stays unused", "[host_resources]") {
    Bench bench("rv64imach");
    REQUIRE(bench.self->machine.memory.try_push_back({bench.ram.base() + 1024 * mebi, mebi}));
    REQUIRE(bench.host.take(*bench.self));
    CHECK(bench.host.frames().unused_bytes() == mebi);
    CHECK(bench.host.frames().total_bytes() / mebi == 61);
}

TEST_CASE("a machine without a free frame can run nothing", "[host_resources]") {
    Bench bench("rv64imach");
    REQUIRE(bench.self->machine.reserved.try_push_back({bench.ram.base(), Bench::size}));
    CHECK_FALSE(bench.host.take(*bench.self));
}

TEST_CASE("the boot option chooses the G-stage mode", "[host_resources]") {
    Bench bench("rv64imach");
    HostResources& host = bench.host;
    bench.self->options.stage2_mode = Stage2Mode::sv48x4;
    REQUIRE(host.take(*bench.self));
    CHECK(host.abilities().stage2_mode == Stage2Mode::sv48x4);
    CHECK(csr_read<Csr::hgatp>() == 0);
}

TEST_CASE("a machine that can run no guest is refused", "[host_resources]") {
    for (const std::string_view isa : {"rv64imac", "rv32imach"}) {
        Bench bench(isa);
        CHECK(!bench.host.take(*bench.self));
    }
    Bench other_hart("rv64imach");
    other_hart.self->boot_hart = 1;
    CHECK(!other_hart.host.take(*other_hart.self));
}

TEST_CASE("a guest's timer is renewed where the machine may lose it", "[host_resources]") {
    constexpr auto hideleg = static_cast<std::size_t>(Csr::hideleg);
    const auto renewal = [](std::string_view isa, std::string_view model) {
        Bench bench(isa);
        bench.self->machine.model = model;
        REQUIRE(bench.host.take(*bench.self));
        return bench.host.abilities().features.timer_renewal;
    };
    fake_wired_to_zero[hideleg] = ~std::uint64_t{0x444};
    CHECK(renewal("rv64imafdch_sstc", "riscv-virtio,qemu") == 100'000);  // 10 ms
    CHECK(renewal("rv64imafdch", "riscv-virtio,qemu") == 0);
    CHECK(renewal("rv64imafdch_sstc", "board") == 0);
    fake_wired_to_zero[hideleg] = 0;
    CHECK(renewal("rv64imafdch_sstc", "riscv-virtio,qemu") == 0);
}
