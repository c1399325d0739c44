// SPDX-License-Identifier: MIT
// What the monitor's commands work with, and the row of each command. A command answers at once, or
// leaves a `Wait`: what goes on when a hart looks again, between guests.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <span>
#include <string_view>

#include <cairn/vector.hpp>
#include "kernel/manager/commands/answer.hpp"
#include "kernel/manager/commands/command_line.hpp"
#include "kernel/manager/commands/vcpu_sample.hpp"
#include "kernel/manager/console/console_multiplexer.hpp"
#include "kernel/manager/gdb/gdb_session.hpp"
#include "kernel/manager/machine_report.hpp"
#include "kernel/manager/vm_table.hpp"
#include "kernel/sched/scheduler.hpp"

namespace cairn {

struct Session;

/// A command that is not through yet.
struct Wait {
    /// Goes on; true once the command is through. nullptr: nobody waits.
    bool (*go_on)(Session& session, Answer& answer) = nullptr;
    /// When, by `time`, it is asked again though nothing has come; all ones: never.
    std::uint64_t until = ~std::uint64_t{0};
    /// What is typed meanwhile, Ctrl-C included, is the command's own.
    bool takes_keys = false;
    /// Nobody waits any more, before it is through. nullptr: it leaves nothing behind.
    void (*abandon)(Session& session) = nullptr;
};

/// What a vCPU had of the harts when `top` began.
struct VcpuTimes {
    static_vector<char, longest_vm_name> vm;
    std::uint32_t cpu = 0;
    std::uint64_t ran = 0;     ///< ticks
    std::uint64_t waited = 0;  ///< ticks
};

struct TopBegin {
    void forget() {
        vcpus.clear();
        vcpus.shrink_to_fit();
    }

    std::uint64_t time = 0;
    vector<VcpuTimes> vcpus;
    std::array<std::uint64_t, Scheduler::max_harts> busy{};
};

/// How far a dump of a trace has come.
struct TraceDump {
    static_vector<char, longest_vm_name> vm{};
    std::uint32_t cpu = 0;      ///< at hand
    std::uint32_t end_cpu = 0;  ///< the last of them, and one more
    bool has_begun = false;     ///< the vCPU at hand
    std::uint64_t number = 0;   ///< its next exit
    std::uint64_t end = 0;      ///< and where they end
    std::uint64_t most = 0;     ///< of each vCPU
    bool json = false;

    [[nodiscard]] std::string_view name() const { return {vm.data(), vm.size()}; }
};

/// Which vCPU is to be sampled.
struct SampleWish {
    static_vector<char, longest_vm_name> vm{};
    std::uint32_t cpu = 0;
    bool is_asked = false;  ///< its hart
};

/// What is asked for of a guest's memory.
struct MemoryWish {
    static_vector<char, longest_vm_name> vm{};
    std::uint64_t address = 0;
    std::uint64_t length = 0;
};

struct Session {
    VmTable& vms;
    Scheduler& scheduler;
    HostResources& host;
    ConsoleMultiplexer& console;
    VcpuSample sample;
    MachineReport machine{};
    bool colour = false;
    Wait wait{};
    TopBegin top{};
    TraceDump dump{};
    SampleWish sampled{};
    MemoryWish memory{};
    static_vector<char, longest_vm_name> dumped{};  ///< the VM that a core is written of
    std::unique_ptr<GdbSession> gdb{};
    KeySource* keys = nullptr;  ///< where somebody types
};

/// Its four texts are one, with a NUL between them: each address of a constant is 32 bytes of
/// cairn.efi.
class Command {
  public:
    using Run = void(Session& session, const CommandLine& line, Answer& answer);

    template <std::size_t size>
    consteval Command(const char (&texts)[size], Run& does) : run(&does), texts_(texts) {
        if (std::ranges::count(texts, '\0') != 4) texts_are_not_four();
    }

    [[nodiscard]] constexpr std::string_view name() const { return text(0); }
    /// VM ADDRESS [LENGTH]: what is in brackets may be left out.
    [[nodiscard]] std::string_view arguments() const { return text(1); }
    /// A line of `help`.
    [[nodiscard]] std::string_view summary() const { return text(2); }
    /// What `help NAME` says more.
    [[nodiscard]] std::string_view lesson() const { return text(3); }

    Run* run;

  private:
    static void texts_are_not_four();  // nowhere: the compiler's message names it
    [[nodiscard]] constexpr std::string_view text(unsigned number) const {
        std::string_view found = texts_;
        for (; number != 0; --number)
            found = found.data() + found.size() + 1;
        return found;
    }

    const char* texts_;
};

inline constexpr std::size_t most_commands = 32;
/// All of them, in the order in which `help` shows them.
[[nodiscard]] std::span<const Command> monitor_commands();
/// nullptr: there is none of that name.
[[nodiscard]] const Command* find_command(std::string_view name);

/// Calls `visit` for the VM `name`, which stays as it is meanwhile; or says that there is none.
template <class Visitor>
void with_vm(Session& session, std::string_view name, Answer& answer, Visitor visit) {
    bool found = false;
    session.vms.visit([&](const ManagedVm& vm) {
        if (vm.name() != name) return;
        found = true;
        visit(vm);
    });
    if (!found) answer.refuse(name, to_string(VmTableError::no_such_vm));
}

}  // namespace cairn
