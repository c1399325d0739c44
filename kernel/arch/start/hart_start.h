// SPDX-License-Identifier: MIT
// Numbers that the entries of a hart (boot.S, hart_entry.S, efi_entry.S) share with C++, which asserts
// each of them: offsets into HartStart (kernel/host/cpu/harts.cpp) and Arrival
// (kernel/uefi/arrival.hpp), and bits of sstatus.
#pragma once

#define CAIRN_HART_START_SP 0
#define CAIRN_HART_START_TP 8
#define CAIRN_HART_START_ID 16
#define CAIRN_HART_START_NEXT 24
#define CAIRN_HART_START_SATP 32

#define CAIRN_ARRIVAL_BOOT_HART 0
#define CAIRN_ARRIVAL_DEVICE_TREE 8

#define CAIRN_SSTATUS_SIE 0x2
// MXR, SUM, XS, FS, VS, SPP, SPIE and SIE: what whoever had the hart before may have left on.
#define CAIRN_SSTATUS_LEFT_ON 0xde722
