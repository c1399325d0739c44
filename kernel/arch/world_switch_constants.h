// SPDX-License-Identifier: MIT
// Numbers that the world switch shares with C++, which asserts each of them: offsets in bytes into
// VcpuContext (kernel/arch/vcpu_context.hpp), and what the SBI and the ISA say.
#pragma once

#define CAIRN_CONTEXT_PC 256
#define CAIRN_CONTEXT_HOST_SP 264
#define CAIRN_CONTEXT_HOST_TP 272
#define CAIRN_CONTEXT_SELF_MASK 280
#define CAIRN_CONTEXT_HAS_SSTC 288

#define CAIRN_CAUSE_ECALL_FROM_VS 10
#define CAIRN_CAUSE_LOAD_GUEST_PAGE_FAULT 21
#define CAIRN_CAUSE_STORE_GUEST_PAGE_FAULT 23
#define CAIRN_INTERRUPT_SUPERVISOR_TIMER 5
#define CAIRN_SIE_STIE 32
#define CAIRN_HVIP_VSSIP 4
#define CAIRN_HVIP_VSTIP 64
#define CAIRN_EXTENSION_BASE 0x10
#define CAIRN_EXTENSION_TIME 0x54494d45
#define CAIRN_EXTENSION_IPI 0x735049
#define CAIRN_SBI_SPEC_VERSION 0x02000000

#define CAIRN_RESUME_WITH_SAVED_REGISTERS 2
