// SPDX-License-Identifier: MIT
// Offsets that kernel/arch/guest/guest_extensions.S shares with kernel/arch/guest/guest_state.hpp, which asserts
// each of them.
#pragma once

#define CAIRN_FP_FCSR 256

#define CAIRN_VECTOR_REGISTERS 0
#define CAIRN_VECTOR_VSTART 8
#define CAIRN_VECTOR_VL 16
#define CAIRN_VECTOR_VTYPE 24
#define CAIRN_VECTOR_VCSR 32
