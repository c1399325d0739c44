// SPDX-License-Identifier: MIT
// Loads of registers that the guest reads without an exit from then on.
#include <array>

#include "kernel/exit/handle_exit.hpp"
#include "tests/unit/mmio_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

/// RAM that is all there, and one page for registers.
struct Memory final : RamBacking {
    bool is_ready(GuestRange) const override { return true; }
    std::span<std::byte> piece(GuestRange range, RamUse) override {
        return std::span(ram).subspan(range.base.value - GuestBench::ram_base, range.size);
    }
    RamWindow window(GuestPhys) override { return {}; }
    RamTouch touch(GuestPhys) override { return RamTouch::present; }
    std::uint64_t show(GuestPhys, std::span<const std::byte>) override { return 0; }
    std::uint32_t* register_page(GuestPhys at) override {
        CHECK(at.value == MmioBench::device_base + 0x1000);
        return is_full ? nullptr : words.data();
    }
    bool show_register_page(GuestPhys at) override {
        CHECK(at.value == MmioBench::device_base + 0x1000);
        CHECK(words[0x20 / 4] == 0x1234);  // no guest sees it before
        times_shown += has_no_table ? 0 : 1;
        return !has_no_table;
    }

    std::array<std::byte, GuestBench::ram_size> ram{};
    alignas(RegisterPage::bytes) std::array<std::uint32_t, RegisterPage::bytes / 4> words{};
    bool is_full = false;
    bool has_no_table = false;
    unsigned times_shown = 0;
};

constexpr std::uint64_t page = 0x1000;

}  // namespace

TEST_CASE("a load shows its page, and is carried out", "[memory_fault_shown]") {
    Memory memory;
    MmioBench bench({.fiom = true}, &memory);
    bench.device.shows = page;
    bench.device.answer = 7;
    bench.place32(load(2, 14));
    bench.fault(Exception::load_guest_page_fault, page + 0x18);
    CHECK(bench.x()[14] == 7);
    bench.check_done({{false, page + 0x18, AccessWidth::word, 0}}, 4);
    CHECK(memory.times_shown == 1);
    CHECK(bench.device.times_shown == 1);
    CHECK(fake_hart.gvma_fences == 1);
}

TEST_CASE("what is not to be shown, or cannot be, is not", "[memory_fault_shown]") {
    Memory memory;
    MmioBench bench({.fiom = true}, &memory);
    MmioBench other_pages({.svpbmt = true, .fiom = true}, &memory);
    MmioBench unordered({.fiom = false}, &memory);
    memory.is_full = true;
    for (MmioBench* const each : {&bench, &other_pages, &unordered}) {
        each->device.shows = page;
        each->place32(load(2, 14));
        each->fault(Exception::load_guest_page_fault, page + 0x18);
        each->check_done({{false, page + 0x18, AccessWidth::word, 0}}, 4);
        CHECK(each->device.times_shown == 0);
        memory.is_full = false;
    }
    CHECK(memory.times_shown == 0);
}

TEST_CASE("a page without a table is the device's no more", "[memory_fault_shown]") {
    Memory memory;
    MmioBench bench({.fiom = true}, &memory);
    memory.has_no_table = true;
    bench.device.shows = page;
    bench.place32(load(2, 14));
    bench.fault(Exception::load_guest_page_fault, page + 0x18);
    bench.check_done({{false, page + 0x18, AccessWidth::word, 0}}, 4);
    CHECK(bench.device.times_shown == 1);
    CHECK(bench.device.times_hidden == 1);
    CHECK(fake_hart.gvma_fences == 0);
}

TEST_CASE("a store, and a load of another page, show nothing", "[memory_fault_shown]") {
    Memory memory;
    MmioBench bench({.fiom = true}, &memory);
    bench.device.shows = page;
    bench.place32(store(2, 14));
    bench.fault(Exception::store_guest_page_fault, page + 0x18);
    bench.place32(load(2, 14));
    bench.pc() = GuestBench::entry;
    bench.fault(Exception::load_guest_page_fault, 0x18);
    bench.pc() = GuestBench::entry;
    bench.fault(Exception::load_guest_page_fault, 2 * page + 0x18);
    bench.place32(load(0, 14));  // a byte, which a register of words refuses
    bench.pc() = GuestBench::entry;
    bench.fault(Exception::load_guest_page_fault, page + 0x18);
    CHECK(bench.device.log.size() == 4);
    CHECK(memory.times_shown == 0);
}
