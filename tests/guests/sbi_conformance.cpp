// SPDX-License-Identifier: MIT
// Calls every function of every SBI extension with good and with bad arguments, and compares
// answers and effects with the specification's text (tests/guests/sbi_conformance/, a file for each
// chapter). Prints a line for each check that fails, and a summary. Arguments:
//
//   end=shutdown|failure|cold|warm|legacy   how it ends; these calls do not come back
//   skip=RISK,RISK...  only=RISK            what may end the machine: docs/sbi-conformance.md
#include <cairn/fdt_reader.hpp>
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest {

using namespace conformance;

namespace {

void read_tree() {
    const auto tree = Fdt::parse({device_tree, 1u << 20});
    if (!tree) return println("conformance: no device tree");
    for (const FdtNode node : tree->root().children()) {
        if (node.base_name() != "memory") continue;
        const auto reg = node.reg();
        if (!reg) continue;
        for (const FdtReg range : *reg) {
            world.ram_base = range.address;
            world.ram_end = range.address + range.size;
        }
    }
    const auto cpu = tree->find("/cpus/cpu@0");
    const std::string_view isa = cpu ? cpu->string("riscv,isa").value_or("") : "";
    world.has_hypervisor = isa.substr(0, isa.find('_')).find('h') != std::string_view::npos;
}

void find_harts() {
    while (world.harts < max_harts && state_of(world.harts) != all_ones) {
        if (state_of(world.harts) == 0) world.self = world.harts;
        ++world.harts;
    }
    if (world.harts == 0) world.harts = 1;
    csr_write<Csr::sscratch>(world.self);
}

void check_all() {
    check_base();
    check_time();
    check_ipi();
    check_rfence();
    check_hsm();
    check_srst();
    check_dbcn();
    check_pmu();
    check_susp();
    check_sta();
    check_cppc();
    check_nacl();
    check_sse();
    check_fwft();
    check_dbtr();
    check_mpxy();
    check_legacy();
}

std::string_view take_word(std::string_view& arguments) {
    const std::size_t space = std::min(arguments.find(' '), arguments.size());
    const std::string_view word = arguments.substr(0, space);
    arguments.remove_prefix(std::min(space + 1, arguments.size()));
    return word;
}

/// "This is a synchronous call and does not return if it succeeds."
void end(std::string_view how) {
    println("conformance: end by {}", how);
    const auto reset = [](SbiResetType type, std::uint64_t reason) {
        call(SbiExtension::srst, SbiSrst::system_reset, static_cast<std::uint64_t>(type), reason);
    };
    if (how == "failure") reset(SbiResetType::shutdown, 1);
    if (how == "cold") reset(SbiResetType::cold_reboot, 0);
    if (how == "warm") reset(SbiResetType::warm_reboot, 0);
    if (how == "legacy") call(SbiExtension::legacy_shutdown, 0);
    if (how == "shutdown") reset(SbiResetType::shutdown, 0);
    println("failed: end by {}: it came back", how);
}

}  // namespace

void run(std::string_view arguments) {
    std::string_view how = "shutdown";
    while (!arguments.empty()) {
        const std::string_view word = take_word(arguments);
        if (word.starts_with("end=")) how = word.substr(4);
        set_risks(word);
    }
    world.version = sbi_call(SbiExtension::base, SbiBase::get_spec_version).value;
    read_tree();
    find_harts();
    println("conformance: SBI {}.{}, implementation {:#x} {:#x}, {} harts, boot hart {}",
            world.version >> 24, world.version & 0xff'ffff,
            sbi_call(SbiExtension::base, SbiBase::get_impl_id).value,
            sbi_call(SbiExtension::base, SbiBase::get_impl_version).value, world.harts, world.self);
    if (how == "shutdown" || !world.only.empty()) {
        check_all();
        const Total sum = total();
        print("conformance: {} checks, {} failed, extensions:", sum.checks, sum.failures);
        print_extensions();
        println();
    }
    end(how);
}

}  // namespace cairn::guest
