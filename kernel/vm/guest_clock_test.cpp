// SPDX-License-Identifier: MIT
// A clock in a VM: from its registers to the alarm's interrupt, on a VM with a device lock and one
// without.
#include "kernel/vm/guest_clock.hpp"

#include <optional>
#include <vector>

#include "kernel/arch/devices/plic_registers.hpp"
#include "kernel/vm/guest_map.hpp"
#include "kernel/vm/vm.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/device_doubles.hpp"
#include "tests/unit/guest_bench.hpp"

using namespace cairn;
using namespace cairn::test;
using goldfish_rtc::Register;

namespace {

constexpr std::uint64_t ticks_per_second = 10'000'000;
constexpr std::uint64_t second = 1'000'000'000;

struct Bench {
    explicit Bench(std::uint32_t cpus) {
        clock.start(nullptr, ticks_per_second);
        vm.emplace("bench", GuestMemory{{0x8000'0000}, bytes}, GuestConsole{screen, keyboard},
                   GuestFeatures{}, MachineIds{}, room_for(cpus),
                   GuestOptions{.virtio = {}, .clock = &guests});
        guests.serve(*vm);
        csr_write<Csr::time>(5 * ticks_per_second);
    }

    void set(Register which, std::uint64_t value) {
        const auto at = guest_map::rtc.base + static_cast<std::uint64_t>(which);
        REQUIRE(vm->bus().write(at, AccessWidth::word, value));
    }
    void set_alarm(std::uint64_t at) {
        set(Register::irq_enabled, 1);
        set(Register::alarm_high, at >> 32);
        set(Register::alarm_low, at & 0xffff'ffff);
    }
    bool is_pending() {
        const auto at = guest_map::plic.base + plic::pending(guest_map::rtc_irq);
        const auto bits = vm->bus().read(at, AccessWidth::word);
        return (bits.value() >> guest_map::rtc_irq & 1) != 0;
    }
    /// What harts do at `time`.
    void work_at(std::uint64_t time) {
        csr_write<Csr::time>(time);
        while (tasks.do_some()) {
        }
        if (vm->vcpu().is_asked()) vm->vcpu().answer_away();
    }

    FreshFakes fakes;
    std::vector<std::byte> bytes = std::vector<std::byte>(0x4000);
    HostClock clock;
    DeviceTasks tasks;
    Transcript screen;
    Keyboard keyboard;
    std::optional<Vm> vm;
    GuestClock guests{clock, tasks, ticks_per_second};
};

}  // namespace

TEST_CASE("the guest's clock is where QEMU has it, and shows the machine's time", "[guest_clock]") {
    Bench bench(1);
    const auto low = bench.vm->bus().read(guest_map::rtc.base, AccessWidth::word);
    CHECK(low == (5 * second & 0xffff'ffff));
    CHECK(bench.vm->bus().read(guest_map::rtc.base + 4, AccessWidth::word) == 5 * second >> 32);
    CHECK_FALSE(bench.vm->device_lock().is_shared());  // a clock costs other accesses nothing
}

TEST_CASE("an alarm interrupts the guest at its time", "[guest_clock]") {
    for (const std::uint32_t cpus : {1u, 2u}) {
        Bench bench(cpus);
        loaded_vcpu = &bench.vm->vcpu();
        (void)bench.vm->vcpu().enter_next();
        bench.set_alarm(7 * second + second / 2);
        CHECK(bench.vm->vcpu().leaves_guest());  // so that its hart looks when to be awake
        loaded_vcpu = nullptr;
        const std::uint64_t due = bench.tasks.due();
        CHECK(due >= 75 * ticks_per_second / 10);
        CHECK(due <= 75 * ticks_per_second / 10 + ticks_per_second / 10'000);
        bench.work_at(due - 1);
        CHECK_FALSE(bench.is_pending());
        bench.work_at(due);
        CHECK(bench.is_pending());
        CHECK(bench.tasks.is_empty());
    }
}

TEST_CASE("who brings input waits for no device, and nothing is lost", "[guest_clock]") {
    Bench bench(2);
    bench.tasks.set_rate(ticks_per_second);
    bench.set_alarm(6 * second);
    const std::uint64_t due = bench.tasks.due();
    bench.vm->device_lock().lock();  // as a vCPU in a long access
    loaded_vcpu = &bench.vm->vcpu();
    (void)bench.vm->vcpu().enter_next();
    bench.keyboard.type("a");
    bench.vm->input_arrived();
    CHECK(bench.vm->vcpu().leaves_guest());  // so that its hart looks when to be awake
    loaded_vcpu = nullptr;
    CHECK(bench.keyboard.waiting() == 1);
    CHECK(bench.tasks.due() == 5 * ticks_per_second + ticks_per_second / 10'000);
    bench.work_at(due);  // it is time for the alarm, too
    CHECK(bench.keyboard.waiting() == 1);
    CHECK(bench.tasks.due() == due + ticks_per_second / 10'000);
    bench.vm->device_lock().unlock();
    CHECK_FALSE(bench.is_pending());
    bench.work_at(bench.tasks.due());
    CHECK(bench.keyboard.waiting() == 0);
    CHECK(bench.vm->uart().take_input() == std::byte{'a'});
    CHECK(bench.is_pending());
    CHECK(bench.tasks.is_empty());
}

TEST_CASE("an alarm far away is looked for on the way", "[guest_clock]") {
    Bench bench(1);
    bench.set_alarm(5000 * second);
    CHECK(bench.tasks.due() < 3700 * ticks_per_second);
    bench.work_at(bench.tasks.due());
    CHECK_FALSE(bench.is_pending());
    CHECK_FALSE(bench.tasks.is_empty());
    bench.work_at(bench.tasks.due());
    CHECK(bench.is_pending());
}

TEST_CASE("a reset of the VM takes an alarm back", "[guest_clock]") {
    Bench bench(1);
    bench.set_alarm(7 * second);
    bench.vm->reset_devices();
    bench.work_at(8 * ticks_per_second);
    CHECK_FALSE(bench.is_pending());
    bench.set(Register::irq_enabled, 1);
    CHECK_FALSE(bench.is_pending());
}
