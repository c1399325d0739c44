# SPDX-License-Identifier: MIT
# Compiled: into cairn.efi alone. The firmware calls it there.
# The headers by which UEFI firmware loads cairn.efi: the Microsoft PE and COFF Specification, as the
# UEFI Specification 2.10, section 2.1.1, takes it over. Sizes come from kernel/uefi/image.ld; file
# and memory have the same layout, so that an offset in the file is an offset in memory.
#
#     0      headers, a page
#     4 KiB  .text    r-x  code
#            .reloc   r--  an empty block: says that the image may lie anywhere. It moves its own
#                          addresses, by .rela.dyn
#            .data    rw-  .rela.dyn, constants (they hold addresses), variables; .bss and stack
#                          are the part that is not in the file

    .equ    MACHINE_RISCV64, 0x5064
    .equ    FILE_EXECUTABLE_LARGE_ADDRESSES_NO_SYMBOLS, 0x002e
    .equ    OPTIONAL_PE32_PLUS, 0x20b
    .equ    SUBSYSTEM_EFI_APPLICATION, 10
    .equ    DLL_NX_COMPATIBLE, 0x0100
    .equ    DIRECTORIES, 6
    .equ    SECTION_TEXT, 0x60000020        # code, execute, read
    .equ    SECTION_RELOC, 0x42000040       # initialised data, discardable, read
    .equ    SECTION_DATA, 0xc0000040        # initialised data, read, write
    .equ    PAGE, 4096
    .equ    FILE_ALIGNMENT, 512

    .section .pe_header, "a", @progbits
dos_header:
    .ascii  "MZ"
    .space  58
    .long   pe_signature - dos_header
pe_signature:
    .ascii  "PE\0\0"
    # COFF header
    .short  MACHINE_RISCV64
    .short  3                               # sections
    .long   0                               # time stamp: the build is reproducible
    .long   0, 0                            # no symbols
    .short  section_table - optional_header
    .short  FILE_EXECUTABLE_LARGE_ADDRESSES_NO_SYMBOLS
optional_header:
    .short  OPTIONAL_PE32_PLUS
    .byte   0, 0                            # linker version
    .long   __pe_text_size
    .long   __pe_data_file_size             # initialised
    .long   __pe_data_zero_size             # not initialised
    .long   __pe_entry_rva
    .long   __pe_text_rva
    .quad   0                               # preferred base: none
    .long   PAGE                            # section alignment
    .long   FILE_ALIGNMENT
    .short  0, 0, 0, 0                      # versions of system and image
    .short  0, 0                            # version of the subsystem
    .long   0
    .long   __pe_image_size
    .long   __pe_headers_size
    .long   0                               # checksum: only drivers of Windows have one
    .short  SUBSYSTEM_EFI_APPLICATION
    .short  DLL_NX_COMPATIBLE
    .quad   0, 0, 0, 0                      # stack and heap: the firmware's business
    .long   0
    .long   DIRECTORIES
    .quad   0, 0, 0, 0, 0                   # export, import, resource, exception, certificate
    .long   __pe_reloc_rva, __pe_reloc_size     # base relocation
section_table:
    .ascii  ".text\0\0\0"
    .long   __pe_text_size, __pe_text_rva, __pe_text_size, __pe_text_rva
    .long   0, 0, 0                         # no relocations or line numbers
    .long   SECTION_TEXT
    .ascii  ".reloc\0\0"
    .long   __pe_reloc_size, __pe_reloc_rva, __pe_reloc_file_size, __pe_reloc_rva
    .long   0, 0, 0
    .long   SECTION_RELOC
    .ascii  ".data\0\0\0"
    .long   __pe_data_size, __pe_data_rva, __pe_data_file_size, __pe_data_rva
    .long   0, 0, 0
    .long   SECTION_DATA

    .section .pe_reloc, "a", @progbits
    .long   0                               # page
    .long   12                              # bytes of this block
    .short  0, 0                            # IMAGE_REL_BASED_ABSOLUTE: nothing to do
