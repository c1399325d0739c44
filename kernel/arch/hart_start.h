// SPDX-License-Identifier: MIT
// Offsets into HartStart (kernel/host/cpu/harts.cpp), which asserts them.
#pragma once

#define CAIRN_HART_START_SP 0
#define CAIRN_HART_START_TP 8
#define CAIRN_HART_START_ID 16
#define CAIRN_HART_START_NEXT 24
#define CAIRN_HART_START_SATP 32
