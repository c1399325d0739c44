// SPDX-License-Identifier: MIT
// A plugin of QEMU's that counts the instructions of a machine with one hart by who executes them
// and when; tools/instruction_counts.py builds it and reads what it writes. Arguments:
//
//     text=ADDRESS,size=BYTES   the hypervisor's code, as it is linked and loaded
//     end=ADDRESS               the first instruction of the guest's program that ends the count
//     out=FILE                  lines `PHASE PLACE COUNT`: PLACE is an offset in the code, or a
//     word
//     mark=OFFSET               (several times) at this place of the code, once the hypervisor has
//                               begun: a line `mark OFFSET`, then lines `mark PLACE COUNT` of what
//                               came since the last mark
//     program=ADDRESS           a mark at this address of a program of the guest's: `mark program`
//
// Phases: `reset` from the machine's first instruction to the hypervisor's (which is the first of
// its code), `start` from there to the guest's, `guest` from there to `end`. An instruction is
// known by where it lies in the machine's memory, since a guest's addresses may equal the
// hypervisor's. The firmware is what lies in the 2 MiB below the code; all else is the guest.
//
// Debian packages QEMU without its header qemu-plugin.h, so what is used of the interface stands
// here (QEMU, "QEMU TCG Plugins", section "API"). It is the same since QEMU 4.2 but for the number.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

extern "C" {
struct qemu_plugin_tb;
struct qemu_plugin_insn;
using PluginId = std::uint64_t;
enum CallbackFlags { reads_no_registers };
using OnTranslation = void (*)(PluginId, qemu_plugin_tb*);
using OnExecution = void (*)(unsigned hart, void* data);
using OnExit = void (*)(PluginId, void* data);

void qemu_plugin_register_vcpu_tb_trans_cb(PluginId, OnTranslation);
void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn*, OnExecution, CallbackFlags,
                                            void* data);
void qemu_plugin_register_atexit_cb(PluginId, OnExit, void* data);
std::size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb*);
qemu_plugin_insn* qemu_plugin_tb_get_insn(const qemu_plugin_tb*, std::size_t index);
std::uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn*);
/// Where it lies in QEMU's own memory.
void* qemu_plugin_insn_haddr(const qemu_plugin_insn*);

[[gnu::visibility("default")]] int qemu_plugin_version = CAIRN_PLUGIN_VERSION;
}

