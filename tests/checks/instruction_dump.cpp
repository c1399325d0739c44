// SPDX-License-Identifier: MIT
// Prints what the decoders make of each instruction on standard input (a hexadecimal number a
// line), for tests/checks/instruction_table.py to compare with LLVM:
//   KIND WIDTH SIGN REG LENGTH BASE OFFSET   or   NAME   or   -
#include <cstdio>
#include <string_view>

#include "kernel/arch/isa/access_address.hpp"
#include "kernel/arch/isa/instruction.hpp"
#include "kernel/arch/isa/system_instruction.hpp"

namespace {

const char* kind_name(cairn::AccessKind kind) {
    using enum cairn::AccessKind;
    switch (kind) {
        case load: return "load";
        case store: return "store";
        case fp_load: return "fp_load";
        case fp_store: return "fp_store";
        case amo: return "amo";
        case load_reserved: return "lr";
        case store_conditional: return "sc";
    }
    return "?";
}

}  // namespace

int main() {
    unsigned instruction = 0;
    while (std::scanf("%x", &instruction) == 1) {
        const std::string_view name = cairn::instruction_name(instruction);
        if (const auto access = cairn::decode_memory_access(instruction)) {
            const cairn::AccessAddress address = cairn::decode_access_address(instruction);
            std::printf("%s %d %d %d %d %d %d\n", kind_name(access->kind), access->width,
                        access->sign_extend ? 1 : 0, access->reg, access->length, address.base,
                        address.offset);
        } else if (!name.empty()) {
            std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
        } else {
            std::puts("-");
        }
    }
}
