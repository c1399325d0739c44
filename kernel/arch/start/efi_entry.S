# SPDX-License-Identifier: MIT
# Compiled: into cairn.efi alone. The firmware calls it there.
# Where UEFI firmware enters cairn.efi, as it calls any function (UEFI Specification 2.10, section
# 2.3.7): a0 = image handle, a1 = system table, paging off or identity-mapped, gp and tp its own. The
# image is linked at 0 and lies anywhere; each entry of .rela.dyn says of one word what to add.

#include "kernel/arch/start/hart_start.h"

    .section .text.efi_entry, "ax", @progbits
    .global _efi_start
_efi_start:
    .option push
    .option norelax
    addi    sp, sp, -16
    sd      ra, 8(sp)
    lla     t0, __image_start
    lla     t1, __rela_start
    lla     t2, __rela_end
1:  bgeu    t1, t2, 2f
    ld      t3, 0(t1)                   # r_offset; r_info is R_RISCV_RELATIVE, which a test checks
    ld      t4, 16(t1)                  # r_addend
    add     t3, t3, t0
    add     t4, t4, t0
    sd      t4, 0(t3)
    addi    t1, t1, 24                  # sizeof(Elf64_Rela)
    j       1b
2:  call    efi_main                    # (image, table) -> a0 = status, a1 = Arrival
    beqz    a0, 3f
    ld      ra, 8(sp)                   # the firmware goes on with the status
    addi    sp, sp, 16
    ret

    # Boot Services have ended: this is _start of boot.S once more, but for what firmware leaves on.
3:  csrw    sie, zero
    li      t0, CAIRN_SSTATUS_LEFT_ON
    csrc    sstatus, t0
    lla     tp, __tls_start
    lla     t0, kernel_trap_entry
    csrw    stvec, t0
    csrw    satp, zero
    sfence.vma
    lla     gp, __global_pointer$
    .option pop
    lla     sp, __stack_top
    ld      a0, CAIRN_ARRIVAL_BOOT_HART(a1)
    ld      a1, CAIRN_ARRIVAL_DEVICE_TREE(a1)
    mv      s0, zero
    mv      ra, zero
    call    kernel_main                 # never returns
4:  wfi
    j       4b
