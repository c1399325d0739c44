// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// The monitor's commands, a row each; what they do is in commands_*.cpp, by topic.
#include "kernel/manager/commands/command_rows.hpp"

#include <algorithm>

namespace cairn {
namespace {

constexpr std::array commands{
    Command{"help", "[COMMAND]", "the commands, or more about one",
            "A VM is named by its folder in the archive, a vCPU by VM.NUMBER, as in web.0. Tab "
            "completes names, the arrows bring lines back. --json behind any command makes its "
            "answer one JSON object a line.",
            show_help},
    Command{"list", "", "the VMs, and what they do",
            "The one that is marked by * has the console that Ctrl-] goes back to.", list_vms},
    Command{"console", "VM", "bring its console to the front; Ctrl-] comes back",
            "What it printed behind comes out first, its last 16 KiB.", show_console},
    Command{
        "size", "VM [COLUMNSxROWS]", "how large its console is, or that it is so large",
        "Needs virtio-console = yes in its vm.conf. The guest's terminal on hvc0 follows. Until "
        "it is told, nobody knows the size. tools/cairnctl console says it by itself.",
        rule_size},
    Command{"start", "VM", "start a VM that is off",
            "It is built and loaded afresh from the archive, as its vm.conf says.", start_vm},
    Command{"stop", "VM", "turn it off, as by pulling its plug",
            "Its memory is given back. It can be started again; the machine stays on for that.",
            stop_vm},
    Command{"reset", "VM", "start it afresh, as by its reset button",
            "Its memory is empty then, and its kernel is loaded again.", reset_vm},
    Command{"pause", "VM", "let it not run; its clock stops",
            "Its memory stays as it is, and so does its `time`.", pause_vm},
    Command{"resume", "VM", "let a paused VM run again", "It does not see that time has passed.",
            resume_vm},
    Command{"create", "NAME [TEMPLATE]", "make another VM from a folder of the archive",
            "It is off, and described by the vm.conf of TEMPLATE; without one, of NAME, which may "
            "have been destroyed before.",
            create_vm},
    Command{"destroy", "VM", "forget a VM that is off",
            "What its console has kept is forgotten, too. The archive's files stay.", destroy_vm},
    Command{
        "balloon", "VM [SIZE]", "how much memory it keeps, or ask it to keep so much",
        "Needs balloon = yes in its vm.conf, and a driver. The guest gives back what is more than "
        "SIZE, as far as it can, and whole pieces of 2 MiB of that are the machine's again; a "
        "larger SIZE, up to all of its memory, lets it have them back, once the machine has some.",
        rule_balloon},
    Command{"info", "VM", "its configuration, memory and devices", "", show_info},
    Command{"tree", "VM", "the device tree that it is started with",
            "A line for each property. The guest's copy may have changed since.", show_tree},
    Command{
        "stats", "[VM]", "what each vCPU has run and waited, and why it was left",
        "Waited: in the queue, while others had the harts. Exits are counted by cause while they "
        "are traced, or from the boot on by the boot option exits=count.",
        show_stats},
    Command{"net", "[VM]", "network interfaces, and what became of their frames",
            "A frame that an interface sends is sent or lost; one that it is to have is received, "
            "missed, or unwanted, and for each reason it says how many. Held back: by its rate, "
            "how often. "
            "Without VM it shows the machine's own interface, too. docs/monitor.md has the "
            "reasons.",
            show_nets},
    Command{
        "top", "[SECONDS]", "who uses the harts: live, or once over some seconds",
        "Of each vCPU's time, in per cent: run, steal (it waited for a hart), idle. A VM's line "
        "is the sum. Without SECONDS it is drawn anew each second, who runs most first, until q "
        "or Ctrl-C; a program (--json) gets one second.",
        show_top},
    Command{"regs", "VM.CPU", "a vCPU's registers by name",
            "One that runs is asked to leave its guest for it, for some thousand instructions.",
            show_registers},
    Command{"bt", "VM.CPU", "the calls that a vCPU is in",
            "By its frame pointers (s0), as its own page tables have the stack, up to 64 frames; "
            "then, why it ends. Where ra is told, it is the caller only if none was called since. "
            "tools/guest_names.py names the functions.",
            show_frames_of_vcpu},
    Command{
        "mem", "VM ADDRESS|map [LENGTH]", "bytes of its memory, or what of it there is",
        "By guest-physical address; with VM.CPU in place of VM by virtual address, as that vCPU "
        "translates it. ADDRESS and LENGTH are decimal or 0x..., also with K, M or G; 256 bytes if "
        "not said, 4096 at most. What the guest has not touched yet is given to it by that, and is "
        "zero. map has a letter for 64 KiB, or for 2, 4, 8 ... times that by what most of it is.",
        show_memory},
    Command{"gdb", "VM", "let gdb debug it over this line, until it detaches",
            "The VM stands still when gdb comes. Its breakpoints are none that the guest sees. "
            "Ctrl-] ends it from here, and the VM goes on.",
            serve_gdb},
    Command{
        "dump", "VM [DISK]", "write a core of it to a disk of the machine's",
        "DISK is host:0, host:1 and so on, as disks are counted; if not said, its vm.conf's core. "
        "An ELF core from the first sector on, for gdb-multiarch -c; what was on the disk is "
        "gone. The VM stands still meanwhile, and goes on. Ctrl-C gives it up.",
        dump_vm},
    Command{
        "trace", "VM [ACTION [N]]", "keep its last exits, and show them",
        "ACTION is on: from now on each vCPU keeps its last N exits, 1024 if not said, with time, "
        "cause, pc and cost; dump: shows the last N that it has kept, or all; or off. Without, "
        "it says how many there are. VM.CPU is one vCPU alone. Exits take longer while they are "
        "traced. tools/exit_trace.py draws pictures of a dump with --json.",
        trace_exits},
    Command{"harts", "", "the machine's harts, and whom they run", "", show_harts},
    Command{
        "heap", "[map]", "the hypervisor's own memory, and who has it; or its map",
        "Each VM has a quota. One that is off and has bytes leaks them. The map has a letter for "
        "some pages side by side, by what most of them are for, up to the last that was taken.",
        show_heap},
    Command{"frames", "", "the machine's memory for guests", "", show_frames},
    Command{"log", "", "what Cairn itself has said",
            "Its last 16 KiB, from the boot on. What was lost before is counted.", show_log},
    Command{"doctor", "", "what the machine offers, and what therefore works", "", show_doctor},
    Command{"set", "[NAME VALUE]", "the monitor's settings, or a new value for one",
            "colour: on or off. Nothing is coloured unless this is on.", change_setting},
    Command{"quit", "", "turn the machine off, and all VMs with it", "", quit},
};

}  // namespace

std::span<const Command> monitor_commands() {
    return commands;
}

const Command* find_command(std::string_view name) {
    const auto found = std::ranges::find_if(
        commands, [name](const Command& command) { return command.name == name; });
    return found == commands.end() ? nullptr : &*found;
}

}  // namespace cairn
