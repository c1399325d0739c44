# SPDX-License-Identifier: MIT
# Toolchain file: as riscv64-elf.cmake, which lies beside it, for 32-bit RISC-V (RV32IMAC, ilp32).
# The hypervisor is not for it; this is for programs on the library, which is installed with it.
set(CAIRN_XLEN 32)
include(${CMAKE_CURRENT_LIST_DIR}/riscv64-elf.cmake)

# What 64 bits are divided and shifted by comes with the GCC that picolibc depends on.
file(GLOB CAIRN_LIBGCC /usr/lib/gcc/riscv64-unknown-elf/*/rv32imac/ilp32/libgcc.a)
if(NOT CAIRN_LIBGCC)
    message(FATAL_ERROR "No libgcc.a for rv32imac: install gcc-riscv64-unknown-elf")
endif()
string(APPEND CMAKE_CXX_STANDARD_LIBRARIES_INIT " ${CAIRN_LIBGCC}")
