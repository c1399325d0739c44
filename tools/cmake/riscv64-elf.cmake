# SPDX-License-Identifier: MIT
# Toolchain file: clang and lld for freestanding 64-bit RISC-V, with libc++'s headers over picolibc's.
# All flags that depend on the machine are here and none in a target, so a program may bring its own
# toolchain file instead. This one is installed with the library (docs/using-the-library.md).
if(NOT CAIRN_XLEN)
    set(CAIRN_XLEN 64)
endif()
if(CAIRN_XLEN EQUAL 64)
    set(cairn_abi lp64)
else()
    set(cairn_abi ilp32) # by riscv32-elf.cmake
endif()
set(cairn_machine riscv${CAIRN_XLEN}-unknown-elf)
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv${CAIRN_XLEN})
set(CMAKE_LIBRARY_ARCHITECTURE ${cairn_machine}) # packages lie in PREFIX/lib/riscv64-unknown-elf

find_program(CAIRN_CLANGXX NAMES clang++-19 clang++-20 clang++-21 clang++ REQUIRED)
set(CMAKE_CXX_COMPILER "${CAIRN_CLANGXX}")
set(CMAKE_ASM_COMPILER "${CAIRN_CLANGXX}")
set(CMAKE_CXX_COMPILER_TARGET ${cairn_machine})
set(CMAKE_ASM_COMPILER_TARGET ${cairn_machine})
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

find_path(CAIRN_LIBCXX_INCLUDE NAMES expected REQUIRED NO_CMAKE_FIND_ROOT_PATH NO_DEFAULT_PATH
          PATHS /usr/lib/llvm-19/include/c++/v1 /usr/lib/llvm-20/include/c++/v1)
find_path(CAIRN_PICOLIBC NAMES picolibc.specs REQUIRED NO_CMAKE_FIND_ROOT_PATH NO_DEFAULT_PATH
          PATHS /usr/lib/picolibc/riscv64-unknown-elf)

set(CAIRN_EXTENSIONS "" CACHE STRING "Extensions of the harts beyond imac, as in _zbb")

# No exceptions, no RTTI, and no floating-point registers: nothing touches them by accident. CMake
# reads these when it configures a folder for the first time, or --fresh.
string(CONCAT CMAKE_ASM_FLAGS_INIT
    "-march=rv${CAIRN_XLEN}imac_zicsr_zifencei${CAIRN_EXTENSIONS} -mabi=${cairn_abi}"
    " -mcmodel=medany -ffreestanding -fno-pic")
string(CONCAT CMAKE_CXX_FLAGS_INIT "${CMAKE_ASM_FLAGS_INIT}"
    " -fno-exceptions -fno-rtti -fno-threadsafe-statics -D_LIBCPP_HAS_NO_THREADS"
    " -nostdinc++ -isystem ${CAIRN_LIBCXX_INCLUDE} -isystem ${CAIRN_PICOLIBC}/include")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld -nostdlib -static -Wl,--gc-sections")
set(CMAKE_CXX_STANDARD_LIBRARIES_INIT
    "${CAIRN_PICOLIBC}/lib/rv${CAIRN_XLEN}imac/${cairn_abi}/libc.a") # memchr, strlen
