// SPDX-License-Identifier: MIT
#include "kernel/manager/guest_loader.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "kernel/host/boot/machine.hpp"
#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

constexpr GuestPhys ram_base{0x8000'0000};
constexpr std::size_t ram_size = 0x2'0000;
constexpr LoadPlan plan{.kernel = {ram_base + 0x2000, 0x4000},
                        .initrd = {ram_base + 0x1'0000, 0x123},
                        .fdt = {ram_base + 0x1'8000, 0x2000}};

std::vector<std::byte> pattern(std::size_t size, unsigned seed) {
    std::vector<std::byte> bytes(size);
    for (std::size_t n = 0; n < size; ++n)
        bytes[n] = static_cast<std::byte>(n * 7 + seed | 1);
    return bytes;
}

const std::vector<std::byte> kernel = pattern(0x1001, 1);  // its bss is what is left of the plan
const std::vector<std::byte> initrd = pattern(0x123, 2);

constexpr GuestFdtConfig tree{.memory = {},
                              .isa = "rv64imac",
                              .mmu_type = "riscv,sv39",
                              .timebase_frequency = 10'000'000,
                              .bootargs = "console=ttyS0",
                              .initrd = std::nullopt,
                              .rng_seed = {}};

struct Loaded {
    explicit Loaded(const LoadPlan& by, bool with_initrd = true) {
        BundleVm vm{.config = {}, .kernel = kernel, .initrd = std::nullopt};
        if (with_initrd) vm.initrd = initrd;
        entry = load(vm, by);
    }

    [[nodiscard]] std::expected<GuestEntry, GuestLoadError> load(const BundleVm& vm,
                                                                 const LoadPlan& by) {
        GuestLoader loader(vm, by, memory, tree);
        for (;; ++pieces) {
            const auto loaded = loader.load_some();
            if (!loaded) return std::unexpected(loaded.error());
            if (*loaded) return **loaded;
        }
    }

    [[nodiscard]] std::span<const std::byte> at(GuestPhys base, std::size_t size) const {
        return std::span(ram).subspan(base - ram_base, size);
    }
    /// All of RAM but for what was loaded.
    [[nodiscard]] bool zero_elsewhere(std::initializer_list<GuestRange> loaded) const {
        for (std::size_t n = 0; n < ram.size(); ++n) {
            const auto holds = [n](const GuestRange& r) { return r.contains(ram_base + n); };
            if (ram[n] != std::byte{0} && std::ranges::none_of(loaded, holds)) return false;
        }
        return true;
    }
    [[nodiscard]] std::unique_ptr<Machine> parse_back(GuestPhys fdt) const {
        const auto machine = read_machine(at(fdt, ram_size - (fdt - ram_base)));
        REQUIRE(machine);
        return std::make_unique<Machine>(*machine);
    }

    std::vector<std::byte> ram = std::vector<std::byte>(ram_size);
    GuestMemory memory{ram_base, ram};
    std::expected<GuestEntry, GuestLoadError> entry;
    std::size_t pieces = 0;
};

}  // namespace

TEST_CASE("kernel, initrd and tree are where the plan says, nothing elsewhere", "[guest_loader]") {
    const Loaded loaded(plan);
    REQUIRE(loaded.entry);
    CHECK(loaded.entry->pc == plan.kernel.base);
    CHECK(loaded.entry->device_tree == plan.fdt.base);
    CHECK(std::ranges::equal(loaded.at(plan.kernel.base, kernel.size()), kernel));
    CHECK(std::ranges::equal(loaded.at(plan.initrd.base, initrd.size()), initrd));
    CHECK(loaded.zero_elsewhere({{plan.kernel.base, kernel.size()}, plan.initrd, plan.fdt}));
    CHECK(loaded.pieces >= 3);  // before the tree is complete
}

TEST_CASE("a large file is loaded piece by piece", "[guest_loader]") {
    const std::vector<std::byte> large = pattern(std::size_t{3} << 20, 3);
    std::vector<std::byte> ram(std::size_t{4} << 20);
    const GuestMemory memory(ram_base, ram);
    const LoadPlan by{
        .kernel = {ram_base, large.size()}, .initrd = {}, .fdt = {ram_base + large.size(), 0x2000}};
    GuestLoader loader({.config = {}, .kernel = large, .initrd = std::nullopt}, by, memory, tree);
    std::size_t there = 0;
    for (auto loaded = loader.load_some(); loaded && !*loaded; loaded = loader.load_some()) {
        const std::size_t before = there;
        while (there < large.size() && ram[there] == large[there])
            ++there;
        CHECK((there - before == (std::size_t{128} << 10) || there == large.size()));
    }
    CHECK(there == large.size());
}

TEST_CASE("the tree tells the guest's memory, initrd and command line", "[guest_loader]") {
    const Loaded loaded(plan);
    REQUIRE(loaded.entry);
    const auto machine = loaded.parse_back(loaded.entry->device_tree);
    REQUIRE(machine->memory.size() == 1);
    CHECK(machine->memory[0] == HostRange{{0x8000'0000}, ram_size});
    CHECK(machine->initrd == HostRange{{0x8001'0000}, 0x123});
    CHECK(machine->bootargs == "console=ttyS0");
    CHECK(machine->timebase_hz == 10'000'000);
    REQUIRE(machine->harts.size() == 1);
    CHECK(machine->harts[0].id == 0);
    CHECK(machine->harts[0].isa == "rv64imac");
}

TEST_CASE("the tree's room behind the tree is zero", "[guest_loader]") {
    const Loaded loaded(plan);
    REQUIRE(loaded.entry);
    const auto fdt = loaded.at(plan.fdt.base, plan.fdt.size);
    const auto used = Fdt::parse(fdt).value().bytes().size();
    CHECK(used < fdt.size());
    CHECK(std::ranges::all_of(fdt.subspan(used), [](std::byte b) { return b == std::byte{0}; }));
}

TEST_CASE("without an initrd the tree has none", "[guest_loader]") {
    LoadPlan without = plan;
    without.initrd = {};
    const Loaded loaded(without, false);
    REQUIRE(loaded.entry);
    CHECK(!loaded.parse_back(plan.fdt.base)->initrd);
    CHECK(loaded.zero_elsewhere({{plan.kernel.base, kernel.size()}, plan.fdt}));
}

TEST_CASE("a kernel may begin where RAM begins, and a tree end where RAM ends", "[guest_loader]") {
    const LoadPlan edges{.kernel = {ram_base, kernel.size()},
                         .initrd = {ram_base + 0x2000, initrd.size()},
                         .fdt = {ram_base + (ram_size - 0x2000), 0x2000}};
    const Loaded loaded(edges);
    REQUIRE(loaded.entry);
    CHECK(std::ranges::equal(loaded.at(ram_base, kernel.size()), kernel));
    CHECK(std::ranges::equal(loaded.at(edges.initrd.base, initrd.size()), initrd));
    CHECK(loaded.zero_elsewhere({edges.kernel, edges.initrd, edges.fdt}));
}

TEST_CASE("a tree that does not fit its room is an error", "[guest_loader]") {
    LoadPlan narrow = plan;
    narrow.fdt.size = 64;
    const Loaded loaded(narrow);
    REQUIRE(!loaded.entry);
    CHECK(loaded.entry.error().tree == GuestFdtError::no_space);
    CHECK(to_string(loaded.entry.error()) == to_string(GuestFdtError::no_space));
}
