// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/vm/exits/exit_record.hpp"

#include "kernel/arch/isa/system_instruction.hpp"

namespace cairn {

void describe_exit(Writer& out, const ExitRecord& record, const ExitCause& cause) {
    const std::uint64_t scause = record.scause();
    print_cause(out, cause);
    if (is_guest_page_fault(scause)) print(out, " at {:#x}", record.subject);
    // A hart may leave 0 for the instruction.
    if (scause == static_cast<std::uint64_t>(Exception::virtual_instruction) &&
        record.subject != 0) {
        const auto instruction = static_cast<std::uint32_t>(record.subject);
        const std::string_view name = instruction_name(instruction);
        if (!name.empty()) print(out, " {}", name);
    }
    if (record.has_value) print(out, ": {:#x}", record.value);
    if (record.is_user) out.write(", user mode");
}

}  // namespace cairn
