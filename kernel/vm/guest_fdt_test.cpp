// SPDX-License-Identifier: MIT
#include "kernel/vm/guest_fdt.hpp"

#include <libfdt.h>

#include <algorithm>

#include "kernel/host/boot/machine.hpp"
#include "kernel/vm/guest_map.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/command.hpp"
#include "tests/unit/device_doubles.hpp"

namespace cairn {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::array<std::byte, 32> seed{std::byte{1}, std::byte{2}};

/// A VM's devices, with nothing behind them.
struct Devices {
    explicit Devices(std::uint32_t cpus) : all(cpus, {screen, keyboard}, power) {}

    test::Transcript screen;
    test::Keyboard keyboard;
    test::PowerLog power;
    GuestDevices all;
};

GuestFdtConfig config() {
    return {.memory = {guest_map::ram_base, 0x1000'0000},
            .cpus = 2,
            .isa = "rv64imafdc_zicsr_zifencei_sstc",
            .mmu_type = "riscv,sv48",
            .timebase_frequency = 10'000'000,
            .cbom_block_size = 64,
            .bootargs = "console=ttyS0",
            .initrd = GuestRange{{0x8800'0000}, 0x1234},
            .rng_seed = seed};
}

Bytes tree_of(GuestFdtConfig with) {
    const Devices devices(with.cpus);
    with.devices = devices.all.list();
    Bytes bytes(guest_fdt_size_limit(with.cpus, with.bootargs.size() + with.isa.size()));
    const auto tree = write_guest_fdt(bytes, with);
    REQUIRE(tree);
    bytes.resize(tree->size());
    return bytes;
}

/// Fowler, Noll and Vo's hash 1a of 64 bits.
std::uint64_t fnv1a(const Bytes& bytes) {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (const std::byte byte : bytes)
        hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100'0000'01b3;
    return hash;
}

GuestFdtError error_of(GuestFdtConfig with, std::size_t size = 8192) {
    const Devices devices(1);
    with.devices = devices.all.list();
    Bytes bytes(size);
    const auto tree = write_guest_fdt(bytes, with);
    REQUIRE(!tree);
    return tree.error();
}

}  // namespace

TEST_CASE("a guest's tree says what its machine is", "[guest_fdt]") {
    const Bytes bytes = tree_of(config());
    CHECK(fdt_check_full(bytes.data(), bytes.size()) == 0);
    const auto machine = read_machine(bytes);
    REQUIRE(machine);
    REQUIRE(machine->memory.size() == 1);
    CHECK(machine->memory[0] == HostRange{{0x8000'0000}, 0x1000'0000});
    CHECK(machine->reserved.empty());
    CHECK(machine->timebase_hz == 10'000'000);
    CHECK(machine->bootargs == "console=ttyS0");
    CHECK(machine->initrd == HostRange{{0x8800'0000}, 0x1234});
    CHECK(std::ranges::equal(machine->rng_seed, seed));
    REQUIRE(machine->uart);
    CHECK(machine->uart->registers.base == HostPhys{0x1000'0000});
    CHECK(machine->uart->interrupt == guest_map::uart_irq);
    CHECK(machine->uart->clock_hz == Uart16550::clock_hz);
    REQUIRE(machine->plic);
    CHECK(machine->plic->registers == HostRange{{0xc00'0000}, 0x60'0000});
    CHECK(machine->plic->sources == guest_map::plic_sources);
    REQUIRE(machine->harts.size() == 2);
    for (const MachineHart& hart : machine->harts) {
        CHECK(hart.enabled);
        CHECK(hart.isa == config().isa);
        CHECK(hart.isa_base == "rv64i");
        std::vector<std::string> extensions;
        for (const std::string_view name : hart.isa_extensions)
            extensions.emplace_back(name);
        CHECK(extensions ==
              std::vector<std::string>{"i", "m", "a", "f", "d", "c", "zicsr", "zifencei", "sstc"});
        CHECK(hart.mmu_type == "riscv,sv48");
        CHECK(hart.cbom_block_size == 64);
        CHECK(hart.plic_context == 2 * hart.id + 1);
    }
}

// What guests see changes only where that is meant: then these figures are taken anew.
TEST_CASE("a guest's tree is what it was, byte for byte", "[guest_fdt]") {
    struct Row {
        std::uint32_t cpus;
        std::size_t size;
        std::uint64_t hash;
    };
    for (const auto& [cpus, size, hash] :
         {Row{1, 6917, 0xbc9c'1b01'31c8'0ea6}, Row{2, 7289, 0x35a6'909f'ae55'b94d},
          Row{32, 18449, 0xf691'5d32'5c79'8d53}}) {
        GuestFdtConfig each = config();
        each.cpus = cpus;
        const Bytes bytes = tree_of(each);
        CHECK(bytes.size() == size);
        CHECK(fnv1a(bytes) == hash);
    }
}

TEST_CASE("poweroff and reboot point at the test device", "[guest_fdt]") {
    const Bytes bytes = tree_of(config());
    const auto fdt = Fdt::parse(bytes);
    REQUIRE(fdt);
    const auto test = fdt->find("/soc/test@100000");
    REQUIRE(test);
    CHECK(test->is_compatible("syscon"));
    CHECK(fdt->find("/poweroff")->u32("regmap") == test->phandle());
    CHECK(fdt->find("/poweroff")->u32("value") == 0x5555u);
    CHECK(fdt->find("/reboot")->u32("regmap") == test->phandle());
    CHECK(fdt->find("/reboot")->u32("value") == 0x7777u);
    const auto interrupt_parent = fdt->find("/soc/serial")->u32("interrupt-parent");
    CHECK(fdt->find_phandle(interrupt_parent.value()) == fdt->find("/soc/plic"));
}

TEST_CASE("virtio's slots are where QEMU's are", "[guest_fdt]") {
    const Bytes bytes = tree_of(config());
    const auto fdt = Fdt::parse(bytes);
    REQUIRE(fdt);
    for (std::uint32_t slot = 0; slot < 8; ++slot) {
        const std::string number = std::to_string(slot + 1);
        const auto node = fdt->find("/soc/virtio_mmio@1000" + number + "000");
        REQUIRE(node);
        CHECK(node->is_compatible("virtio,mmio"));
        CHECK(node->u32("interrupts") == slot + 1);
        const auto parent = node->u32("interrupt-parent");
        CHECK(fdt->find_phandle(parent.value()) == fdt->find("/soc/plic"));
    }
    CHECK(!fdt->find("/soc/virtio_mmio@10009000"));
}

TEST_CASE("what a guest has not is not mentioned", "[guest_fdt]") {
    GuestFdtConfig plain = config();
    plain.initrd.reset();
    plain.rng_seed = {};
    plain.cbom_block_size = 0;
    plain.bootargs = {};
    const Bytes bytes = tree_of(plain);
    const auto fdt = Fdt::parse(bytes);
    REQUIRE(fdt);
    CHECK(!fdt->find("/chosen")->property("rng-seed"));
    CHECK(!fdt->find("/chosen")->property("linux,initrd-start"));
    CHECK(!fdt->find("/cpus/cpu@0")->property("riscv,cbom-block-size"));
}

TEST_CASE("a config that makes no machine is an error", "[guest_fdt]") {
    const auto with = [](auto change) {
        GuestFdtConfig changed = config();
        change(changed);
        return error_of(changed);
    };
    using C = GuestFdtConfig;
    CHECK(with([](C& c) { c.memory.size = 0; }) == GuestFdtError::no_memory);
    CHECK(with([](C& c) { c.cpus = 0; }) == GuestFdtError::no_cpus);
    for (const char* isa : {"", "rv64", "rv32imac", "rv64gc", "rv64imac_", "rv64i__zicsr",
                            "rv64IMAC", "rv64imac sstc"}) {
        CHECK(with([isa](C& c) { c.isa = isa; }) == GuestFdtError::bad_isa);
    }
    CHECK(with([](C& c) { c.bootargs = {"a\0b", 3}; }) == GuestFdtError::bad_text);
    CHECK(with([](C& c) { c.initrd->size = 0x1000'0000; }) == GuestFdtError::initrd_outside_memory);
    CHECK(with([](C& c) { c.initrd->base.value = 0; }) == GuestFdtError::initrd_outside_memory);
    for (std::size_t size = 0; size < tree_of(config()).size(); size += 7) {
        CHECK(error_of(config(), size) == GuestFdtError::no_space);
    }
    CHECK(to_string(GuestFdtError::bad_isa) != to_string(GuestFdtError::bad_text));
}

TEST_CASE("a boot loader can add to a guest's tree in place", "[guest_fdt]") {
    Bytes bytes = tree_of(config());
    const int chosen = fdt_path_offset(bytes.data(), "/chosen");
    const std::string longer(2000, 'x');
    const auto add = [&](const char* name) {
        return fdt_setprop_string(bytes.data(), chosen, name, longer.c_str());
    };
    CHECK(add("bootargs") == 0);
    CHECK(add("linux,bootargs") == 0);
    CHECK(add("one-more") == -FDT_ERR_NOSPACE);
    CHECK(read_machine(bytes)->bootargs == longer);
}

TEST_CASE("the size limit is enough for many harts and a long command line", "[guest_fdt]") {
    const std::string bootargs(4000, 'x');
    const std::string isa = "rv64imafdc_" + std::string(100, 'z');
    for (const std::uint32_t cpus : {1u, 8u, 32u}) {
        GuestFdtConfig large = config();
        large.cpus = cpus;
        large.bootargs = bootargs;
        large.isa = isa;
        CHECK(read_machine(tree_of(large))->harts.size() == cpus);
    }
}

TEST_CASE("dtc finds nothing to say about a guest's tree", "[guest_fdt]") {
    if (!has_program("dtc")) {
        WARN("no dtc here: not tested");
        return;
    }
    const TemporaryFolder folder;
    const std::string file = folder.file("guest.dtb");
    write_bytes(file, tree_of(config()));
    REQUIRE(run_command("dtc -I dtb -O dts -o /dev/null " + file + " 2> " + file + ".log"));
    const Bytes log = read_bytes(file + ".log");
    CHECK(std::string{reinterpret_cast<const char*>(log.data()), log.size()}.empty());
}

}  // namespace cairn
