// SPDX-License-Identifier: MIT
// Numbers that the world switch (world_switch.S, fast_exits.S) shares with C++, which asserts each of them: offsets in bytes into
// VcpuContext (kernel/arch/guest/vcpu_context.hpp), and what the SBI and the ISA say.
#pragma once

#define CAIRN_CONTEXT_PC 256
#define CAIRN_CONTEXT_HOST_SP 264
#define CAIRN_CONTEXT_HOST_TP 272
#define CAIRN_CONTEXT_EXIT_ENTRY 280
#define CAIRN_CONTEXT_SELF_MASK 288
#define CAIRN_CONTEXT_HAS_SSTC 296
#define CAIRN_CONTEXT_HART_ID 300
#define CAIRN_CONTEXT_QUICK_IPIS 304
#define CAIRN_CONTEXT_TIMER_RENEWAL 308
#define CAIRN_CONTEXT_IPI_ROUTES 312
#define CAIRN_CONTEXT_BELL 320

// IpiRoute (kernel/vm/vcpu/doorbell.hpp), 1 << ..._SHIFT bytes each.
#define CAIRN_IPI_ROUTE_BELL 0
#define CAIRN_IPI_ROUTE_HART 8
#define CAIRN_IPI_ROUTE_SET_SSIP 16
#define CAIRN_IPI_ROUTE_SHIFT 5
#define CAIRN_REQUEST_SOFTWARE_INTERRUPT 1

#define CAIRN_CAUSE_ECALL_FROM_VS 10
#define CAIRN_CAUSE_LOAD_GUEST_PAGE_FAULT 21
#define CAIRN_CAUSE_STORE_GUEST_PAGE_FAULT 23
#define CAIRN_INTERRUPT_SUPERVISOR_SOFTWARE 1
#define CAIRN_INTERRUPT_SUPERVISOR_TIMER 5
#define CAIRN_SIP_SSIP 2
#define CAIRN_SIE_STIE 32
#define CAIRN_HVIP_VSSIP 4
#define CAIRN_HVIP_VSTIP 64
#define CAIRN_EXTENSION_BASE 0x10
#define CAIRN_EXTENSION_TIME 0x54494d45
#define CAIRN_EXTENSION_IPI 0x735049
#define CAIRN_SBI_SPEC_VERSION 0x03000000

#define CAIRN_RESUME_WITH_SAVED_REGISTERS 2
// Of what handle_guest_access is given as the instruction: it could not be read.
#define CAIRN_FETCH_FAULTED_BIT 63
