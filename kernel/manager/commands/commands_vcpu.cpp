// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// Commands that look into a guest.
#include <algorithm>

#include <cairn/byte_size.hpp>
#include <cairn/print.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/arch/start/kernel_frame.hpp"
#include "kernel/manager/commands/command_rows.hpp"
#include "kernel/manager/commands/guest_backtrace.hpp"
#include "kernel/manager/commands/subject.hpp"
#include "kernel/vm/memory/guest_translation.hpp"

namespace cairn {
namespace {

constexpr std::array<Column, 3> state_columns{{{"mode"}, {"state"}, {"waits", Look::flag}}};
constexpr RecordKind state_kind{"vcpu-state", Arrangement::sheet, state_columns};
constexpr std::array<Column, 2> register_columns{
    {{"name", Look::text, 10}, {"value", Look::address, 18}}};
constexpr RecordKind register_kind{"register", Arrangement::cells, register_columns};
constexpr std::array<Column, 3> bytes_columns{
    {{"address", Look::address, 18}, {"hex", Look::text, 48}, {"text"}}};
constexpr RecordKind bytes_kind{"bytes", Arrangement::lines, bytes_columns};
constexpr std::array<Column, 3> frame_columns{
    {{"number", Look::ordinal, 3}, {"address", Look::address, 18}, {"source"}}};
constexpr RecordKind frame_kind{"frame", Arrangement::lines, frame_columns};
constexpr std::array<Column, 2> frames_end_columns{
    {{"frame_pointer", Look::address, 18}, {"reason"}}};
constexpr RecordKind frames_end_kind{"frames-end", Arrangement::lines, frames_end_columns};

constexpr std::size_t bytes_in_a_line = 16;
constexpr std::uint64_t usual_length = 256;
constexpr std::uint64_t longest_length = 4096;

void show_sample(const VcpuSample& sample, Answer& answer) {
    answer.show(state_kind, {sample.mode(), to_string(sample.hart_state()),
                             static_cast<unsigned>(sample.waits_for_interrupt())});
    answer.show(register_kind, {"pc", sample.pc()});
    for (std::size_t i = 1; i < register_names.size(); ++i)
        answer.show(register_kind, {register_names[i], sample.x()[i]});
    for (const GuestCsrRow& row : guest_csr_rows())
        answer.show(register_kind, {row.name, sample.csrs().*row.value});
}

/// Has the vCPU that is wished for sampled, unless somebody else is shown one just now: then it is
/// to be asked for again. False where that cannot be.
bool ask_for_sample(Session& session, Answer& answer) {
    SampleWish& wish = session.sampled;
    const std::string_view name(wish.vm.data(), wish.vm.size());
    bool is_there = false;
    session.sample.begin();
    with_vm(session, name, answer, [&](const ManagedVm& vm) {
        vm.visit_tasks([&](const Task& task) {
            if (task.vcpu.hart_id() != wish.cpu) return;
            is_there = true;
            wish.is_asked = session.scheduler.try_observe(task, session.sample);
        });
        if (is_there) return;
        FixedBuffer<longest_vm_name + 16> vcpu;
        print(vcpu, "{}.{}", name, wish.cpu);
        answer.refuse(vcpu.view(), vm.built() == nullptr ? to_string(VmTableError::not_running)
                                                         : "it has no vCPU of that number");
    });
    return is_there;
}

/// Calls `show` once the sample is taken; false before.
template <class Show>
bool when_taken(Session& session, Answer& answer, Show show) {
    if (!session.sampled.is_asked && !ask_for_sample(session, answer)) return true;
    switch (session.sample.state()) {
        case VcpuSample::State::empty:
            session.wait.until = session.sampled.is_asked
                                     ? HostWork::when_asked
                                     : csr_read<Csr::time>() + session.scheduler.turn();
            return false;
        case VcpuSample::State::gone: answer.refuse({}, "the VM has ended meanwhile"); return true;
        case VcpuSample::State::taken: show(session.sample); return true;
    }
    return true;
}

/// Has `go_on` called, at once or later, when `session.sample` has the vCPU, or its VM has ended.
void sample_vcpu(Session& session, const CommandLine& line, Answer& answer,
                 bool (*go_on)(Session&, Answer&)) {
    const auto name = parse_vcpu_name(line.argument(0));
    if (!name || name->vm.size() > longest_vm_name)
        return answer.refuse(line.argument(0), "this is no vCPU; write VM.NUMBER, as in web.0");
    session.sampled = {.vm = {}, .cpu = name->cpu, .is_asked = false};
    for (const char letter : name->vm)
        session.sampled.vm.push_back(letter);
    session.wait = {.go_on = go_on};
    if (go_on(session, answer)) session.wait = {};
}

bool go_on_registers(Session& session, Answer& answer) {
    return when_taken(session, answer,
                      [&](const VcpuSample& sample) { show_sample(sample, answer); });
}

void show_bytes(std::uint64_t address, std::span<const std::byte> bytes, Answer& answer) {
    FixedBuffer<3 * bytes_in_a_line> hex;
    FixedBuffer<bytes_in_a_line> text;
    for (const std::byte byte : bytes) {
        const char letter = static_cast<char>(byte);
        const bool is_printable = letter >= ' ' && letter < '\x7f';
        print(hex, "{}{:02x}", hex.view().empty() ? "" : " ", std::to_integer<unsigned>(byte));
        text.write(is_printable ? std::string_view(&letter, 1) : ".");
    }
    answer.show(bytes_kind, {address, hex.view(), text.view()});
}

/// Shows the bytes from `at` on that `copy(address, room)` can copy, a line each; it says itself
/// why not, once.
template <class Copy>
void show_lines(std::uint64_t at, std::uint64_t length, Answer& answer, Copy copy) {
    for (std::uint64_t done = 0; done < length; done += bytes_in_a_line) {
        std::array<std::byte, bytes_in_a_line> room{};
        const std::span piece =
            std::span(room).first(std::min<std::uint64_t>(bytes_in_a_line, length - done));
        if (!copy(at + done, piece)) return;
        show_bytes(at + done, piece, answer);
    }
}

void show_physical(const GuestMemory& memory, GuestPhys at, std::uint64_t length, Answer& answer) {
    const GuestRange ram = memory.range();
    if (!memory.holds(at, length)) {
        FixedBuffer<128> reason;
        print(reason, "not all of this is its memory, {:#x} to {:#x}", ram.base.value,
              ram.base.value + ram.size - 1);
        return answer.refuse({}, reason.view());
    }
    show_lines(at.value, length, answer, [&](std::uint64_t address, std::span<std::byte> room) {
        const bool is_there = memory.copy_out({address}, room).has_value();
        if (!is_there) answer.refuse({}, "there is no memory for its page tables");
        return is_there;
    });
}

/// Copies from virtual addresses, which may lie in several pages. What does not work, and where.
std::expected<void, std::string_view> copy_virtual(const GuestMemory& memory, std::uint64_t vsatp,
                                                   std::uint64_t& at, std::span<std::byte> room) {
    while (!room.empty()) {
        const auto place = translate(memory, vsatp, {at});
        if (!place) return std::unexpected(to_string(place.error()));
        const GuestRange ram = memory.range();
        if (!ram.contains(place->at)) return std::unexpected("what it is mapped to is no RAM");
        const std::span piece =
            room.first(std::min<std::uint64_t>({room.size(), place->left, ram.end() - place->at}));
        if (!memory.copy_out(place->at, piece))
            return std::unexpected("there is no memory for its page tables");
        at += piece.size();
        room = room.subspan(piece.size());
    }
    return {};
}

void show_virtual(const GuestMemory& memory, std::uint64_t vsatp, const MemoryWish& wish,
                  Answer& answer) {
    show_lines(wish.address, wish.length, answer,
               [&](std::uint64_t address, std::span<std::byte> room) {
                   const auto copied = copy_virtual(memory, vsatp, address, room);
                   if (copied) return true;
                   FixedBuffer<32> where;
                   print(where, "{:#x}", address);
                   answer.refuse(where.view(), copied.error());
                   return false;
               });
}

void show_backtrace(const GuestMemory& memory, const VcpuSample& sample, Answer& answer) {
    constexpr std::size_t ra = 1;
    constexpr std::size_t s0 = 8;
    const GuestBacktrace trace = unwind(memory, {.pc = sample.pc(),
                                                 .ra = sample.x()[ra],
                                                 .fp = sample.x()[s0],
                                                 .vsatp = sample.csrs().vsatp});
    for (unsigned n = 0; n < trace.frames.size(); ++n)
        answer.show(frame_kind, {n, trace.frames[n].address, to_string(trace.frames[n].source)});
    answer.show(frames_end_kind, {trace.frame_pointer, trace.reason});
}

/// Calls `show(memory, sample)` once the sample is taken, for a command about a guest's memory; by
/// the page tables that the vCPU had when it was looked at. It may have others by now.
template <class Show>
bool when_taken_with_memory(Session& session, Answer& answer, Show show) {
    return when_taken(session, answer, [&](const VcpuSample& sample) {
        const MemoryWish& wish = session.memory;
        with_vm(session, {wish.vm.data(), wish.vm.size()}, answer, [&](const ManagedVm& vm) {
            const BuiltVm* const built = vm.built();
            if (built == nullptr) return answer.refuse({}, "the VM has ended meanwhile");
            show(built->vm->memory(), sample);
        });
    });
}

bool go_on_memory(Session& session, Answer& answer) {
    return when_taken_with_memory(
        session, answer, [&](const GuestMemory& memory, const VcpuSample& sample) {
            show_virtual(memory, sample.csrs().vsatp, session.memory, answer);
        });
}

bool go_on_backtrace(Session& session, Answer& answer) {
    return when_taken_with_memory(session, answer,
                                  [&](const GuestMemory& memory, const VcpuSample& sample) {
                                      show_backtrace(memory, sample, answer);
                                  });
}

void remember_wish(Session& session, std::string_view vm, std::uint64_t address,
                   std::uint64_t length) {
    session.memory = {.vm = {}, .address = address, .length = length};
    for (const char letter : vm.substr(0, longest_vm_name))
        session.memory.vm.push_back(letter);
}

}  // namespace

void show_registers(Session& session, const CommandLine& line, Answer& answer) {
    sample_vcpu(session, line, answer, go_on_registers);
}

void show_frames_of_vcpu(Session& session, const CommandLine& line, Answer& answer) {
    const auto name = parse_vcpu_name(line.argument(0));
    remember_wish(session, name ? name->vm : std::string_view{}, 0, 0);
    sample_vcpu(session, line, answer, go_on_backtrace);
}

void show_memory(Session& session, const CommandLine& line, Answer& answer) {
    if (line.argument(1) == "map" && line.arguments() == 2)
        return show_memory_map(session, line, answer);
    const auto address = parse_byte_size(line.argument(1));
    const auto length =
        line.arguments() > 2 ? parse_byte_size(line.argument(2)) : std::optional(usual_length);
    if (!address) return answer.refuse(line.argument(1), "this is no address; write 0x80000000");
    if (!length || *length == 0 || *length > longest_length)
        return answer.refuse(line.argument(2), "this is no length; write a number from 1 to 4096");
    if (const Subject subject = subject_of(session, line.argument(0)); subject.cpu) {
        remember_wish(session, subject.vm, *address, *length);
        return sample_vcpu(session, line, answer, go_on_memory);
    }
    with_vm(session, line.argument(0), answer, [&](const ManagedVm& vm) {
        const BuiltVm* const built = vm.built();
        if (built == nullptr) return answer.refuse(vm.name(), to_string(VmTableError::not_running));
        show_physical(built->vm->memory(), {*address}, *length, answer);
    });
}

}  // namespace cairn
