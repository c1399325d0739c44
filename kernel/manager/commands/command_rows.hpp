// SPDX-License-Identifier: MIT
// What the rows of the monitor's commands name.
#pragma once

#include "kernel/manager/commands/session.hpp"

namespace cairn {

using CommandFunction = void(Session& session, const CommandLine& line, Answer& answer);

// commands_life.cpp: rule VMs.
CommandFunction start_vm, stop_vm, reset_vm, pause_vm, resume_vm, create_vm, destroy_vm, quit;
// commands_vm.cpp: show VMs.
CommandFunction list_vms, show_info, show_tree, show_stats;
// commands_vcpu.cpp: look into a guest.
CommandFunction show_registers, show_frames_of_vcpu, show_memory;
// commands_memory_map.cpp
CommandFunction show_memory_map;
// commands_balloon.cpp: ask a guest for memory.
CommandFunction rule_balloon;
// commands_size.cpp: say how large a console is.
CommandFunction rule_size;
// commands_net.cpp
CommandFunction show_nets;
// commands_dump.cpp: write a core.
CommandFunction dump_vm;
// commands_gdb.cpp: lend the console to a debugger.
CommandFunction serve_gdb;
// commands_trace.cpp: watch a guest leave.
CommandFunction trace_exits;
// commands_machine.cpp: show the machine and Cairn itself.
CommandFunction show_harts, show_frames, show_log;
// commands_heap.cpp
CommandFunction show_heap;
// commands_doctor.cpp
CommandFunction show_doctor;
// commands_top.cpp
CommandFunction show_top;
// commands_session.cpp: the monitor itself.
CommandFunction show_help, show_console, change_setting;

}  // namespace cairn