namespace {

constexpr std::uint64_t below_text = 2 << 20;
enum Phase { before, start, guest, after, phases };

std::uint64_t text = 0;
std::uint64_t size = 0;
std::uint64_t end = 0;
std::uint64_t program = 1;  // an odd one is no instruction's
const char* out = nullptr;

constexpr std::size_t most_marks = 8;
std::uint64_t marks[most_marks];
std::size_t marks_count = 0;
std::FILE* file = nullptr;

const std::byte* code = nullptr;  // where the text lies in QEMU's memory
Phase phase = before;
// A count for every two bytes of the code. Nothing here has a destructor: QEMU ends later than
// those run.
std::uint64_t* by_place[phases];
std::uint64_t by_firmware[phases];
std::uint64_t by_guest[phases];

void count_hypervisor(unsigned /*hart*/, void* data) {
    const auto place = reinterpret_cast<std::uintptr_t>(data);
    if (phase == before && place == 0) phase = start;
    ++by_place[phase][place];
}

/// What has been counted of a kind since the last mark; `seen` is what was there then.
std::uint64_t since_mark(const std::uint64_t count_at_start, const std::uint64_t count_of_guest,
                         std::uint64_t& seen) {
    return count_at_start + count_of_guest - std::exchange(seen, count_at_start + count_of_guest);
}

void note_counts() {
    static std::uint64_t firmware = 0, guests = 0;
    static auto* const places = new std::uint64_t[size / 2]{};
    std::fprintf(file, "mark firmware %ju\nmark guest %ju\n",
                 since_mark(by_firmware[start], by_firmware[guest], firmware),
                 since_mark(by_guest[start], by_guest[guest], guests));
    for (std::size_t place = 0; place < size / 2; ++place) {
        const std::uint64_t count =
            since_mark(by_place[start][place], by_place[guest][place], places[place]);
        if (count != 0) std::fprintf(file, "mark %zu %ju\n", place * 2, count);
    }
}

/// Before the instruction there is counted.
void note_mark(unsigned /*hart*/, void* data) {
    if (phase == before || phase == after) return;
    std::fprintf(file, "mark %zu\n", reinterpret_cast<std::uintptr_t>(data) * 2);
    note_counts();
}
void note_program(unsigned /*hart*/, void* /*data*/) {
    std::fputs("mark program\n", file);
    note_counts();
}

bool is_mark(std::uint64_t place) {
    return std::find(marks, marks + marks_count, place) != marks + marks_count;
}

void count_firmware(unsigned /*hart*/, void* /*data*/) {
    ++by_firmware[phase];
}

void count_guest(unsigned /*hart*/, void* /*data*/) {
    if (phase == start) phase = guest;
    ++by_guest[phase];
}

void count_end(unsigned hart, void* data) {
    if (phase == guest) phase = after;
    count_guest(hart, data);
}

void on_translation(PluginId /*id*/, qemu_plugin_tb* block) {
    const std::size_t count = qemu_plugin_tb_n_insns(block);
    for (std::size_t n = 0; n < count; ++n) {
        qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(block, n);
        const auto* const place =
            static_cast<const std::byte*>(qemu_plugin_insn_haddr(instruction));
        const std::uint64_t address = qemu_plugin_insn_vaddr(instruction);
        // The firmware comes first, and translates nothing.
        if (code == nullptr && address - (text - below_text) < below_text) {
            code = place + (text - address);
        }
        OnExecution counter = address == end ? count_end : count_guest;
        void* data = nullptr;
        if (code != nullptr && place >= code && place < code + size) {
            counter = count_hypervisor;
            data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(place - code) / 2);
            if (is_mark(static_cast<std::uint64_t>(place - code)))
                qemu_plugin_register_vcpu_insn_exec_cb(instruction, note_mark, reads_no_registers,
                                                       data);
        } else if (code != nullptr && place >= code - below_text && place < code) {
            counter = count_firmware;
        }
        if (address == program)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, note_program, reads_no_registers,
                                                   nullptr);
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, counter, reads_no_registers, data);
    }
}

void on_exit(PluginId /*id*/, void* /*data*/) {
    for (const auto [number, name] :
         {std::pair{before, "reset"}, {start, "start"}, {guest, "guest"}}) {
        std::fprintf(file, "%s firmware %ju\n%s guest %ju\n", name, by_firmware[number], name,
                     by_guest[number]);
        for (std::size_t place = 0; place < size / 2; ++place) {
            if (by_place[number][place] == 0) continue;
            std::fprintf(file, "%s %zu %ju\n", name, place * 2, by_place[number][place]);
        }
    }
    if (phase == after) std::fputs("end\n", file);
    std::fclose(file);
}

bool take_argument(std::string_view argument) {
    const std::size_t middle = argument.find('=');
    if (middle == argument.npos) return false;
    const std::string_view name = argument.substr(0, middle);
    const char* const value = argument.data() + middle + 1;  // to the argument's own end
    const std::uint64_t number = std::strtoull(value, nullptr, 0);
    if (name == "text") return (text = number) != 0;
    if (name == "size") return (size = number) != 0;
    if (name == "end") return (end = number) != 0;
    if (name == "program") return (program = number) != 0;
    if (name == "out") return (out = ::strdup(value)) != nullptr;
    if (name == "mark" && marks_count < most_marks) return (marks[marks_count++] = number) != 0;
    return false;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int qemu_plugin_install(PluginId id, const void* /*info*/,
                                                                  int count, char** arguments) {
    for (int n = 0; n < count; ++n) {
        if (!take_argument(arguments[n])) return 1;
    }
    file = std::fopen(out, "w");
    if (file == nullptr) return 1;
    for (std::uint64_t*& counts : by_place)
        counts = new std::uint64_t[size / 2]{};
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit, nullptr);
    return 0;
}
