// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/monitor/gdb_port.hpp"

#include <cairn/string_writer.hpp>
#include <cairn/unique_ptr.hpp>
#include "kernel/arch/isa/csr_access.hpp"
#include "kernel/manager/vm_table.hpp"
#include "kernel/sched/host_work.hpp"

namespace cairn {

std::uint64_t GdbPort::work(VmTable& vms, std::string_view vm, std::uint64_t turn) {
    if (const std::uint32_t turns = port_->turns(); turns != turns_ || is_leaving_) {
        if (!leave()) return csr_read<Csr::time>() + turn / 4;
        turns_ = turns;
    }
    if (turns_ % 2 == 0 || !send()) return HostWork::when_asked;
    if (session_ == nullptr && port_->has_input()) begin(vms, vm);
    if (session_ == nullptr) return HostWork::when_asked;
    StringWriter out(out_);
    taken_ = 0;
    const auto outcome = session_->go_on(*this, out);
    if (!out.result()) out_.clear();  // gdb asks again
    (void)send();
    if (outcome != GdbSession::Outcome::goes_on) session_ = nullptr;
    if (session_ == nullptr) return HostWork::when_asked;
    if (taken_ == most_at_once) return HostWork::at_once;
    return csr_read<Csr::time>() + (session_->looks_soon() ? turn / 4 : 4 * turn);
}

/// Of a VM that does not run, or that another debugs, nothing is answered: gdb says so after a
/// time.
void GdbPort::begin(VmTable& vms, std::string_view vm) {
    session_ = try_make_unique<GdbSession>(vms, vm);
    if (session_ != nullptr && !session_->claim()) session_ = nullptr;
    taken_ = 0;
    while (session_ == nullptr && take_key()) {
    }
}

bool GdbPort::leave() {
    is_leaving_ = session_ != nullptr && !session_->leave();
    if (is_leaving_) return false;
    session_ = nullptr;
    out_.clear();
    out_.shrink_to_fit();
    sent_ = 0;
    return true;
}

/// False where there is more: the port says when it has room.
bool GdbPort::send() {
    const std::string_view text = out_;
    sent_ += port_->write(std::as_bytes(std::span(text.substr(sent_))));
    if (sent_ < text.size()) return false;
    out_.clear();
    sent_ = 0;
    return true;
}

/// So many a look: who sends without an end, and does not read, is served in pieces.
std::optional<std::byte> GdbPort::take_key() {
    if (taken_ == most_at_once) return std::nullopt;
    ++taken_;
    std::byte byte{};
    return port_->read({&byte, 1}) == 1 ? std::optional(byte) : std::nullopt;
}

}  // namespace cairn
