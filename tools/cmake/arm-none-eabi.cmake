# SPDX-License-Identifier: MIT
# Toolchain file: GCC for a Cortex-M, with the headers of libstdc++ and newlib and none of their
# libraries (Debian's libstdc++-arm-none-eabi-dev and libnewlib-dev); for a Cortex-M3, unless
# CAIRN_CPU names another. The hypervisor is not for it; this is for programs on the library, which
# is installed with it (docs/using-the-library.md).
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_LIBRARY_ARCHITECTURE arm-none-eabi) # packages lie in PREFIX/lib/arm-none-eabi

find_program(CAIRN_ARM_GXX NAMES arm-none-eabi-g++ REQUIRED)
set(CMAKE_CXX_COMPILER "${CAIRN_ARM_GXX}")
set(CMAKE_ASM_COMPILER "${CAIRN_ARM_GXX}")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

set(CAIRN_CPU cortex-m3 CACHE STRING "The processor, as -mcpu= names it")
set(CMAKE_ASM_FLAGS_INIT "-mcpu=${CAIRN_CPU} -mthumb")
string(CONCAT CMAKE_CXX_FLAGS_INIT "${CMAKE_ASM_FLAGS_INIT}"
    " -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-unwind-tables")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-nostdlib -static -Wl,--gc-sections")
set(CMAKE_CXX_STANDARD_LIBRARIES_INIT "-lgcc") # division of 64 bits
