// SPDX-License-Identifier: MIT
// Offsets in bytes into VcpuContext, shared by assembly and C++ (which asserts them).
#pragma once
#define CAIRN_CONTEXT_PC 256
#define CAIRN_CONTEXT_HOST_SP 264
#define CAIRN_CONTEXT_HOST_TP 272
