// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/monitor/monitor.hpp"

#include <algorithm>
#include <ranges>

#include <cairn/byte_size.hpp>
#include <cairn/global_heap.hpp>
#include <cairn/print.hpp>
#include <cairn/quoted.hpp>
#include <cairn/string_writer.hpp>
#include "kernel/bundle/nearest_word.hpp"
#include "kernel/host/drivers/console.hpp"

namespace cairn {
namespace {

constexpr std::size_t screen_lines = 22;
constexpr std::string_view more = "-- more: space, or q --";

class Terminal final : public Writer {
  public:
    void write(std::string_view text) override { console_write_monitor(text); }
};

std::string_view take_word(std::string_view& line) {
    const std::size_t start = std::min(line.find_first_not_of(' '), line.size());
    line.remove_prefix(start);
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end);
    return word;
}

/// What all of `words` that begin with `start` have in common behind it; how many those are.
template <class Words>
std::string_view common_rest(const Words& words, std::string_view start, std::size_t& count) {
    std::string_view rest;
    count = 0;
    for (const std::string_view word : words) {
        if (!word.starts_with(start)) continue;
        const std::string_view own = word.substr(start.size());
        if (count++ == 0) {
            rest = own;
        } else {
            rest = rest.substr(
                0, static_cast<std::size_t>(std::ranges::mismatch(rest, own).in1 - rest.begin()));
        }
    }
    return rest;
}

}  // namespace

const std::array<Monitor::Command, 14> Monitor::commands{{
    {"help", "", "these lines", &Monitor::help},
    {"list", "", "the VMs, and what they do", &Monitor::list},
    {"console", "VM", "bring its console to the front; Ctrl-] comes back", &Monitor::console},
    {"start", "VM", "start a VM that is off", &Monitor::start},
    {"stop", "VM", "turn it off, as by pulling its plug", &Monitor::stop},
    {"reset", "VM", "start it afresh, as by its reset button", &Monitor::reset},
    {"pause", "VM", "let it not run; its clock stops", &Monitor::pause},
    {"resume", "VM", "let a paused VM run again", &Monitor::resume},
    {"info", "VM", "its configuration and devices", &Monitor::info},
    {"stats", "", "what each vCPU has run and waited", &Monitor::stats},
    {"harts", "", "the machine's harts", &Monitor::harts},
    {"heap", "", "the hypervisor's own memory", &Monitor::heap},
    {"frames", "", "the machine's memory for guests", &Monitor::frames},
    {"quit", "", "turn the machine off, and all VMs with it", &Monitor::quit},
}};

void Monitor::typed(std::byte byte) {
    const SpinGuard guard(keys_lock_);
    (void)keys_.try_push_back(byte);  // who types faster than 256 keys a command loses some
    wanted_.store(true, std::memory_order_release);
}

void Monitor::shown(bool shown) {
    greets_.store(shown, std::memory_order_relaxed);
    wanted_.store(true, std::memory_order_release);
}

bool Monitor::run() {
    if (!work_lock_.try_lock()) return false;
    wanted_.store(false, std::memory_order_seq_cst);
    Terminal terminal;
    if (greets_.exchange(false)) {
        print(terminal, "\nmonitor: Ctrl-] goes back to the guest, 'help' lists the commands\n");
        editor_.show(terminal);
    }
    for (;;) {
        std::optional<std::byte> key;
        {
            const SpinGuard guard(keys_lock_);
            key = keys_.try_pop_front();
        }
        if (!key) break;
        take_key(*key);
    }
    bring_guest_to_front();
    work_lock_.unlock();
    return true;
}

/// Piece by piece, the last of which puts it in front.
void Monitor::bring_guest_to_front() {
    GuestChannel* const guest = console_.chosen();
    if (guest == nullptr || guest->is_in_front() || console_.shows_monitor()) return;
    if (const std::uint64_t lost = guest->take_lost(); lost != 0)
        println("monitor: {} bytes of its output are lost", lost);
    if (!guest->come_to_front()) wanted_.store(true, std::memory_order_release);
}

void Monitor::take_key(std::byte byte) {
    Terminal terminal;
    if (is_paging_) {
        print(terminal, "\r\x1b[K");
        if (byte == std::byte{'q'} || byte == std::byte{3}) shown_ = text_.size();
        return show_more();
    }
    const auto line = editor_.take(byte, terminal);
    if (!line) return;
    execute(*line);
    show_more();
}

void Monitor::show_more() {
    Terminal terminal;
    std::string_view rest = std::string_view(text_).substr(shown_);
    for (std::size_t lines = 0; lines < screen_lines && !rest.empty(); ++lines) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
        terminal.write(rest.substr(0, end));
        rest.remove_prefix(end);
    }
    shown_ = text_.size() - rest.size();
    is_paging_ = !rest.empty();
    if (is_paging_) return terminal.write(more);
    text_.clear();
    shown_ = 0;
    if (console_.shows_monitor()) editor_.show(terminal);
}

void Monitor::execute(std::string_view line) {
    StringWriter out(text_);
    const std::string_view name = take_word(line);
    const std::string_view argument = take_word(line);
    if (name.empty()) return;
    const auto found = std::ranges::find(commands, name, &Command::name);
    if (found == commands.end()) {
        std::array<std::string_view, commands.size()> names;
        std::ranges::transform(commands, names.begin(), &Command::name);
        const auto nearest = nearest_word(name, names);
        print(out, "{} is not a command; ", Quoted{name});
        if (nearest) return print(out, "did you mean {}?\n", Quoted{*nearest});
        return print(out, "'help' lists them\n");
    }
    if (!found->argument.empty() && argument.empty()) {
        return print(out, "write: {} {}\n", found->name, found->argument);
    }
    (this->*found->run)(argument, out);
}

