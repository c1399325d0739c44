# SPDX-License-Identifier: MIT
# A guest's first bytes: the header of a RISC-V Linux `Image` (Linux, Documentation/arch/riscv/
# boot-image-header.rst), then the start-up code, and the entry of its trap handler.

    .section .header, "ax", @progbits
    .global _start
_start:
    .option push
    .option norvc
    j       start                       # code0
    nop                                 # code1
    .option pop
    .quad   0x200000                    # text_offset from the start of RAM
    .quad   __image_end - _start        # image_size, .bss and stack included
    .quad   0                           # flags: little-endian
    .word   2                           # version 0.2
    .word   0
    .quad   0
    .ascii  "RISCV\0\0\0"               # magic
    .ascii  "RSC\x05"                   # magic2
    .word   0

start:
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      sp, __stack_top
    la      tp, __tls_start
    la      t0, __bss_start
    la      t1, __bss_end
1:  bgeu    t0, t1, 2f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b
2:  la      t0, guest_trap_entry
    csrw    stvec, t0
    mv      s0, zero
    call    guest_start                 # (hart id, device tree), never returns
3:  wfi
    j       3b

# Saves what C++ may change, calls guest_trap, and goes on where that says.
    .text
    .global guest_trap_entry
    .balign 4
guest_trap_entry:
    addi    sp, sp, -256
    .irp    n, 1,5,6,7,10,11,12,13,14,15,16,17,28,29,30,31
    sd      x\n, \n * 8(sp)
    .endr
    mv      a0, sp                      # x1 is its slot 1: where a fetch fault goes back to
    call    guest_trap
    .irp    n, 1,5,6,7,10,11,12,13,14,15,16,17,28,29,30,31
    ld      x\n, \n * 8(sp)
    .endr
    addi    sp, sp, 256
    sret
