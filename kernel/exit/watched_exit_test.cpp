// SPDX-License-Identifier: MIT
// Exits that are counted or traced: they are answered as all are, and what is kept of them is true.
#include "kernel/arch/guest/hart_operations.hpp"
#include "kernel/exit/handle_exit.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr std::uint64_t uart = 0x1000'0000;
constexpr std::uint32_t store_byte_x12 = 12u << 20 | 13u << 15 | 0x23;         // sb x12, 0(x13)
constexpr std::uint32_t load_byte_x18 = 13u << 15 | 4u << 12 | 18u << 7 | 3u;  // lbu x18, 0(x13)

class WatchedBench : public GuestBench {
  public:
    explicit WatchedBench(const GuestFeatures& features = {}) : GuestBench(features) {
        vm.count_exits_in(counts);
        (void)vcpu().exit_trace().turn_on(ExitTrace::take_room(heap(), 16).value());
        vcpu().watch_exits(true);
        vcpu().enter_next();
        csr_write<Csr::sstatus>(Sstatus::SPP::mask);
        csr_write<Csr::time>(1000);
    }

    Resumption exit(std::uint64_t scause, const TrapState& trap = {}) {
        csr_write<Csr::scause>(scause);
        csr_write<Csr::stval>(trap.stval);
        csr_write<Csr::htval>(trap.htval);
        csr_write<Csr::htinst>(trap.htinst);
        return handle_watched_exit(&vcpu().context);
    }
    Resumption access(std::uint64_t scause, std::uint32_t instruction, std::uint64_t at) {
        for (unsigned i = 0; i < 4; ++i)
            fake_hart.guest_bytes[pc() + i] = static_cast<std::uint8_t>(instruction >> 8 * i);
        x()[13] = at;
        return exit(scause, {.stval = at, .htval = at >> 2});
    }
    ExitRecord newest() {
        const auto extent = vcpu().exit_trace().extent();
        REQUIRE(extent.end != 0);
        return *vcpu().exit_trace().at(extent.end - 1);
    }
    std::uint64_t counted() {
        std::uint64_t sum = 0;
        counts.visit([&](const ExitCounts::Count& count) { sum += count.exits; });
        return sum;
    }

    ExitCounts counts;

  private:
    static VmMemory::VmHeap& heap() {
        static VmMemory::VmHeap heap(kernel_heap(), "traces", std::size_t{64} << 10);
        return heap;
    }
};

}  // namespace

TEST_CASE("a call is answered, and kept with its number and argument", "[watched_exit]") {
    WatchedBench bench;
    bench.x()[17] = 0x10;
    bench.x()[16] = 3;
    bench.x()[10] = 0x54494d45;
    CHECK(bench.exit(10) == Resumption::with_saved_registers);
    CHECK(bench.x()[11] == 1);
    CHECK(bench.pc() == bench.entry + 4);
    const ExitRecord kept = bench.newest();
    CHECK(kept.scause() == 10);
    CHECK(kept.time == 1000);
    CHECK(kept.pc == bench.entry);
    CHECK(kept.subject == 0x10);
    CHECK(kept.function == 3);
    CHECK((kept.has_value && kept.value == 0x54494d45));
    CHECK_FALSE(kept.is_user);
    CHECK_FALSE(kept.left);
    CHECK(bench.counted() == 1);
}

TEST_CASE("a store is kept with what it stored", "[watched_exit]") {
    WatchedBench bench;
    bench.x()[12] = 0x1241;
    CHECK(bench.access(23, store_byte_x12, uart) == Resumption::with_saved_registers);
    CHECK(bench.console.text == "A");
    CHECK(bench.pc() == bench.entry + 4);
    CHECK(bench.newest().subject == uart);
    CHECK((bench.newest().has_value && bench.newest().value == 0x41));
}

TEST_CASE("a load into one of s1 to s11 is kept with what it loaded", "[watched_exit]") {
    WatchedBench bench;
    csr_write<Csr::sstatus>(0);
    CHECK(bench.access(21, load_byte_x18, uart + 5) == Resumption::all);
    CHECK(bench.x()[18] == 0x60);
    CHECK((bench.newest().has_value && bench.newest().value == 0x60));
    CHECK(bench.newest().subject == uart + 5);
    CHECK(bench.newest().is_user);
}

TEST_CASE("a load into x0 is kept with what the device said", "[watched_exit]") {
    WatchedBench bench;
    bench.access(21, load_byte_x18 & ~(31u << 7), uart + 5);
    CHECK(bench.x()[0] == 0);
    CHECK((bench.newest().has_value && bench.newest().value == 0x60));
}

