// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Who uses the harts: what the scheduler has on its account now, less what it had some time ago.
// Once, after an interval; or live: a picture that is drawn over itself until somebody ends it.
#include <algorithm>

#include <cairn/byte_size.hpp>
#include <cairn/print.hpp>
#include <cairn/string_writer.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/manager/commands/command_rows.hpp"
#include "kernel/manager/console/terminal.hpp"

namespace cairn {
namespace {

constexpr std::uint64_t most_seconds = 60;
constexpr std::uint64_t per_mille = 1000;
constexpr std::uint64_t first_part = 5;  ///< of a second is soon enough for a first picture

constexpr std::array<Column, 5> load_columns{{{"vm", Look::text, 20},
                                              {"cpu", Look::number, 4, "CPU"},
                                              {"run", Look::tenths, 8, "run %"},
                                              {"steal", Look::tenths, 8, "steal %"},
                                              {"idle", Look::tenths, 8, "idle %"}}};
constexpr RecordKind load_kind{"load", Arrangement::table, load_columns};
constexpr std::array<Column, 3> hart_columns{{{"number", Look::number, 6, "hart"},
                                              {"busy", Look::tenths, 8, "busy %"},
                                              {"idle", Look::tenths, 8, "idle %"}}};
constexpr RecordKind hart_load_kind{"hart-load", Arrangement::table, hart_columns};

/// A part of `interval`, in tenths of a per cent.
std::uint64_t part(std::uint64_t ticks, std::uint64_t interval) {
    return (ticks * per_mille + interval / 2) / interval;
}

/// Of one vCPU, or the sum of a VM's.
struct Load {
    std::uint64_t run = 0;
    std::uint64_t steal = 0;
    std::uint64_t idle = 0;

