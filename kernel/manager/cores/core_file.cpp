// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/cores/core_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <cairn/string_writer.hpp>
#include "kernel/arch/isa/csr.hpp"
#include "kernel/manager/gdb/register_file.hpp"

namespace cairn {
namespace {

// System V ABI, "ELF Header" and "Program Header"; RISC-V psABI, "File Header".
struct ElfHeader {
    std::array<unsigned char, 16> ident{0x7f, 'E', 'L', 'F', 2, 1, 1};  // 64 bits, little-endian
    std::uint16_t type = 4;                                             // ET_CORE
    std::uint16_t machine = 243;                                        // EM_RISCV
    std::uint32_t version = 1;
    std::uint64_t entry = 0;
    std::uint64_t program_headers = 0;
    std::uint64_t section_headers = 0;
    std::uint32_t flags = 5;  // EF_RISCV_RVC, EF_RISCV_FLOAT_ABI_DOUBLE
    std::uint16_t header_size = core_header_size;
    std::uint16_t program_header_bytes = program_header_size;
    std::uint16_t program_header_count = 0;
    std::uint16_t section_header_bytes = 0;
    std::uint16_t section_header_count = 0;
    std::uint16_t names = 0;
};
static_assert(sizeof(ElfHeader) == core_header_size);

struct ProgramHeader {
    std::uint32_t type;
    std::uint32_t flags;
    std::uint64_t offset;
    std::uint64_t virtual_address;
    std::uint64_t physical_address;
    std::uint64_t stored;
    std::uint64_t size;
    std::uint64_t alignment;
};
static_assert(sizeof(ProgramHeader) == program_header_size);
constexpr std::uint32_t load_segment = 1;
constexpr std::uint32_t note_segment = 4;
constexpr std::uint32_t read_write_execute = 7;

// Types of notes: Linux, uapi/linux/elf.h, and gdb's own (include/elf/common.h of binutils).
constexpr std::uint32_t status_note = 1;          // NT_PRSTATUS
constexpr std::uint32_t fp_note = 2;              // NT_FPREGSET
constexpr std::uint32_t csr_note = 0x900;         // NT_RISCV_CSR
constexpr std::uint32_t vector_note = 0x901;      // NT_RISCV_VECTOR
constexpr std::uint32_t tdesc_note = 0xff000000;  // NT_GDB_TDESC

struct NoteHeader {
    std::uint32_t name_size;
    std::uint32_t size;
    std::uint32_t type;
};

/// struct elf_prstatus of RISC-V's Linux: of all that, what a VM has.
struct Status {
    std::uint32_t signal_number = 0;
    std::array<std::uint32_t, 2> code_and_error{};
    std::uint16_t signal = 0;
    std::uint16_t padding = 0;
    std::array<std::uint64_t, 2> pending_and_held{};
    std::uint32_t thread = 0;
    std::array<std::uint32_t, 3> parent_group_and_session{};
    std::array<std::uint64_t, 8> times{};
    std::array<std::uint64_t, 32> registers{};  // pc, then x1 to x31
    std::uint32_t has_fp = 0;
    std::uint32_t end = 0;
};
static_assert(offsetof(Status, signal) == 12 && offsetof(Status, thread) == 32);
static_assert(offsetof(Status, registers) == 112 && sizeof(Status) == 376);

/// struct __riscv_v_regset_state, before the registers.
struct VectorState {
    std::uint64_t vstart;
    std::uint64_t vl;
    std::uint64_t vtype;
    std::uint64_t vcsr;
    std::uint64_t vlenb;
};

constexpr std::string_view vmcoreinfo_name = "VMCOREINFO";
constexpr std::size_t vmcoreinfo_text = 24;  // header, and the name in whole words
constexpr std::string_view vmcoreinfo_begin = "OSRELEASE=";

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

bool add(CoreBytes& bytes, std::span<const std::byte> piece) {
    const std::size_t before = bytes.size();
    if (!bytes.try_resize(before + piece.size())) return false;
    if (!piece.empty()) std::memcpy(bytes.data() + before, piece.data(), piece.size());
    return true;
}

/// Notes and their parts lie at multiples of 4 bytes.
bool pad(CoreBytes& bytes) {
    return bytes.try_resize(whole(bytes.size(), 4)).has_value();
}

/// The header and the name; its `size` bytes follow, and then padding.
bool begin_note(CoreBytes& bytes, std::string_view owner, std::uint32_t type, std::size_t size) {
    const NoteHeader header{.name_size = static_cast<std::uint32_t>(owner.size() + 1),
                            .size = static_cast<std::uint32_t>(size),
                            .type = type};
    constexpr std::byte end{};
    return add(bytes, bytes_of(header)) && add(bytes, std::as_bytes(std::span(owner))) &&
           add(bytes, {&end, 1}) && pad(bytes);
}

bool add_status(CoreBytes& bytes, const CoreThread& thread) {
    Status status{.signal_number = thread.signal,
                  .signal = thread.signal,
                  .thread = thread.number + 1,
                  .has_fp = thread.state->parts.fp ? 1u : 0u};
    std::ranges::copy(thread.context->x, status.registers.begin());
    status.registers.front() = thread.context->pc;  // in place of x0
    return begin_note(bytes, "CORE", status_note, sizeof(status)) && add(bytes, bytes_of(status)) &&
           pad(bytes);
}

/// What was never changed since a reset is zero, and was never saved.
bool add_fp(CoreBytes& bytes, const GuestState& state) {
    static constexpr GuestFp zero{};
    const bool is_initial = Sstatus::FS::get(state.csrs.sstatus) == ExtensionState::initial;
    const GuestFp& fp = is_initial ? zero : state.fp;
    return begin_note(bytes, "CORE", fp_note, sizeof(fp)) && add(bytes, bytes_of(fp)) && pad(bytes);
}

bool add_vector(CoreBytes& bytes, const GuestState& state, std::uint32_t vlenb) {
    const GuestVector& from = state.vector;
    const VectorState control{.vstart = from.vstart,
                              .vl = from.vl,
                              .vtype = from.vtype,
                              .vcsr = from.vcsr,
                              .vlenb = vlenb};
    const std::size_t size = GuestVector::count * vlenb;
    if (!begin_note(bytes, "LINUX", vector_note, sizeof(control) + size) ||
        !add(bytes, bytes_of(control)))
        return false;
    const bool is_initial = Sstatus::VS::get(state.csrs.sstatus) == ExtensionState::initial;
    const bool done = is_initial ? bytes.try_resize(bytes.size() + size).has_value()
                                 : add(bytes, {from.registers, size});
    return done && pad(bytes);
}

/// In the order of the description (write_target_description).
bool add_csrs(CoreBytes& bytes, const GuestState& state) {
    const auto rows = gdb_csrs();
    if (!begin_note(bytes, "GDB", csr_note, (rows.size() + 1) * sizeof(std::uint64_t)))
        return false;
    for (const GdbCsr& row : rows)
        if (!add(bytes, bytes_of(state.csrs.*row.value))) return false;
    const std::uint64_t sip = state.csrs.hvip >> 1;  // the lines of V=1 lie one bit higher
    return add(bytes, bytes_of(sip)) && pad(bytes);
}

}  // namespace

std::optional<std::span<const std::byte>> find_vmcoreinfo(std::span<const std::byte> page) {
    NoteHeader header;
    if (page.size() < vmcoreinfo_text + vmcoreinfo_begin.size()) return std::nullopt;
    std::memcpy(&header, page.data(), sizeof(header));
    const bool fits = header.name_size == vmcoreinfo_name.size() + 1 && header.type == 0 &&
                      header.size >= vmcoreinfo_begin.size() &&
                      header.size <= page.size() - vmcoreinfo_text;
    const auto holds = [&](std::size_t at, std::string_view text) {
        return std::memcmp(page.data() + at, text.data(), text.size()) == 0;
    };
    if (!fits || !holds(sizeof(header), vmcoreinfo_name) ||
        !holds(vmcoreinfo_text, vmcoreinfo_begin))
        return std::nullopt;
    return page.first(vmcoreinfo_text + header.size);
}

bool add_thread_notes(CoreBytes& bytes, const CoreThread& thread) {
    const GuestState& state = *thread.state;
    return add_status(bytes, thread) && (!state.parts.fp || add_fp(bytes, state)) &&
           (!state.parts.vector || add_vector(bytes, state, thread.vector_register_bytes)) &&
           add_csrs(bytes, state);
}

std::uint64_t most_thread_notes(std::uint32_t vector_register_bytes) {
    constexpr std::uint64_t headers = 4 * (sizeof(NoteHeader) + 12);
    return headers + sizeof(Status) + sizeof(GuestFp) + sizeof(GuestCsrs) + sizeof(VectorState) +
           GuestVector::count * std::uint64_t{vector_register_bytes};
}

bool add_description_note(CoreBytes& bytes, bool fp) {
    string text;
    StringWriter out(text);
    write_target_description({.fp = fp}, out);
    return begin_note(bytes, "GDB", tdesc_note, text.size() + 1) &&
           add(bytes, std::as_bytes(std::span(text.data(), text.size()))) &&
           bytes.try_resize(bytes.size() + 1) && pad(bytes);
}

bool add_note(CoreBytes& bytes, std::span<const std::byte> note) {
    return add(bytes, note) && pad(bytes);
}

bool add_program_headers(CoreBytes& bytes, std::uint64_t notes_offset, std::uint64_t notes_size,
                         const CoreSegments& segments) {
    const ProgramHeader notes{.type = note_segment,
                              .flags = 0,
                              .offset = notes_offset,
                              .virtual_address = 0,
                              .physical_address = 0,
                              .stored = notes_size,
                              .size = 0,
                              .alignment = 4};
    if (!add(bytes, bytes_of(notes))) return false;
    for (const CoreSegment& segment : segments.all()) {
        const ProgramHeader header{.type = load_segment,
                                   .flags = read_write_execute,
                                   .offset = segment.offset,
                                   .virtual_address = segment.base.value,
                                   .physical_address = segment.base.value,
                                   .stored = segment.stored,
                                   .size = segment.size,
                                   .alignment = CoreSegments::page};
        if (!add(bytes, bytes_of(header))) return false;
    }
    return true;
}

void write_core_header(std::span<std::byte, core_header_size> to, std::uint64_t offset,
                       std::size_t program_headers) {
    ElfHeader header;
    header.program_headers = offset;
    header.program_header_count = static_cast<std::uint16_t>(program_headers);
    std::memcpy(to.data(), &header, sizeof(header));
}

}  // namespace cairn