TEST_CASE("an access that is refused has no value", "[watched_exit]") {
    WatchedBench bench;
    bench.access(23, store_byte_x12, 0x3000'0000);
    CHECK(csr_read<Csr::vscause>() == 7);
    CHECK(bench.pc() == bench.handler);
    CHECK_FALSE(bench.newest().has_value);
    CHECK(bench.newest().subject == 0x3000'0000);
}

TEST_CASE("an instruction that cannot be read is the guest's fault, as it always is",
          "[watched_exit]") {
    WatchedBench bench;
    const std::uint64_t pc = bench.pc();
    fake_hart.guest_bytes[pc] = 0x03;  // the first half of four bytes
    fake_hart.guest_faults[pc + 2] = 13;
    bench.exit(21, {.stval = uart, .htval = uart >> 2});
    CHECK(csr_read<Csr::vscause>() == 12);
    CHECK(csr_read<Csr::vstval>() == pc + 2);
    CHECK(bench.newest().scause() == 21);
    CHECK_FALSE(bench.newest().has_value);
}

/// Whose answers take 150 instructions and 7 ticks.
struct SlowDevice final : MmioDevice {
    std::expected<std::uint64_t, BusError> read(std::uint64_t, AccessWidth) override { return 0; }
    std::expected<void, BusError> write(std::uint64_t, AccessWidth, std::uint64_t) override {
        fake_csrs[static_cast<std::size_t>(Csr::instret)] += 150;
        fake_csrs[static_cast<std::size_t>(Csr::time)] += 7;
        return {};
    }
    void reset() override {}
};

TEST_CASE("what the answer took is kept, in instructions where the hart's counter is lent",
          "[watched_exit]") {
    for (const bool lent : {false, true}) {
        GuestFeatures features;
        if (lent) features.counters.present = 0b101;
        WatchedBench bench(features);
        SlowDevice device;
        REQUIRE(bench.vm.bus().attach({GuestPhys{0x2000'0000}, 0x1000}, device));
        csr_write<Csr::instret>(500);
        fake_absent_csrs.set(static_cast<std::size_t>(Csr::instret), !lent);
        bench.access(23, store_byte_x12, 0x2000'0000);
        fake_absent_csrs.reset();
        CHECK(bench.newest().instructions == (lent ? 150 : 0));
        CHECK(bench.newest().ticks == 7);
        csr_write<Csr::instret>(0 - std::uint64_t{100});  // comes round meanwhile
        if (lent) bench.access(23, store_byte_x12, 0x2000'0000);
        CHECK(bench.newest().instructions == 0);
        bench.counts.visit(
            [&](const ExitCounts::Count& count) { CHECK(count.instructions == (lent ? 150 : 0)); });
    }
}

TEST_CASE("an exit that ends the guest's run says so", "[watched_exit]") {
    WatchedBench bench;
    bench.x()[17] = 8;  // legacy shutdown
    CHECK(bench.exit(10) == Resumption::none);
    CHECK(bench.newest().left);
    csr_write<Csr::time>(1800);
    bench.vcpu().choose_exit_path();
    CHECK(bench.newest().ticks == 800);
}

TEST_CASE("interrupts of the host are kept, too", "[watched_exit]") {
    WatchedBench bench;
    csr_write<Csr::sip>(0);
    CHECK(bench.exit(1ull << 63 | 1) == Resumption::all);
    CHECK(bench.newest().scause() == (1ull << 63 | 1));
    CHECK_FALSE(bench.newest().has_value);
}

TEST_CASE("a vCPU that is not watched keeps nothing, and goes the short way", "[watched_exit]") {
    WatchedBench bench;
    CHECK(bench.vcpu().watches_exits());
    bench.vcpu().choose_exit_path();
    CHECK(bench.vcpu().context.exit_entry == guest_exit_entry(ExitPath::watched));
    bench.vcpu().watch_exits(false);
    CHECK(bench.vcpu().leaves_guest());
    bench.vcpu().enter_next();
    bench.vcpu().choose_exit_path();
    CHECK(bench.vcpu().context.exit_entry == guest_exit_entry(ExitPath::answering));
    bench.x()[17] = 0x10;
    CHECK(bench.exit(10) == Resumption::with_saved_registers);
    CHECK(bench.counted() == 0);
    CHECK(bench.vcpu().exit_trace().extent().end == 0);
}