    void add(const Load& other) {
        run += other.run;
        steal += other.steal;
        idle += other.idle;
    }
};

/// What `task` has had since `begin`: from nothing where it was not there, or was made anew.
Load load_of(const TopBegin& begin, std::string_view vm, const Task& task, std::uint64_t interval) {
    const auto found = std::ranges::find_if(begin.vcpus, [&](const VcpuTimes& each) {
        return std::string_view(each.vm.data(), each.vm.size()) == vm &&
               each.cpu == task.vcpu.hart_id();
    });
    std::uint64_t ran = task.ran.load();
    std::uint64_t waited = task.waited.load();
    if (found != begin.vcpus.end() && found->ran <= ran && found->waited <= waited) {
        ran -= found->ran;
        waited -= found->waited;
    }
    const std::uint64_t run = std::min(part(ran, interval), per_mille);
    const std::uint64_t steal = std::min(part(waited, interval), per_mille - run);
    return {.run = run, .steal = steal, .idle = per_mille - run - steal};
}

void show_vm(const TopBegin& begin, const ManagedVm& vm, std::uint64_t interval, Answer& answer) {
    Load sum;
    vm.visit_tasks([&](const Task& task) { sum.add(load_of(begin, vm.name(), task, interval)); });
    if (vm.built() == nullptr) return;
    answer.show(load_kind, {vm.name(), std::nullopt, sum.run, sum.steal, sum.idle});
    if (vm.config().cpus == 1) return;
    vm.visit_tasks([&](const Task& task) {
        const Load load = load_of(begin, vm.name(), task, interval);
        answer.show(load_kind, {vm.name(), task.vcpu.hart_id(), load.run, load.steal, load.idle});
    });
}

void show_harts(const Session& session, std::uint64_t interval, Answer& answer) {
    for (std::size_t hart = 0; hart < session.scheduler.harts(); ++hart) {
        const std::uint64_t ran = session.scheduler.busy(hart) - session.top.busy[hart];
        const std::uint64_t busy = std::min(part(ran, interval), per_mille);
        answer.show(hart_load_kind, {hart, busy, per_mille - busy});
    }
}

/// Of what there has been since it was begun; and the interval.
std::uint64_t end_interval(Session& session) {
    const std::uint64_t now = csr_read<Csr::time>();
    session.scheduler.settle(now);
    return std::max<std::uint64_t>(now - session.top.time, 1);
}

bool show_loads(Session& session, Answer& answer) {
    if (csr_read<Csr::time>() < session.wait.until) return false;
    const std::uint64_t interval = end_interval(session);
    show_harts(session, interval, answer);
    session.vms.visit([&](const ManagedVm& vm) { show_vm(session.top, vm, interval, answer); });
    session.top.forget();
    return true;
}

/// False where there is no memory for it.
bool begin_top(Session& session, std::uint64_t now) {
    TopBegin& begin = session.top;
    begin.time = now;
    begin.forget();
    session.scheduler.settle(now);
    for (std::size_t hart = 0; hart < session.scheduler.harts(); ++hart)
        begin.busy[hart] = session.scheduler.busy(hart);
    bool fits = true;
    session.vms.visit([&](const ManagedVm& vm) {
        vm.visit_tasks([&](const Task& task) {
            VcpuTimes times{.vm = {},
                            .cpu = static_cast<std::uint32_t>(task.vcpu.hart_id()),
                            .ran = task.ran.load(),
                            .waited = task.waited.load()};
            for (const char letter : vm.name())
                times.vm.push_back(letter);
            fits = begin.vcpus.try_push_back(times).has_value() && fits;
        });
    });
    return fits;
}

// Live.

/// ECMA-48: cursor to the top left; erase to the line's end; erase all below.
constexpr std::string_view home = "\x1b[H";
constexpr std::string_view erase_rest = "\x1b[K";
constexpr std::string_view erase_below = "\x1b[J";
constexpr std::string_view erase_all = "\x1b[2J";

/// A VM by what it has used.
struct VmUse {
    static_vector<char, longest_vm_name> name;
    std::uint64_t run = 0;
};

/// The VMs, who has used most first; not all of them where there is no memory for it.
vector<VmUse> order_by_use(Session& session, std::uint64_t interval) {
    vector<VmUse> uses;
    session.vms.visit([&](const ManagedVm& vm) {
        VmUse use;
        for (const char letter : vm.name())
            use.name.push_back(letter);
        vm.visit_tasks([&](const Task& task) {
            use.run += load_of(session.top, vm.name(), task, interval).run;
        });
        if (!uses.try_push_back(use)) return;
        for (std::size_t n = uses.size() - 1; n != 0 && uses[n - 1].run < uses[n].run; --n)
            std::swap(uses[n - 1], uses[n]);
    });
    return uses;
}

void show_head(Session& session, Answer& answer) {
    std::size_t all = 0;
    std::size_t on = 0;
    session.vms.visit([&](const ManagedVm& vm) {
        ++all;
        if (vm.is_running()) ++on;
    });
    FramePool& frames = session.host.frames();
    const std::uint64_t seconds = csr_read<Csr::time>() / session.host.timebase_hz();
    FixedBuffer<128> head;
    print(head, "harts {}, VMs {} of {} on, memory {} of {} free, {} s; q ends",
          session.scheduler.harts(), on, all, ByteSize{frames.free_bytes()},
          ByteSize{frames.total_bytes()}, seconds);
    answer.remark(head.view());
}

/// A screen of `picture`, over what is there.
void draw_over(std::string_view picture) {
    string screen;
    StringWriter out(screen);
    out.write(home);
    for (std::size_t lines = 0; lines < screen_lines && !picture.empty(); ++lines) {
        const std::size_t end = picture.find('\n');
        print(out, "{}{}\n", picture.substr(0, end), erase_rest);
        picture.remove_prefix(std::min(end, picture.size() - 1) + 1);
    }
    out.write(erase_below);
    Terminal().write(screen);
}

void draw(Session& session) {
    string picture;
    StringWriter out(picture);
    Answer answer(out, {.colour = session.colour});
    const std::uint64_t interval = end_interval(session);
    show_head(session, answer);
    show_harts(session, interval, answer);
    for (const VmUse& use : order_by_use(session, interval)) {
        const std::string_view name(use.name.data(), use.name.size());
        session.vms.visit([&](const ManagedVm& vm) {
            if (vm.name() == name) show_vm(session.top, vm, interval, answer);
        });
    }
    draw_over(picture);
}

/// Whether somebody has ended it.
bool has_ended(KeySource& keys) {
    constexpr std::byte end_of_text{3};  // Ctrl-C
    while (const auto key = keys.take_key()) {
        if (*key == std::byte{'q'} || *key == end_of_text) return true;
    }
    return false;
}

bool go_on_live(Session& session, Answer& answer) {
    if (has_ended(*session.keys)) {
        session.top.forget();
        return true;
    }
    const std::uint64_t now = csr_read<Csr::time>();
    if (now < session.wait.until) return false;
    draw(session);
    session.wait.until = now + session.host.timebase_hz();
    if (begin_top(session, now)) return false;
    answer.refuse({}, "the heap is too small");
    return true;
}

}  // namespace

void show_top(Session& session, const CommandLine& line, Answer& answer) {
    const bool is_live = line.arguments() == 0 && !line.json;
    const auto seconds =
        line.arguments() != 0 ? parse_byte_size(line.argument(0)) : std::optional<std::uint64_t>(1);
    if (!seconds || *seconds == 0 || *seconds > most_seconds)
        return answer.refuse(line.argument(0), "write a number of seconds from 1 to 60");
    const std::uint64_t now = csr_read<Csr::time>();
    if (!begin_top(session, now)) return answer.refuse({}, "the heap is too small");
    const std::uint64_t second = session.host.timebase_hz();
    if (is_live) {
        Terminal().write(erase_all);
        session.wait = {
            .go_on = go_on_live, .until = now + second / first_part, .takes_keys = true};
    } else {
        session.wait = {.go_on = show_loads, .until = now + *seconds * second};
    }
}

}  // namespace cairn
