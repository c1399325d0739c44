// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
// The command that shows Cairn's own memory: figures and whose it is, or a map.
#include <algorithm>
#include <array>

#include <cairn/global_heap.hpp>
#include <cairn/print.hpp>
#include "kernel/manager/commands/command_rows.hpp"
#include "kernel/manager/commands/heap_map.hpp"

namespace cairn {
namespace {

constexpr std::array<Column, 9> heap_columns{{{"window", Look::size},
                                              {"taken", Look::size},
                                              {"live", Look::size},
                                              {"cached", Look::size},
                                              {"free", Look::size},
                                              {"largest_free", Look::size, 0, "in one piece"},
                                              {"peak", Look::size},
                                              {"failures", Look::number},
                                              {"sound", Look::flag}}};
constexpr RecordKind heap_kind{"heap", Arrangement::sheet, heap_columns};
constexpr std::array<Column, 6> owner_columns{{{"owner", Look::text, 20},
                                               {"live", Look::size, 10},
                                               {"peak", Look::size, 10},
                                               {"limit", Look::size, 10},
                                               {"refusals", Look::number, 8},
                                               {"leaks", Look::flag}}};
constexpr RecordKind owner_kind{"heap-owner", Arrangement::table, owner_columns};

constexpr std::array<Column, 3> map_columns{
    {{"offset", Look::address, 18}, {"letter", Look::size, 8}, {"letters"}}};
constexpr RecordKind map_kind{"heap-map", Arrangement::table, map_columns};

/// Calls `visit(use)` for each page of the heap's window, or of its first `end`: a piece at a time
/// under its lock, which others want.
template <class Visitor>
void for_each_page(HeapCore& core, std::size_t end, Visitor visit) {
    std::array<std::uint8_t, 512> piece;
    for (std::size_t page = 0; page < end; page += piece.size()) {
        const std::size_t count = std::min(piece.size(), end - page);
        core.lock();
        std::copy_n(core.use_map() + page, count, piece.data());
        core.unlock();
        for (const std::uint8_t use : std::span(piece).first(count))
            visit(use);
    }
}

/// Up to the last page that has been taken.
void show_map(Answer& answer) {
    HeapCore& core = global_heap().core();
    const std::size_t window = core.statistics().window / heap_page;
    std::size_t page = 0;
    std::size_t end = 0;
    for_each_page(core, window, [&](std::uint8_t use) {
        ++page;
        if (static_cast<PageUse>(use) != PageUse::foreign) end = page;
    });
    HeapMap map(end);
    const std::size_t letter = map.map().things_of_letter() * heap_page;
    std::uint64_t offset = 0;
    const auto show = [&] {
        answer.show(map_kind, {offset, letter, map.line()});
        offset += LetterMap::width * letter;
    };
    answer.remark(HeapMap::legend);
    for_each_page(core, end, [&](std::uint8_t use) {
        if (map.take(use)) show();
    });
    if (map.finish()) show();
}

}  // namespace

/// What VMs have is theirs; what is left of the heap is the kernel's. It is walked through whole.
void show_heap(Session& session, const CommandLine& line, Answer& answer) {
    if (line.arguments() != 0) {
        if (line.argument(0) == "map") return show_map(answer);
        return answer.refuse(line.argument(0), "write heap, or heap map");
    }
    const HeapStatistics figures = global_heap().core().statistics();
    answer.show(heap_kind, {figures.window, figures.grown, figures.live, figures.cached,
                            figures.free, figures.largest_free, figures.peak, figures.failures,
                            static_cast<unsigned>(global_heap().core().check())});
    session.vms.visit([&](const ManagedVm& vm) {
        const QuotaAccount& account = vm.account();
        const bool leaks = vm.built() == nullptr && account.live() != 0;
        answer.show(owner_kind, {vm.name(), account.live(), account.peak(), account.limit(),
                                 account.refusals(), static_cast<unsigned>(leaks)});
    });
}

}  // namespace cairn
