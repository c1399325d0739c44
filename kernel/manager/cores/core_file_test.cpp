// SPDX-License-Identifier: MIT
#include "kernel/manager/cores/core_file.hpp"

#include <elf.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "tests/unit/catch.hpp"

namespace cairn {
namespace {

struct Note {
    std::string owner;
    std::uint32_t type;
    std::vector<std::byte> bytes;
};

template <class T>
T at(std::span<const std::byte> bytes, std::size_t offset) {
    T value;
    REQUIRE(offset + sizeof(value) <= bytes.size());
    std::memcpy(&value, bytes.data() + offset, sizeof(value));
    return value;
}

/// As <elf.h> has them, and nothing left over.
std::vector<Note> notes_of(std::span<const std::byte> bytes) {
    std::vector<Note> notes;
    for (std::size_t begin = 0; begin < bytes.size();) {
        const auto header = at<Elf64_Nhdr>(bytes, begin);
        const std::size_t name = begin + sizeof(header);
        const std::size_t content = name + (header.n_namesz + 3) / 4 * 4;
        REQUIRE(content + header.n_descsz <= bytes.size());
        const auto* const text = reinterpret_cast<const char*>(bytes.data() + name);
        const auto piece = bytes.subspan(content, header.n_descsz);
        notes.push_back(
            {std::string(text, header.n_namesz - 1), header.n_type, {piece.begin(), piece.end()}});
        begin = content + (header.n_descsz + 3) / 4 * 4;
    }
    return notes;
}

std::vector<std::byte> vmcoreinfo(std::uint32_t size, std::string_view name = "VMCOREINFO",
                                  std::string_view text = "OSRELEASE=6.12\n") {
    std::vector<std::byte> page(4096);
    const std::array<std::uint32_t, 3> header{11, size, 0};
    std::memcpy(page.data(), header.data(), 12);
    std::memcpy(page.data() + 12, name.data(), name.size());
    std::memcpy(page.data() + 24, text.data(), text.size());
    return page;
}

TEST_CASE("a thread has its registers as Linux's cores have them", "[core_file]") {
    VcpuContext context;
    for (std::size_t n = 1; n < 32; ++n)
        context.x[n] = 100 + n;
    context.pc = 0x8020'0000;
    GuestState state;
    state.parts = {.sstc = true, .stateen = false, .fp = true, .vector = true};
    state.csrs.sstatus =
        Sstatus::FS::of(ExtensionState::clean) | Sstatus::VS::of(ExtensionState::clean);
    state.csrs.vsatp = 0x77;
    state.fp.f[3] = 0x1234;
    state.fp.fcsr = 5;
    std::vector<std::byte> registers(32 * 16, std::byte{0x33});
    state.vector.registers = registers.data();
    state.vector.vl = 4;
    CoreBytes bytes;
    REQUIRE(add_thread_notes(bytes, {.number = 2,
                                     .signal = 6,
                                     .context = &context,
                                     .state = &state,
                                     .vector_register_bytes = 16}));
    CHECK(bytes.size() <= most_thread_notes(16));
    const auto notes = notes_of(bytes);
    REQUIRE(notes.size() == 4);
    const auto& status = notes[0].bytes;
    CHECK(notes[0].owner == "CORE");
    CHECK(notes[0].type == NT_PRSTATUS);
    REQUIRE(status.size() == 376);
    CHECK(at<std::uint16_t>(status, 12) == 6);
    CHECK(at<std::uint32_t>(status, 32) == 3);
    CHECK(at<std::uint64_t>(status, 112) == 0x8020'0000);
    CHECK(at<std::uint64_t>(status, 112 + 31 * 8) == 131);
    CHECK(notes[1].type == NT_FPREGSET);
    REQUIRE(notes[1].bytes.size() == 264);
    CHECK(at<std::uint64_t>(notes[1].bytes, 24) == 0x1234);
    CHECK(at<std::uint32_t>(notes[1].bytes, 256) == 5);
    CHECK(notes[2].owner == "LINUX");
    CHECK(notes[2].type == 0x901);
    REQUIRE(notes[2].bytes.size() == 40 + 512);
    CHECK(at<std::uint64_t>(notes[2].bytes, 8) == 4);
    CHECK(at<std::uint64_t>(notes[2].bytes, 32) == 16);
    CHECK(notes[2].bytes[551] == std::byte{0x33});
    CHECK(notes[3].owner == "GDB");
    CHECK(at<std::uint64_t>(notes[3].bytes, 10 * 8) == 0x77);
}

TEST_CASE("registers that nobody has changed since a reset are zero", "[core_file]") {
    const VcpuContext context;
    GuestState state;
    state.parts = {.sstc = false, .stateen = false, .fp = true, .vector = true};
    state.csrs.sstatus =
        Sstatus::FS::of(ExtensionState::initial) | Sstatus::VS::of(ExtensionState::initial);
    state.fp.f[0] = 1;  // somebody else's
    CoreBytes bytes;
    REQUIRE(add_thread_notes(bytes, {.number = 0,
                                     .signal = 0,
                                     .context = &context,
                                     .state = &state,
                                     .vector_register_bytes = 16}));
    const auto notes = notes_of(bytes);
    CHECK(at<std::uint64_t>(notes[1].bytes, 0) == 0);
    CHECK(at<std::uint64_t>(notes[2].bytes, 40) == 0);
}

TEST_CASE("the description of registers fits into what is set aside for it", "[core_file]") {
    CoreBytes bytes;
    REQUIRE(add_description_note(bytes, true));
    CHECK(bytes.size() <= most_description_note);
    const auto notes = notes_of(bytes);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].type == 0xff00'0000);
    CHECK(notes[0].bytes.back() == std::byte{0});
}

TEST_CASE("header and program headers are those of <elf.h>", "[core_file]") {
    CoreSegments segments({0x8000'0000}, 4096);
    REQUIRE(segments.add_stored(4096));
    REQUIRE(segments.add_zeros(8192));
    CoreBytes bytes;
    REQUIRE(add_program_headers(bytes, 8192, 100, segments));
    REQUIRE(bytes.size() == 2 * sizeof(Elf64_Phdr));
    const auto note = at<Elf64_Phdr>(bytes, 0);
    CHECK(note.p_type == PT_NOTE);
    CHECK(note.p_offset == 8192);
    CHECK(note.p_filesz == 100);
    const auto load = at<Elf64_Phdr>(bytes, sizeof(Elf64_Phdr));
    CHECK(load.p_type == PT_LOAD);
    CHECK(load.p_offset == 4096);
    CHECK(load.p_vaddr == 0x8000'0000);
    CHECK(load.p_paddr == 0x8000'0000);
    CHECK(load.p_filesz == 4096);
    CHECK(load.p_memsz == 12288);
    std::array<std::byte, core_header_size> room{};
    write_core_header(room, 0x2400, 2);
    const auto header = at<Elf64_Ehdr>(room, 0);
    CHECK(std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0);
    CHECK(header.e_type == ET_CORE);
    CHECK(header.e_machine == EM_RISCV);
    CHECK(header.e_phoff == 0x2400);
    CHECK(header.e_phnum == 2);
    CHECK(header.e_ehsize == sizeof(Elf64_Ehdr));
    CHECK(header.e_phentsize == sizeof(Elf64_Phdr));
}

TEST_CASE("Linux's note about itself is known by its head, and nothing else is", "[core_file]") {
    const auto note = find_vmcoreinfo(vmcoreinfo(15));
    REQUIRE(note);
    CHECK(note->size() == 24 + 15);
    CHECK_FALSE(find_vmcoreinfo(vmcoreinfo(4)));
    CHECK_FALSE(find_vmcoreinfo(vmcoreinfo(4096 - 24 + 1)));
    CHECK_FALSE(find_vmcoreinfo(vmcoreinfo(0xffff'ffff)));
    CHECK_FALSE(find_vmcoreinfo(vmcoreinfo(15, "VMCOREINF0")));
    CHECK_FALSE(find_vmcoreinfo(vmcoreinfo(15, "VMCOREINFO", "RELEASE=")));
    const std::vector<std::byte> page = vmcoreinfo(15);
    for (const std::size_t size : {0u, 12u, 33u})
        CHECK_FALSE(find_vmcoreinfo(std::span(page).first(size)));
}

}  // namespace
}  // namespace cairn
