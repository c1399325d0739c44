// SPDX-License-Identifier: MIT
#include "kernel/host/boot/machine.hpp"

#include <functional>

#include <cairn/fdt_writer.hpp>
#include "tests/unit/catch.hpp"
#include "tests/unit/command.hpp"

namespace cairn {
namespace {

using Bytes = std::vector<std::byte>;
using Reason = MachineError::Reason;
using Write = std::function<void(FdtWriter&)>;

/// A board as people sell them: 64-bit cells everywhere, a monitor hart that is not for us, a UART
/// behind an alias, a PLIC whose M-mode contexts firmware has unwired. Each part may be replaced.
struct Board {
    Write memory = [](FdtWriter& tree) {
        tree.begin_node("memory", 0x4000'0000);
        tree.property_string("device_type", "memory");
        tree.property_u64s("reg", {0x4000'0000, 0x1000'0000, 0x1'0000'0000, 0x8000'0000, 5, 0});
        tree.end_node();
        tree.begin_node("memory", 0x9000'0000);
        tree.property_u64s("reg", {0x9000'0000, 0x1000});
        tree.end_node();
        tree.begin_node("memory", 0xa000'0000);
        tree.property_string("status", "disabled");
        tree.property_u64s("reg", {0xa000'0000, 0x1000});
        tree.end_node();
    };
    Write reserved = [](FdtWriter& tree) {
        tree.begin_node("mmode_resv0", 0x4000'0000);
        tree.property_u64s("reg", {0x4000'0000, 0x8'0000});
        tree.property_empty("no-map");
        tree.end_node();
        tree.begin_node("linux,cma");
        tree.property_u64("size", 0x100'0000);
        tree.end_node();
    };
    Write timebase = [](FdtWriter& tree) { tree.property_u32("timebase-frequency", 4'000'000); };
    Write cpus = [](FdtWriter& tree) {
        cpu(tree, 0, "disabled");
        cpu(tree, 1, "okay");
        cpu(tree, 2, nullptr);
        tree.begin_node("cpu-map");
        tree.end_node();
    };
    Write chosen = [](FdtWriter& tree) {
        tree.property_string("stdout-path", "serial0:115200n8");
        tree.property_string("bootargs", "verbose=1");
        tree.property_u32("linux,initrd-start", 0x4600'0000);
        tree.property_u64("linux,initrd-end", 0x4600'1234);
        tree.property_u64s("rng-seed", {1, 2, 3, 4});
    };
    Write plic = [](FdtWriter& tree) {
        tree.property_cells("reg", {0, 0xc00'0000, 0, 0x400'0000});
        tree.property_cells("interrupts-extended",
                            {10, ~0u, 11, ~0u, 11, 9, 99, 4, 5, 12, ~0u, 12, 9});
        tree.property_u32("riscv,ndev", 136);
    };
    Write uart = [](FdtWriter& tree) {
        tree.property_strings("compatible", {"starfive,jh7110-uart", "snps,dw-apb-uart"});
        tree.property_cells("reg", {0, 0x1000'0000, 0, 0x1'0000});
        tree.property_u32("reg-shift", 2);
        tree.property_u32("reg-io-width", 4);
        tree.property_u32("interrupts", 32);
        tree.property_u32("clock-frequency", 24'000'000);
    };

    static void cpu(FdtWriter& tree, std::uint32_t id, const char* status) {
        tree.begin_node("cpu", id);
        tree.property_string("device_type", "cpu");
        tree.property_u64("reg", id);
        if (status != nullptr) tree.property_string("status", status);
        if (id != 2) tree.property_string("riscv,isa", "rv64imafdch");
        tree.property_string("riscv,isa-base", "rv64i");
        tree.property_strings("riscv,isa-extensions", {"i", "m", "sstc"});
        if (id != 0) tree.property_string("mmu-type", "riscv,sv39");
        tree.property_u32("riscv,cbom-block-size", 64);
        tree.begin_node("interrupt-controller");
        tree.property_string("compatible", "riscv,cpu-intc");
        tree.property_u32("#interrupt-cells", 1);
        tree.property_u32("phandle", 10 + id);
        tree.end_node();
        tree.end_node();
    }

    [[nodiscard]] Bytes tree() const {
        Bytes bytes(65536 * 4);
        FdtWriter out{bytes};
        out.reserve_memory(0x4700'0000, 0x3000);
        out.begin_node("");
        out.property_u32("#address-cells", 2);
        out.property_u32("#size-cells", 2);
        out.property_string("model", "A board");
        memory(out);
        out.begin_node("aliases");
        out.property_string("serial0", "/soc/serial@10000000");
        out.end_node();
        out.begin_node("chosen");
        chosen(out);
        out.end_node();
        out.begin_node("reserved-memory");
        out.property_u32("#address-cells", 2);
        out.property_u32("#size-cells", 2);
        out.property_empty("ranges");
        reserved(out);
        out.end_node();
        out.begin_node("cpus");
        out.property_u32("#address-cells", 2);
        out.property_u32("#size-cells", 0);
        timebase(out);
        cpus(out);
        out.end_node();
        out.begin_node("soc");
        out.property_u32("#address-cells", 2);
        out.property_u32("#size-cells", 2);
        out.property_empty("ranges");
        out.begin_node("serial", 0x1000'0000);
        uart(out);
        out.end_node();
        out.begin_node("interrupt-controller", 0xc00'0000);
        out.property_strings("compatible", {"sifive,plic-1.0.0"});
        plic(out);
        out.end_node();
        out.begin_node("other-controller");
        out.property_u32("#interrupt-cells", 2);
        out.property_u32("phandle", 99);
        out.end_node();
        out.end_node();
        out.end_node();
        const auto finished = out.finish();
        REQUIRE(finished);
        bytes.resize(finished->size());
        return bytes;
    }

    [[nodiscard]] Reason error() const {
        const Bytes bytes = tree();
        const auto machine = read_machine(bytes);
        REQUIRE(!machine);
        CHECK(!to_string(machine.error()).empty());
        return machine.error().reason;
    }
};

}  // namespace

TEST_CASE("a board's tree is read whole", "[machine]") {
    const Bytes bytes = Board{}.tree();
    const auto machine = read_machine(bytes);
    REQUIRE(machine);
    CHECK(machine->model == "A board");
    REQUIRE(machine->memory.size() == 3);
    CHECK(machine->memory[0] == HostRange{{0x4000'0000}, 0x1000'0000});
    CHECK(machine->memory[1] == HostRange{{0x9000'0000}, 0x1000});
    CHECK(machine->memory[2] == HostRange{{0x1'0000'0000}, 0x8000'0000});
    CHECK_FALSE(machine->memory_overlaps);
    REQUIRE(machine->reserved.size() == 2);
    CHECK(machine->reserved[0] == HostRange{{0x4700'0000}, 0x3000});
    CHECK(machine->reserved[1] == HostRange{{0x4000'0000}, 0x8'0000});
    CHECK(machine->timebase_hz == 4'000'000);
    CHECK(machine->bootargs == "verbose=1");
    CHECK(machine->rng_seed.size() == 32);
    CHECK(machine->initrd == HostRange{{0x4600'0000}, 0x1234});
    REQUIRE(machine->plic);
    CHECK(machine->plic->registers == HostRange{{0xc00'0000}, 0x400'0000});
    CHECK(machine->plic->sources == 136);
}

TEST_CASE("neighbouring memory is one range, and what is named twice counts once", "[machine]") {
    const auto ranges_of = [](std::vector<std::vector<std::uint64_t>> nodes) {
        return Board{.memory =
                         [nodes](FdtWriter& tree) {
                             for (const auto& node : nodes) {
                                 tree.begin_node("memory", node[0]);
                                 tree.begin_property("reg");
                                 for (const std::uint64_t number : node)
                                     tree.append_u64(number);
                                 tree.end_node();
                             }
                         }}
            .tree();
    };
    const HostRange whole{{0x8000'0000}, 0x4000'0000};
    for (const Bytes& bytes :
         {ranges_of({{0x8000'0000, 0x400'0000, 0x8400'0000, 0x3c00'0000}}),
          ranges_of({{0x8400'0000, 0x3c00'0000}, {0x8000'0000, 0x400'0000}})}) {
        const auto machine = read_machine(bytes);
        REQUIRE(machine);
        REQUIRE(machine->memory.size() == 1);
        CHECK(machine->memory[0] == whole);
        CHECK_FALSE(machine->memory_overlaps);
    }
    const Bytes bytes = ranges_of({{0x8000'0000, 0x2000'0001}, {0xa000'0000, 0x2000'0000}});
    const auto machine = read_machine(bytes);
    REQUIRE((machine && machine->memory.size() == 1));
    CHECK(machine->memory[0] == whole);
    CHECK(machine->memory_overlaps);
}

TEST_CASE("the test device is found in a tree that is wrong", "[machine]") {
    const auto device = [](FdtWriter& tree) {
        Board{}.uart(tree);
        tree.end_node();
        tree.begin_node("test", 0x10'0000);
        tree.property_string("compatible", "sifive,test0");
        tree.property_u64s("reg", {0x10'0000, 0x1000});
    };
    const Bytes bytes = Board{.timebase = [](FdtWriter&) {}, .uart = device}.tree();
    CHECK_FALSE(read_machine(bytes));
    const auto found = find_test_device(bytes);
    REQUIRE(found);
    CHECK(found->registers == HostRange{{0x10'0000}, 4});
    CHECK(found->node == "test@100000");
    CHECK_FALSE(find_test_device({}));
}

TEST_CASE("a clock and virtio slots are found, with their wires", "[machine]") {
    const auto devices = [](FdtWriter& tree) {
        Board{}.uart(tree);
        tree.end_node();
        tree.begin_node("rtc", 0x10'1000);
        tree.property_string("compatible", "google,goldfish-rtc");
        tree.property_u64s("reg", {0x10'1000, 0x1000});
        for (std::uint32_t slot = 0; slot < max_virtio_slots + 2; ++slot) {
            tree.end_node();
            tree.begin_node("virtio_mmio", 0x1000'1000 + slot * 0x1000);
            tree.property_string("compatible", "virtio,mmio");
            if (slot == 1) tree.property_string("status", "disabled");
            tree.property_u64s("reg", {0x1000'1000 + slot * 0x1000, 0x1000});
            tree.property_u32("interrupt-parent", 7);
            if (slot != 2) tree.property_u32("interrupts", slot + 1);
        }
    };
    const Bytes bytes = Board{.uart = devices}.tree();
    const auto machine = read_machine(bytes);
    REQUIRE((machine && machine->rtc));
    CHECK(machine->rtc->registers == HostRange{{0x10'1000}, 0x20});
    REQUIRE(machine->virtio.size() == max_virtio_slots);
    CHECK(machine->virtio[0].registers == HostRange{{0x1000'1000}, 0x200});
    CHECK(machine->virtio[0].interrupt == 1u);
    CHECK(machine->virtio[0].interrupt_controller == 7u);
    CHECK(machine->virtio[1].registers.base == HostPhys{0x1000'3000});
    CHECK_FALSE(machine->virtio[1].interrupt);
    const Bytes none = Board{}.tree();
    const auto without = read_machine(none);
    CHECK((without && !without->rtc && without->virtio.empty()));
}

TEST_CASE("a board's harts are told apart", "[machine]") {
    const Bytes bytes = Board{}.tree();
    const auto machine = read_machine(bytes);
    REQUIRE(machine);
    REQUIRE(machine->harts.size() == 3);
    CHECK(!machine->hart(0)->enabled);
    CHECK(machine->hart(0)->mmu_type.empty());
    CHECK(!machine->hart(0)->plic_context);
    CHECK(machine->hart(1)->enabled);
    CHECK(machine->hart(1)->isa == "rv64imafdch");
    CHECK(machine->hart(1)->isa_base == "rv64i");
    CHECK(machine->hart(1)->isa_extensions.contains("sstc"));
    CHECK(machine->hart(1)->mmu_type == "riscv,sv39");
    CHECK(machine->hart(1)->cbom_block_size == 64);
    CHECK(machine->hart(1)->cboz_block_size == 0);
    CHECK(machine->hart(1)->plic_context == 2u);
    CHECK(machine->hart(2)->enabled);
    CHECK(machine->hart(2)->isa.empty());
    CHECK(machine->hart(2)->plic_context == 5u);
    CHECK(machine->hart(3) == nullptr);
}

TEST_CASE("the console UART is the one that stdout-path names", "[machine]") {
    Board board;
    const Bytes bytes = board.tree();
    const auto machine = read_machine(bytes);
    REQUIRE((machine && machine->uart));
    CHECK(machine->uart->registers == HostRange{{0x1000'0000}, 64});  // as many as Cairn touches
    CHECK(machine->uart->node == "serial@10000000");
    CHECK(machine->uart->interrupt == 32u);
    CHECK(machine->uart->reg_shift == 2);
    CHECK(machine->uart->reg_io_width == 4);
    CHECK(machine->uart->clock_hz == 24'000'000);
    CHECK(machine->uart->baud == 115200);

    board.chosen = [](FdtWriter&) {};  // then the first 16550 is
    const Bytes unnamed = board.tree();
    const auto first = read_machine(unnamed);
    REQUIRE((first && first->uart));
    CHECK(first->uart->baud == 0);
    CHECK(!first->initrd);
    CHECK(first->rng_seed.empty());

    board.chosen = [](FdtWriter& tree) { tree.property_string("stdout-path", "/soc/other"); };
    const Bytes other = board.tree();
    CHECK((read_machine(other) && !read_machine(other)->uart));
}

TEST_CASE("every kind of bad tree has its error", "[machine]") {
    CHECK(read_machine({}).error().reason == Reason::bad_tree);
    CHECK(to_string(read_machine({}).error()) == to_string(FdtError::too_short));
    const auto none = [](FdtWriter&) {};
    const auto memory = [](std::initializer_list<std::uint64_t> numbers) {
        const std::vector<std::uint64_t> kept = numbers;
        return Board{.memory = [kept](FdtWriter& tree) {
            tree.begin_node("memory", 0);
            tree.begin_property("reg");
            for (const std::uint64_t number : kept)
                tree.append_u64(number);
            tree.end_node();
        }};
    };
    CHECK(Board{.memory = none}.error() == Reason::no_memory);
    CHECK(memory({5, 0}).error() == Reason::no_memory);
    CHECK(memory({5}).error() == Reason::bad_memory);
    CHECK(memory({~0ull - 5, 10}).error() == Reason::bad_memory);
    CHECK(Board{.memory = [](FdtWriter& tree) {
              tree.begin_node("memory", 0);
              tree.begin_property("reg");
              for (std::uint64_t i = 0; i <= max_memory_ranges; ++i) {
                  tree.append_u64(2 * i), tree.append_u64(1);
              }
              tree.end_node();
          }}.error() == Reason::too_many_memory_ranges);
    CHECK(Board{.reserved = [](FdtWriter& tree) {
              tree.begin_node("bad");
              tree.property_u64("reg", 1);
              tree.end_node();
          }}.error() == Reason::bad_reservation);
    CHECK(Board{.reserved = [](FdtWriter& tree) {
              tree.begin_node("many");
              tree.begin_property("reg");
              for (std::uint64_t i = 0; i <= max_reserved_ranges; ++i) {
                  tree.append_u64(i), tree.append_u64(1);
              }
              tree.end_node();
          }}.error() == Reason::too_many_reservations);
    CHECK(Board{.timebase = none}.error() == Reason::no_timebase);
    CHECK(Board{.timebase = [](FdtWriter& tree) {
              tree.property_u32("timebase-frequency", 0);
          }}.error() == Reason::no_timebase);
    for (const std::uint64_t frequency : {999ull, 100'000'000'001ull, ~0ull}) {
        CHECK(Board{.timebase = [frequency](FdtWriter& tree) {
                  tree.property_u64("timebase-frequency", frequency);
              }}.error() == Reason::no_timebase);
    }
    CHECK(Board{.cpus = none}.error() == Reason::no_usable_hart);
    CHECK(Board{.cpus = [](FdtWriter& tree) { Board::cpu(tree, 1, "fail"); }}.error() ==
          Reason::no_usable_hart);
    CHECK(Board{.cpus = [](FdtWriter& tree) {
              tree.begin_node("cpu", 1);
              tree.end_node();
          }}.error() == Reason::bad_hart);
    CHECK(Board{.cpus = [](FdtWriter& tree) {
              Board::cpu(tree, 1, "okay"), Board::cpu(tree, 1, "okay");
          }}.error() == Reason::bad_hart);
    CHECK(Board{.cpus = [](FdtWriter& tree) {
              for (std::uint32_t i = 0; i <= max_harts; ++i)
                  Board::cpu(tree, i, "okay");
          }}.error() == Reason::too_many_harts);
}

TEST_CASE("bad devices and boot parameters have their errors", "[machine]") {
    CHECK(Board{.uart = [](FdtWriter& tree) {
              tree.property_string("compatible", "ns16550a");
          }}.error() == Reason::bad_uart);
    CHECK(Board{.uart = [](FdtWriter& tree) {
              tree.property_string("compatible", "ns16550a");
              tree.property_u64s("reg", {0x1000, 0x100});
              tree.property_u32("reg-offset", 0x100);
          }}.error() == Reason::bad_uart);
    CHECK(Board{.plic = [](FdtWriter&) {}}.error() == Reason::bad_plic);
    for (const auto cells : {std::initializer_list<std::uint32_t>{10}, {11, 9, 99, 1}, {1234, 9}}) {
        const std::vector<std::uint32_t> kept = cells;
        CHECK(Board{.plic = [kept](FdtWriter& tree) {
                  tree.property_u64s("reg", {0xc00'0000, 0x400'0000});
                  tree.property_u32("riscv,ndev", 5);
                  tree.begin_property("interrupts-extended");
                  for (const std::uint32_t cell : kept)
                      tree.append_u32(cell);
              }}.error() == Reason::bad_plic);
    }
    CHECK(Board{.chosen = [](FdtWriter& tree) {
              tree.property_u32("linux,initrd-start", 1);
          }}.error() == Reason::bad_initrd);
    CHECK(Board{.chosen = [](FdtWriter& tree) {
              tree.property_u32("linux,initrd-start", 2);
              tree.property_u32("linux,initrd-end", 1);
          }}.error() == Reason::bad_initrd);
}

TEST_CASE("QEMU's virt is read, however many harts and nodes it has", "[machine]") {
    if (!has_program("qemu-system-riscv64")) {
        WARN("no qemu-system-riscv64 here: not tested");
        return;
    }
    const std::string numa =
        "-smp 4 -m 2G -object memory-backend-ram,size=1G,id=m0 "
        "-object memory-backend-ram,size=1G,id=m1 -numa node,memdev=m0,cpus=0-1 "
        "-numa node,memdev=m1,cpus=2-3";
    struct Case {
        std::string options;
        std::size_t harts, ranges, served;
    };
    for (const Case& one : {Case{"-smp 1 -m 512M", 1, 1, 1}, Case{"-smp 4 -m 2G", 4, 1, 4},
                            Case{"-smp 32 -m 2G", 32, 1, 32}, Case{numa, 4, 1, 2}}) {
        CAPTURE(one.options);
        const Bytes bytes = qemu_tree(one.options);
        REQUIRE(!bytes.empty());
        const auto machine = read_machine(bytes);
        REQUIRE(machine);
        CHECK(machine->memory.size() == one.ranges);
        CHECK(machine->timebase_hz == 10'000'000);
        REQUIRE(machine->harts.size() == one.harts);
        for (const MachineHart& hart : machine->harts) {
            CHECK(hart.enabled);
            CHECK(hart.isa.starts_with("rv64"));
            const bool served = hart.id < one.served;  // by the PLIC of the UART's socket
            CHECK(hart.plic_context.has_value() == served);
            if (served) CHECK(hart.plic_context == 2 * hart.id + 1);
        }
        REQUIRE(machine->uart);
        CHECK(machine->uart->registers.base == HostPhys{0x1000'0000});
        CHECK(machine->uart->interrupt == 10u);
        REQUIRE(machine->rtc);
        CHECK(machine->rtc->registers.base == HostPhys{0x10'1000});
        REQUIRE(machine->virtio.size() == 8);
        CHECK(machine->virtio[0].registers.base == HostPhys{0x1000'8000});
        CHECK(machine->virtio[0].interrupt == 8u);
        REQUIRE(machine->plic);
        CHECK(machine->plic->phandle == machine->uart->interrupt_controller);
        CHECK(machine->plic->registers.base == HostPhys{0xc00'0000});
    }
}

TEST_CASE("each hart knows its register of the SSWI", "[machine]") {
    if (!has_program("qemu-system-riscv64")) {
        WARN("no qemu-system-riscv64 here: not tested");
        return;
    }
    const auto plain = read_machine(qemu_tree("-smp 3 -m 2G"));
    REQUIRE(plain);
    CHECK_FALSE(plain->hart(0)->set_ssip);
    const Bytes bytes = qemu_tree("-smp 3 -m 2G", "virt,aclint=on");
    const auto machine = read_machine(bytes);
    REQUIRE(machine);
    for (const MachineHart& hart : machine->harts)
        CHECK(hart.set_ssip == HostPhys{0x2f0'0000 + 4 * hart.id});
}

}  // namespace cairn
