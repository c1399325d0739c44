// SPDX-License-Identifier: MIT
// Whom a command is about: a VM, or one vCPU of it.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "kernel/manager/commands/session.hpp"

namespace cairn {

struct Subject {
    std::string_view vm;
    std::optional<std::uint32_t> cpu;
};

/// "web.0" may be a VM, and is a vCPU where it is none.
[[nodiscard]] inline Subject subject_of(const Session& session, std::string_view text) {
    const auto vcpu = parse_vcpu_name(text);
    const auto vms = session.vms.names();
    if (!vcpu || std::ranges::find(vms, text) != vms.end()) return {.vm = text, .cpu = {}};
    return {.vm = vcpu->vm, .cpu = vcpu->cpu};
}

}  // namespace cairn
