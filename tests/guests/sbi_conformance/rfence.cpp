// SPDX-License-Identifier: MIT
// "RFENCE Extension": a hart that reads a page through its own translations must not see the page's
// old frame after a fence, nor run the old instructions. (Emulators may forget more than they must,
// so that this shows a fence that is missing only where one is needed.)
#include "tests/guests/sbi_conformance/suite.hpp"

namespace cairn::guest::conformance {
namespace {

using Page = std::array<std::uint64_t, 512>;
constexpr std::size_t pages = 8;
alignas(4096) std::array<std::array<Page, pages>, 2> frames;
alignas(64) std::array<std::uint32_t, 2> code;  // li a0, generation; ret
std::uint64_t asid = 0;
std::atomic<bool> watching = false;
std::atomic<std::uint64_t> seen_generation = 0;  ///< of all pages, or 0 where they differ
std::atomic<std::uint64_t> seen_code = 0;
std::atomic<std::uint64_t> looks = 0;

template <class... Arguments>
SbiResult fence(SbiRfence function, Arguments... arguments) {
    return call(SbiExtension::rfence, function, arguments...);
}

std::uint64_t read_window(std::size_t page) {
    return *reinterpret_cast<volatile std::uint64_t*>(window_base + page * 4096);
}

/// Looks at the pages and runs the code all the time, without leaving the guest.
void watch() {
    turn_paging_on(asid);
    do {
        std::uint64_t generation = read_window(0);
        for (std::size_t page = 1; page < pages; ++page) {
            if (read_window(page) != generation) generation = 0;
        }
        seen_generation = generation;
        seen_code = reinterpret_cast<std::uint64_t (*)()>(code.data())();
        ++looks;
    } while (watching);
    csr_write<Csr::satp>(0);
    asm volatile("sfence.vma" : : : "memory");
}

/// Until the hart has looked once more, from begin to end.
bool has_looked() {
    const std::uint64_t before = looks;
    return eventually([&] { return looks >= before + 2; });
}

void write_code(std::uint64_t generation) {
    volatile std::uint32_t* const place = code.data();
    place[1] = 0x0000'8067;                                                 // ret
    place[0] = 0x0000'0513 | static_cast<std::uint32_t>(generation << 20);  // li a0, generation
    asm volatile("fence rw, rw" : : : "memory");
}

/// Shows another generation in the first `count` pages of the window; all of them without.
void change_pages(std::uint64_t generation) {
    auto& set = frames[generation & 1];
    for (std::size_t page = 0; page < pages; ++page) {
        set[page][0] = generation;
        map(page, &set[page]);
    }
    asm volatile("fence rw, rw" : : : "memory");
}

struct Range {
    std::string_view when;
    std::uint64_t start, size;
};
/// All of these cover the window's pages.
constexpr Range ranges[]{
    {"start and size 0: everything", 0, 0},
    {"size -1: everything", window_base, all_ones},
    {"start 0, size -1: everything", 0, all_ones},
    {"the pages", window_base, pages * 4096},
    {"from within the first to within the last", window_base + 4095, (pages - 2) * 4096 + 2},
    {"half of all addresses", 0, std::uint64_t{1} << 63},
};

void check_effect(std::size_t target) {
    std::uint64_t generation = 1;
    const std::uint64_t bit = std::uint64_t{1} << target;
    asid = 0;
    change_pages(generation);
    write_code(generation);
    watching = true;
    begin_job(target, watch);
    check("RFENCE", "the other hart looks", has_looked());
    for (const Range& range : ranges) {
        change_pages(++generation);
        check_success("RFENCE remote_sfence_vma", range.when,
                      fence(SbiRfence::remote_sfence_vma, bit, 0, range.start, range.size));
        check("RFENCE remote_sfence_vma", "the other hart looks", has_looked());
        check_value("RFENCE remote_sfence_vma", range.when, seen_generation, generation);
        change_pages(++generation);
        check_success(
            "RFENCE remote_sfence_vma_asid", range.when,
            fence(SbiRfence::remote_sfence_vma_asid, 1, target, range.start, range.size, asid));
        check("RFENCE remote_sfence_vma_asid", "the other hart looks", has_looked());
        check_value("RFENCE remote_sfence_vma_asid", range.when, seen_generation, generation);
        write_code(generation);
        check_success("RFENCE remote_fence_i", "the other hart",
                      fence(SbiRfence::remote_fence_i, bit, 0));
        write_code(generation);  // once more, for QEMU: rewrite_function of smp_views.hpp says why
        check("RFENCE remote_fence_i", "the other hart looks", has_looked());
        check_value("RFENCE remote_fence_i", "the other hart", seen_code, generation);
    }
    change_pages(++generation);  // a range of one page at a time
    for (std::size_t page = 0; page < pages; ++page)
        fence(SbiRfence::remote_sfence_vma, 0, all_ones, window_base + page * 4096, 4096);
    check("RFENCE remote_sfence_vma", "the other hart looks", has_looked());
    check_value("RFENCE remote_sfence_vma", "page by page, to all", seen_generation, generation);
    watching = false;
    check("RFENCE", "the other hart's job ends", job_is_done(target));
}

void check_with_asid(std::size_t target) {
    asid = 1;
    change_pages(1);
    watching = true;
    begin_job(target, watch);
    check("RFENCE", "the other hart looks", has_looked());
    change_pages(2);
    fence(SbiRfence::remote_sfence_vma_asid, 0, all_ones, window_base, pages * 4096, asid);
    check("RFENCE remote_sfence_vma_asid", "the other hart looks", has_looked());
    check_value("RFENCE remote_sfence_vma_asid", "of ASID 1", seen_generation, 2);
    watching = false;
    check("RFENCE", "the other hart's job ends", job_is_done(target));
}

struct Function {
    SbiRfence function;
    std::string_view name;
};
constexpr Function fences[]{
    {SbiRfence::remote_fence_i, "RFENCE remote_fence_i"},
    {SbiRfence::remote_sfence_vma, "RFENCE remote_sfence_vma"},
    {SbiRfence::remote_sfence_vma_asid, "RFENCE remote_sfence_vma_asid"},
};
constexpr Function hypervisor_fences[]{
    {SbiRfence::remote_hfence_gvma_vmid, "RFENCE remote_hfence_gvma_vmid"},
    {SbiRfence::remote_hfence_gvma, "RFENCE remote_hfence_gvma"},
    {SbiRfence::remote_hfence_vvma_asid, "RFENCE remote_hfence_vvma_asid"},
    {SbiRfence::remote_hfence_vvma, "RFENCE remote_hfence_vvma"},
};

void check_bad_harts(const Function& each, std::initializer_list<SbiError> allowed) {
    const auto refuse = [&](std::string_view when, std::uint64_t mask, std::uint64_t base) {
        check_error(each.name, when, fence(each.function, mask, base, 0u, 0u, 0u), allowed);
    };
    refuse("one hart too many", std::uint64_t{1} << world.harts, 0);
    refuse("mask -1 at base 0", all_ones, 0);
    refuse("a good and a bad hart", 3, world.harts - 1);
    refuse("base beyond the harts, bit 0", 1, beyond_all_harts);
    refuse("base -2, bit 0", 1, all_ones - 1);
}

void check_good_harts(const Function& each) {
    const auto accept = [&](std::string_view when, std::uint64_t mask, std::uint64_t base) {
        check_success(each.name, when, fence(each.function, mask, base, 0u, 0u, 0u));
    };
    accept("itself by mask", std::uint64_t{1} << world.self, 0);
    accept("itself by base", 1, world.self);
    accept("all", 0, all_ones);
    accept("all, mask ignored", all_ones, all_ones);
    accept("mask 0", 0, 0);
    accept("mask 0 at a base beyond the harts", 0, beyond_all_harts);
}

/// "start_addr or size is not valid" and "either asid ... is not valid" are for the implementation
/// to say: a range that wraps around, ASIDs that do not exist.
void check_odd_ranges() {
    const std::uint64_t self = std::uint64_t{1} << world.self;
    check_error("RFENCE remote_sfence_vma", "a range that wraps around",
                fence(SbiRfence::remote_sfence_vma, self, 0u, all_ones - 4095, 8192u),
                {SbiError::success, SbiError::invalid_address});
    constexpr Named asids[]{
        {"ASID 0xffff", 0xffff}, {"ASID 0x10000", 0x10000}, {"ASID -1", all_ones}};
    for (const auto& [when, number] : asids)
        check_error("RFENCE remote_sfence_vma_asid", when,
                    fence(SbiRfence::remote_sfence_vma_asid, self, 0u, window_base, 4096u, number),
                    {SbiError::success, SbiError::invalid_param});
}

}  // namespace

void check_rfence() {
    if (!begin_extension(SbiExtension::rfence, "RFENCE", 7)) return;
    for (const Function& each : fences) {
        check_good_harts(each);
        check_bad_harts(each, {SbiError::invalid_param});
    }
    check_odd_ranges();
    for (const Function& each : hypervisor_fences) {
        if (world.has_hypervisor) {
            check_good_harts(each);
            check_bad_harts(each, {SbiError::invalid_param, SbiError::not_supported});
        } else {  // "one of the target hart doesn't support hypervisor extension"
            check_error(each.name, "harts without H",
                        fence(each.function, 0u, all_ones, 0u, 0u, 0u), {SbiError::not_supported});
            check_bad_harts(each, {SbiError::invalid_param, SbiError::not_supported});
        }
    }
    if (world.harts < 2 || !check("RFENCE", "another hart starts", start(other(0)))) return;
    check_effect(other(0));
    check_with_asid(other(0));
    check("RFENCE", "the other hart stops", stop(other(0)));
}

}  // namespace cairn::guest::conformance
