// SPDX-License-Identifier: MIT
#include "tests/guests/smp_views.hpp"

#include <bit>

#include "tests/guests/guest_runtime.hpp"

namespace cairn::guest {
namespace {

constexpr std::size_t pages = 8;   // of a window
constexpr std::size_t frames = 4;  // of a page; it shows one after the other
constexpr std::uint64_t windows_base = 0x4000'0000;
constexpr std::uint64_t leaf = 0xcf;  // V R W X A D
constexpr std::uint64_t branch = 0x1;
constexpr std::uint64_t other_asid = 5;
constexpr std::uint64_t versions =
    2048;  // of a function: what fits `li` as a positive number, twice

using Page = std::array<std::uint64_t, 512>;
alignas(4096) Page root, middle, bottom;
alignas(4096) std::array<std::array<std::array<Page, frames>, pages>, stress_harts> memory;

/// li a0, version; ret. A line of its own.
struct alignas(64) Function {
    std::uint32_t load, ret;
};
std::array<Function, stress_harts> functions;

/// What a hart must see at least, by owner.
struct alignas(64) Told {
    std::array<std::array<std::atomic<std::uint64_t>, pages>, stress_harts> page;
    std::array<std::atomic<std::uint64_t>, stress_harts> function;
};
std::array<Told, stress_harts> told;

struct alignas(64) Owned {
    std::array<std::uint64_t, pages> generation{};
    std::uint64_t version = 0;
};
std::array<Owned, stress_harts> owned;
std::array<std::uint64_t, stress_harts> asids;
Harts all = 0;

std::uint64_t pte(const void* page, std::uint64_t bits) {
    return reinterpret_cast<std::uint64_t>(page) >> 12 << 10 | bits;
}

std::uint64_t window_of(std::size_t owner) {
    return windows_base + owner * pages * 4096;
}

volatile std::uint64_t& word(std::size_t owner, std::size_t page) {
    return *reinterpret_cast<volatile std::uint64_t*>(window_of(owner) + page * 4096);
}

/// Maps page's next frame, which holds its generation.
void show_next(std::size_t owner, std::size_t page) {
    const std::uint64_t next = ++owned[owner].generation[page];
    Page& frame = memory[owner][page][next % frames];
    *static_cast<volatile std::uint64_t*>(frame.data()) = next;
    static_cast<volatile std::uint64_t&>(bottom[owner * pages + page]) = pte(&frame, leaf);
}

struct Range {
    std::uint64_t start, size;
};

/// The pages exactly, from within the first to within the last, or everything, said in two ways.
Range range_of(std::uint64_t start, std::size_t count, std::uint64_t random) {
    const std::uint64_t size = count * 4096;
    switch (random % 8) {
        case 0: return {0, 0};
        case 1: return {start, ~std::uint64_t{0}};
        case 2:
        case 3: return count == 1 ? Range{start + 100, 8} : Range{start + 4095, size - 4096 - 4094};
        default: return {start, size};
    }
}

/// Harts that translate with different ASIDs need a call each.
bool fence_with_asid(Harts targets, Range range, std::uint64_t random) {
    for (const std::uint64_t asid : {std::uint64_t{0}, other_asid}) {
        Harts group = 0;
        for (Harts left = targets; left != 0; left &= left - 1) {
            const auto hart = static_cast<std::size_t>(std::countr_zero(left));
            if (asids[hart] == asid) group |= Harts{1} << hart;
        }
        if (group == 0) continue;
        const auto [mask, base] = mask_of(group, random);
        if (!sbi_call(SbiExtension::rfence, SbiRfence::remote_sfence_vma_asid, mask, base,
                      range.start, range.size, asid)
                 .ok())
            return false;
    }
    return true;
}

bool fence(Harts targets, Range range, std::uint64_t random) {
    if ((random & 1) != 0) return fence_with_asid(targets, range, random >> 1);
    const auto [mask, base] = mask_of(targets, random >> 1);
    return sbi_call(SbiExtension::rfence, SbiRfence::remote_sfence_vma, mask, base, range.start,
                    range.size)
        .ok();
}

/// Calls the function of `owner`: its version.
std::uint64_t call(std::size_t owner) {
    return reinterpret_cast<std::uint64_t (*)()>(&functions[owner])();
}

void write_version(std::size_t owner, std::uint64_t version) {
    const auto immediate = static_cast<std::uint32_t>(version % versions);
    static_cast<volatile std::uint32_t&>(functions[owner].load) = 0x0000'0513 | immediate << 20;
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

bool look_at(std::size_t self, std::size_t owner, Stale& stale) {
    for (std::size_t page = 0; page < pages; ++page) {
        const std::uint64_t published = told[self].page[owner][page];
        const std::uint64_t seen = word(owner, page);
        if (seen < published) {
            stale = {"a stale translation", owner, page, seen, published};
            return false;
        }
    }
    const std::uint64_t published = told[self].function[owner];
    const std::uint64_t seen = call(owner);
    if ((seen - published) % versions < versions / 2) return true;
    stale = {"a stale instruction", owner, 0, seen, published % versions};
    return false;
}

}  // namespace

HartMask mask_of(Harts harts, std::uint64_t random) {
    if (harts == all && (random & 1) != 0) return {random, ~std::uint64_t{0}};
    if (harts == 0) return {0, 0};
    const auto lowest = static_cast<std::uint64_t>(std::countr_zero(harts));
    const std::uint64_t base = (random >> 1) % (lowest + 1);
    return {harts >> base, base};
}

void make_views(std::size_t hart_count) {
    all = (Harts{1} << hart_count) - 1;
    root[0] = leaf;  // devices, and RAM, where they are
    root[1] = pte(&middle, branch);
    root[2] = pte(reinterpret_cast<const void*>(0x8000'0000), leaf);
    middle[0] = pte(&bottom, branch);
    for (std::size_t owner = 0; owner < hart_count; ++owner) {
        for (std::size_t page = 0; page < pages; ++page)
            bottom[owner * pages + page] = pte(&memory[owner][page][0], leaf);
        functions[owner].ret = 0x0000'8067;
        write_version(owner, 0);
    }
    asm volatile("fence.i" : : : "memory");
}

void enter_views(std::size_t self) {
    const std::uint64_t asid = (self & 1) != 0 ? other_asid : 0;
    csr_write<Csr::satp>(std::uint64_t{8} << 60 | asid << 44 |
                         reinterpret_cast<std::uint64_t>(&root) >> 12);
    asids[self] = csr_read<Csr::satp>() >> 44 & 0xffff;
    asm volatile("sfence.vma\n fence.i" : : : "memory");
}

bool move_pages(std::size_t self, Harts targets, std::uint64_t random) {
    const std::size_t first = random % pages;
    const std::size_t count = (random >> 3 & 1) != 0 ? 1 : 1 + (random >> 4) % (pages - first);
    for (std::size_t page = first; page < first + count; ++page)
        show_next(self, page);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const Range range = range_of(window_of(self) + first * 4096, count, random >> 8);
    if (!fence(targets, range, random >> 11)) return false;
    for (Harts left = targets; left != 0; left &= left - 1) {
        Told& hart = told[static_cast<std::size_t>(std::countr_zero(left))];
        for (std::size_t page = first; page < first + count; ++page)
            hart.page[self][page] = owned[self].generation[page];
    }
    return true;
}

bool rewrite_function(std::size_t self) {
    const std::uint64_t version = ++owned[self].version;
    write_version(self, version);
    const auto [mask, base] = mask_of(all, version);
    if (!sbi_call(SbiExtension::rfence, SbiRfence::remote_fence_i, mask, base).ok()) return false;
    write_version(self, version);  // once more, for QEMU: see rewrite_function's declaration
    for (Harts left = all; left != 0; left &= left - 1)
        told[static_cast<std::size_t>(std::countr_zero(left))].function[self] = version;
    return true;
}

bool look(std::size_t self, Stale& stale) {
    for (Harts left = all; left != 0; left &= left - 1) {
        if (!look_at(self, static_cast<std::size_t>(std::countr_zero(left)), stale)) return false;
    }
    return true;
}

}  // namespace cairn::guest