std::string_view Monitor::complete(std::string_view line, Writer& choices) {
    std::string_view rest = line;
    const std::string_view name = take_word(rest);
    const bool is_command = rest.empty();
    const std::string_view start = is_command ? name : take_word(rest);
    std::size_t count = 0;
    std::string_view more_text;
    const auto offer = [&](const auto& words) {
        more_text = common_rest(words, start, count);
        if (count < 2) return;
        for (const std::string_view word : words) {
            if (word.starts_with(start)) print(choices, "{} ", word);
        }
    };
    if (is_command) {
        offer(commands | std::views::transform(&Command::name));
    } else {
        offer(vms_.names());
    }
    return more_text;
}

void Monitor::help(std::string_view, Writer& out) {
    for (const Command& command : commands) {
        FixedBuffer<64> usage;
        print(usage, "{} {}", command.name, command.argument);
        print(out, "  {:14}{}\n", usage.view(), command.summary);
    }
    print(out,
          "Ctrl-] changes between the monitor and the VM in front; typed twice it reaches the "
          "guest.\n");
}

void Monitor::list(std::string_view, Writer& out) {
    print(out, "  {:20}{:>6}{:>10}  {}\n", "name", "CPUs", "memory", "state");
    vms_.visit([&](const ManagedVm& vm) {
        FixedBuffer<32> memory;
        print(memory, "{}", ByteSize{vm.config().memory});
        const bool in_front = &vm.channel() == console_.chosen();
        print(out, "{} {:20}{:>6}{:>10}  {}\n", in_front ? '*' : ' ', vm.name(), vm.config().cpus,
              memory.view(), to_string(vm.state()));
    });
}

void Monitor::console(std::string_view argument, Writer& out) {
    GuestChannel* const channel = vms_.channel(argument);
    if (channel == nullptr) return print(out, "{}\n", to_string(VmTableError::no_such_vm));
    console_.choose(channel);
    print(out, "console of {}: Ctrl-] comes back\n", argument);
    (void)console_.show_guest();
}

namespace {

void answer(Writer& out, std::string_view vm, const std::expected<void, VmTableError>& result) {
    if (!result) print(out, "{}: {}\n", vm, to_string(result.error()));
}

}  // namespace

void Monitor::start(std::string_view argument, Writer& out) {
    answer(out, argument, vms_.start(argument));
}
void Monitor::stop(std::string_view argument, Writer& out) {
    answer(out, argument, vms_.stop(argument, StopReason::unplugged));
}
void Monitor::reset(std::string_view argument, Writer& out) {
    answer(out, argument, vms_.stop(argument, StopReason::reset));
}
void Monitor::pause(std::string_view argument, Writer& out) {
    answer(out, argument, vms_.pause(argument));
}
void Monitor::resume(std::string_view argument, Writer& out) {
    answer(out, argument, vms_.resume(argument));
}

void Monitor::info(std::string_view argument, Writer& out) {
    bool found = false;
    vms_.visit([&](const ManagedVm& vm) {
        if (vm.name() != argument) return;
        found = true;
        const VmConfig& config = vm.config();
        print(out, "{}: {}, {} CPUs, {}\n", vm.name(), to_string(vm.state()), config.cpus,
              ByteSize{config.memory});
        print(out, "  kernel {}\n", config.kernel.path);
        if (config.initrd) print(out, "  initrd {}\n", config.initrd->path);
        if (!config.append.empty()) print(out, "  append {}\n", config.append);
        vm.visit_devices([&](const GuestDevice& device) {
            print(out, "  {:#012x} {:16}", device.block.base.value, device.kind->name);
            if (device.interrupt != 0) print(out, " interrupt {}", device.interrupt);
            print(out, "\n");
        });
    });
    if (!found) print(out, "{}: {}\n", argument, to_string(VmTableError::no_such_vm));
}

void Monitor::stats(std::string_view, Writer& out) {
    const std::uint64_t per_ms = std::max<std::uint64_t>(host_.timebase_hz() / 1000, 1);
    print(out, "  {:20}{:>5}{:>12}{:>12}{:>10}\n", "name", "vCPU", "ran ms", "waited ms", "turns");
    vms_.visit([&](const ManagedVm& vm) {
        vm.visit_tasks([&](const Task& task) {
            print(out, "  {:20}{:>5}{:>12}{:>12}{:>10}\n", vm.name(), task.vcpu.hart_id(),
                  task.ran.load() / per_ms, task.waited.load() / per_ms, task.turns.load());
        });
    });
}

void Monitor::harts(std::string_view, Writer& out) {
    for (std::size_t hart = 0; hart < scheduler_.harts(); ++hart) {
        const Task* const running = scheduler_.running_on(hart);
        print(out, "  hart {}:", scheduler_.target(hart).hart);
        vms_.visit([&](const ManagedVm& vm) {
            vm.visit_tasks([&](const Task& task) {
                if (&task == running) print(out, " {}.{}", vm.name(), task.vcpu.hart_id());
            });
        });
        print(out, "{}\n", running == nullptr ? " idle" : "");
    }
}

void Monitor::heap(std::string_view, Writer& out) {
    const HeapStatistics figures = global_heap().core().statistics();
    print(out, "  {} of {} taken: {}\n", ByteSize{figures.grown}, ByteSize{figures.window},
          figures);
}

void Monitor::frames(std::string_view, Writer& out) {
    print(out, "  {} free, {} in one piece\n", ByteSize{host_.frames().free_bytes()},
          ByteSize{host_.frames().largest_free()});
}

void Monitor::quit(std::string_view, Writer& out) {
    print(out, "all VMs are turned off\n");
    vms_.stop_all();
}

}  // namespace cairn
