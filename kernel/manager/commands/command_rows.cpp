// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// The monitor's commands, a row each; what they do is in commands_*.cpp, by topic.
#include "kernel/manager/commands/command_rows.hpp"

#include <algorithm>

namespace cairn {
namespace {

constexpr std::array commands{
    Command{"help\0[COMMAND]\0the commands, or more about one\0"
            "A VM is named by its folder in the archive, a vCPU by VM.NUMBER, as in web.0. Tab "
            "completes names, the arrows bring lines back. --json behind any command makes its "
            "answer one JSON object a line.",
            show_help},
    Command{"list\0\0the VMs, and what they do\0"
            "The one that is marked by * has the console that Ctrl-] goes back to.",
            list_vms},
    Command{"console\0VM\0bring its console to the front; Ctrl-] comes back\0"
            "What it printed behind comes out first, its last 16 KiB.",
            show_console},
    Command{"size\0VM [COLUMNSxROWS]\0how large its console is, or that it is so large\0"
            "Needs virtio-console = yes in its vm.conf. The guest's terminal on hvc0 follows. "
            "Until it is told, nobody knows the size. tools/cairnctl console says it by itself.",
            rule_size},
    Command{"start\0VM\0start a VM that is off\0"
            "It is built and loaded afresh from the archive, as its vm.conf says.",
            start_vm},
    Command{"stop\0VM\0turn it off, as by pulling its plug\0"
            "Its memory is given back. It can be started again; the machine stays on for that.",
            stop_vm},
    Command{
        "reset\0VM\0start it afresh, as by its reset button\0"
        "Its memory is empty then, and its kernel is loaded again. One that is paused stays so.",
        reset_vm},
    Command{"pause\0VM\0let it not run; its clock stops\0"
            "Its memory stays as it is, and so does its `time`.",
            pause_vm},
    Command{"resume\0VM\0let a paused VM run again\0"
            "It does not see that time has passed.",
            resume_vm},
    Command{"create\0NAME [TEMPLATE]\0make another VM from a folder of the archive\0"
            "It is off, and described by the vm.conf of TEMPLATE; without one, of NAME, which "
            "may have been destroyed before.",
            create_vm},
    Command{"destroy\0VM\0forget a VM that is off\0"
            "What its console has kept is forgotten, too. The archive's files stay.",
            destroy_vm},
    Command{"balloon\0VM [SIZE]\0how much memory it keeps, or ask it to keep so much\0"
            "Needs balloon = yes in its vm.conf, and a driver. The guest gives back what is "
            "more than SIZE, as far as it can, and whole pieces of 2 MiB of that are the "
            "machine's again; a larger SIZE, up to all of its memory, lets it have them back, "
            "once the machine has some.",
            rule_balloon},
    Command{"info\0VM\0its configuration, memory and devices\0", show_info},
    Command{"tree\0VM\0the device tree that it is started with\0"
            "A line for each property. The guest's copy may have changed since.",
            show_tree},
    Command{"stats\0[VM]\0what each vCPU has run and waited, and why it was left\0"
            "Waited: in the queue, while others had the harts. Exits are counted by cause while "
            "they are traced, or from the boot on by the boot option exits=count.",
            show_stats},
    Command{"net\0[VM]\0network interfaces, and what became of their frames\0"
            "A frame that an interface sends is sent or lost; one that it is to have is "
            "received, missed, or unwanted, and for each reason it says how many. Held back: by "
            "its rate, how often. Without VM it shows the machine's own interface, too. "
            "docs/monitor.md has the reasons.",
            show_nets},
    Command{"top\0[SECONDS]\0who uses the harts: live, or once over some seconds\0"
            "Of each vCPU's time, in per cent: run, steal (it waited for a hart), idle. A VM's "
            "line is the sum. Without SECONDS it is drawn anew each second, who runs most "
            "first, until q or Ctrl-C; a program (--json) gets one second.",
            show_top},
    Command{"regs\0VM.CPU\0a vCPU's registers by name\0"
            "One that runs is asked to leave its guest for it, for some thousand instructions.",
            show_registers},
    Command{"bt\0VM.CPU\0the calls that a vCPU is in\0"
            "By its frame pointers (s0), as its own page tables have the stack, up to 64 "
            "frames; then, why it ends. Where ra is told, it is the caller only if none was "
            "called since. tools/guest_names.py names the functions.",
            show_frames_of_vcpu},
    Command{"mem\0VM ADDRESS|map [LENGTH]\0bytes of its memory, or what of it there is\0"
            "By guest-physical address; with VM.CPU in place of VM by virtual address, as that "
            "vCPU translates it. ADDRESS and LENGTH are decimal or 0x..., also with K, M or G; "
            "256 bytes if not said, 4096 at most. What the guest has not touched yet is given "
            "to it by that, and is zero. map has a letter for 64 KiB, or for 2, 4, 8 ... times "
            "that by what most of it is.",
            show_memory},
    Command{"gdb\0VM\0let gdb debug it over this line, until it detaches\0"
            "The VM stands still when gdb comes. Its breakpoints are none that the guest sees. "
            "Ctrl-] ends it from here, and the VM goes on.",
            serve_gdb},
    Command{"dump\0VM [DISK]\0write a core of it to a disk of the machine's\0"
            "DISK is host:0, host:1 and so on, as disks are counted; if not said, its vm.conf's "
            "core. An ELF core from the first sector on, for gdb-multiarch -c; what was on the "
            "disk is gone. The VM stands still meanwhile, and goes on. Ctrl-C gives it up.",
            dump_vm},
    Command{"trace\0VM [ACTION [N]]\0keep its last exits, and show them\0"
            "ACTION is on: from now on each vCPU keeps its last N exits, 1024 if not said, with "
            "time, cause, pc and cost; dump: shows the last N that it has kept, or all; or off. "
            "Without, it says how many there are. VM.CPU is one vCPU alone. Exits take longer "
            "while they are traced. tools/exit_trace.py draws pictures of a dump with --json.",
            trace_exits},
    Command{"harts\0\0the machine's harts, and whom they run\0", show_harts},
    Command{"heap\0[map]\0the hypervisor's own memory, and who has it; or its map\0"
            "Each VM has a quota. One that is off and has bytes leaks them. The map has a "
            "letter for some pages side by side, by what most of them are for, up to the last "
            "that was taken.",
            show_heap},
    Command{"frames\0\0the machine's memory for guests\0", show_frames},
    Command{"log\0\0what Cairn itself has said\0"
            "Its last 16 KiB, from the boot on. What was lost before is counted.",
            show_log},
    Command{"doctor\0\0what the machine offers, and what therefore works\0", show_doctor},
    Command{"set\0[NAME VALUE]\0the monitor's settings, or a new value for one\0"
            "colour: on or off. Nothing is coloured unless this is on.",
            change_setting},
    Command{"quit\0\0turn the machine off, and all VMs with it\0", quit},
};

}  // namespace

std::span<const Command> monitor_commands() {
    return commands;
}

const Command* find_command(std::string_view name) {
    const auto found = std::ranges::find_if(
        commands, [name](const Command& command) { return command.name() == name; });
    return found == commands.end() ? nullptr : &*found;
}

}  // namespace cairn
