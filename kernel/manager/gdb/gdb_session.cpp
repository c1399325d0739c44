// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/gdb/gdb_session.hpp"

#include "kernel/arch/isa/csr_access.hpp"

namespace cairn {
namespace {

constexpr std::string_view exited = "W00";  // "the process exited"
constexpr std::string_view cannot_go_on = "E05";

void pause(Vm& vm) {
    vm.pause();
    vm.note_pause(csr_read<Csr::time>());
}

}  // namespace

GdbSession::GdbSession(VmTable& vms, std::string_view name) : vms_(vms) {
    for (const char letter : name.substr(0, longest_vm_name))
        name_.push_back(letter);
}

bool GdbSession::claim() {
    bool done = false;
    (void)vms_.rule(name(), [&done](ManagedVm& vm) {
        const bool may_be = vm.is_running() && vm.dump() == nullptr;
        done = may_be && vm.vm().debugging().claim();
    });
    return done;
}

GdbSession::Outcome GdbSession::go_on(KeySource& keys, Writer& line) {
    for (;;) {
        if (leaves_) return leave() ? Outcome::detached : Outcome::goes_on;
        if (!look(line)) return Outcome::vm_ended;
        if (phase_ == Phase::arriving) return Outcome::goes_on;  // what is typed waits
        const auto byte = keys.take_key();
        if (!byte) return Outcome::goes_on;
        if (!take(*byte, line)) return go_on(keys, line);
    }
}

/// False where the VM is off.
bool GdbSession::look(Writer& line) {
    bool is_on = false;
    reply_.clear();
    (void)vms_.rule(name(), [&](ManagedVm& vm) {
        is_on = vm.is_running();
        if (is_on && !vm.is_loading()) look_at(vm);
    });
    if (!is_on && (phase_ == Phase::running || phase_ == Phase::stopping)) reply_.write(exited);
    if (!reply_.view().empty()) send(line);
    return is_on;
}

/// A VM that was reset meanwhile, or resumed by somebody else, runs: then it is paused as soon as
/// it can be.
void GdbSession::look_at(ManagedVm& vm) {
    debug_.vector_register_bytes = vm.abilities().vector_register_bytes;
    DebugControl& debugging = vm.vm().debugging();
    const bool stands_still = vm.vm().is_paused() && vm.is_at_rest();
    if (phase_ == Phase::halted && !stands_still) phase_ = Phase::arriving;
    if (phase_ == Phase::running && debugging.has_met()) phase_ = Phase::stopping;
    if (!awaits_rest()) return;
    if (!std::exchange(has_paused_, true)) was_paused_ = vm.vm().is_paused();
    if (!vm.vm().is_paused()) pause(vm.vm());
    if (!vm.is_at_rest()) return;
    if (phase_ == Phase::stopping) {
        VmTarget(vm.vm(), debug_).end_step();
        const auto met = debugging.take_met();
        server_.stopped({.cpu = met ? met->vcpu : server_.cpu(),
                         .signal = met ? StopSignal::trap : StopSignal::interrupt,
                         .watchpoint = met ? met->watchpoint : std::nullopt},
                        reply_);
    }
    phase_ = Phase::halted;
}

bool GdbSession::take(std::byte byte, Writer& line) {
    switch (reader_.take(byte)) {
        case PacketReader::Event::nothing: return true;
        case PacketReader::Event::interrupt:
            if (phase_ == Phase::running) phase_ = Phase::stopping;
            return true;
        case PacketReader::Event::resend:
            if (server_.acknowledges()) send(line);
            return true;
        case PacketReader::Event::damaged:
            if (server_.acknowledges()) line.write("-");
            return true;
        case PacketReader::Event::packet: return take_packet(line);
    }
    return true;
}

/// All-stop: gdb says nothing but Ctrl-C until it has heard that the VM has stopped.
bool GdbSession::take_packet(Writer& line) {
    if (server_.acknowledges()) line.write("+");
    if (phase_ != Phase::halted) return true;
    reply_.clear();
    auto next = GdbServer::Next::answer;
    (void)vms_.rule(name(), [&](ManagedVm& vm) {
        if (!vm.is_running() || vm.is_loading()) return;
        VmTarget target(vm.vm(), debug_);
        next = server_.handle(reader_.body(), target, reply_);
        if (next != GdbServer::Next::go_on || go_on_running(vm)) return;
        reply_.write(cannot_go_on);
        next = GdbServer::Next::answer;
    });
    switch (next) {
        case GdbServer::Next::answer: send(line); return true;
        case GdbServer::Next::go_on: return true;
        case GdbServer::Next::leave: break;
    }
    if (!reply_.view().empty()) send(line);
    leaves_ = true;
    return false;
}

/// One that has failed and is dumped stays where it is.
bool GdbSession::go_on_running(ManagedVm& vm) {
    if (vm.dump() == nullptr && vm.vm().resume(csr_read<Csr::time>())) {
        phase_ = Phase::running;
        return true;
    }
    VmTarget(vm.vm(), debug_).end_step();
    return false;
}

bool GdbSession::leave() {
    bool is_through = true;
    (void)vms_.rule(name(), [&](ManagedVm& vm) {
        if (!vm.is_running()) return;
        Vm& itself = vm.vm();
        if (!vm.is_loading() && vm.dump() == nullptr && has_paused_) {
            VmTarget(itself, debug_).forget_breakpoints(phase_ == Phase::halted);
            const bool goes_on = itself.is_paused() && !was_paused_;
            is_through = !goes_on || itself.resume(csr_read<Csr::time>());
            if (is_through && !itself.is_paused() && was_paused_) pause(itself);
        }
        if (is_through) itself.debugging().release();
    });
    return is_through;
}

void GdbSession::send(Writer& line) {
    FixedBuffer<2 * GdbServer::most_reply + 4> packet;  // at worst each letter is escaped
    write_packet(reply_.view(), packet);
    line.write(packet.view());
}

}  // namespace cairn
