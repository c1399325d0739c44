// SPDX-License-Identifier: MIT
#include "cairn/heap/wrapper/block_ledger.hpp"

#include <algorithm>

#include "cairn/print.hpp"

namespace cairn {
namespace {

void count_in(BlockCounts& counts, std::size_t size) {
    ++counts.live_blocks;
    ++counts.ever_blocks;
    counts.live_bytes += size;
    counts.peak_bytes = std::max(counts.peak_bytes, counts.live_bytes);
}

void count_out(BlockCounts& counts, std::size_t size) {
    --counts.live_blocks;
    counts.live_bytes -= size;
}

void count_resized(BlockCounts& counts, std::size_t old_size, std::size_t new_size) {
    counts.live_bytes = counts.live_bytes - old_size + new_size;
    counts.peak_bytes = std::max(counts.peak_bytes, counts.live_bytes);
}

void write_counts(Writer& writer, const BlockCounts& counts) {
    println(writer, "{} block{}, {} bytes live; {} bytes at most, {} block{} ever",
            counts.live_blocks, counts.live_blocks == 1 ? "" : "s", counts.live_bytes,
            counts.peak_bytes, counts.ever_blocks, counts.ever_blocks == 1 ? "" : "s");
}

}  // namespace

void BlockLedger::add(BlockTag& tag) {
    const SpinGuard guard(lock_);
    BlockTag** last = &tags_;
    while (*last != nullptr)
        last = &(*last)->next;
    *last = &tag;
}

void BlockLedger::remove(BlockTag& tag) {
    const SpinGuard guard(lock_);
    BlockTag** place = &tags_;
    while (*place != &tag)
        place = &(*place)->next;
    *place = tag.next;
    if (tag.counts.live_blocks == 0) return;
    for (std::byte* block = newest_; block != nullptr;) {
        Header& header = Header::before(block);
        if (!header.seal_is_right()) break;
        if (header.contents().tag == &tag) {
            header.change([&](TrackedBlock& entry) { entry.tag = &ended_; });
            count_in(ended_.counts, header.contents().size);
        }
        block = header.contents().older;
    }
}

void BlockLedger::enter(std::byte* block, Layout layout, BlockTag& tag) {
    const SpinGuard guard(lock_);
    count_in(tag.counts, layout.size);
    count_in(all_, layout.size);
    Header::open(block, {.older = newest_,
                         .newer = nullptr,
                         .tag = &tag,
                         .size = layout.size,
                         .alignment = layout.alignment,
                         .number = all_.ever_blocks});
    if (newest_ != nullptr) {
        Header::before(newest_).change([&](TrackedBlock& entry) { entry.newer = block; });
    }
    newest_ = block;
}

std::optional<Layout> BlockLedger::find(const std::byte* block, std::optional<Layout> claimed) {
    Judgement judgement;
    {
        const SpinGuard guard(lock_);
        judgement = judge(block, claimed);
    }
    if (!judgement.fault) return judgement.layout;
    hook_(*judgement.fault);
    return std::nullopt;
}

std::optional<Layout> BlockLedger::leave(std::byte* block, std::optional<Layout> claimed) {
    Judgement judgement;
    {
        const SpinGuard guard(lock_);
        judgement = judge(block, claimed);
        if (!judgement.fault) {
            Header& header = Header::before(block);
            unlink(header.contents());
            header.close();
        }
    }
    if (!judgement.fault) return judgement.layout;
    hook_(*judgement.fault);
    return std::nullopt;
}

void BlockLedger::resize(std::byte* block, std::size_t new_size) {
    const SpinGuard guard(lock_);
    Header& header = Header::before(block);
    const std::size_t old_size = header.contents().size;
    BlockTag* const tag = header.contents().tag;
    count_resized(knows(tag) ? tag->counts : ended_.counts, old_size, new_size);
    count_resized(all_, old_size, new_size);
    header.change([=](TrackedBlock& entry) { entry.size = new_size; });
}

void BlockLedger::report_fault(HeapFaultKind kind, const void* address) const {
    hook_({.kind = kind, .address = address, .size = 0, .owner = name_});
}

/// A tag that has ended is not looked into, though a freed or damaged block may still name it.
bool BlockLedger::knows(const BlockTag* tag) const {
    const BlockTag* each = tags_;
    while (each != nullptr && each != tag)
        each = each->next;
    return each != nullptr;
}

BlockLedger::Judgement BlockLedger::judge(const std::byte* block,
                                          std::optional<Layout> claimed) const {
    const auto fault = [&](HeapFaultKind kind, std::size_t size = 0, std::string_view owner = {}) {
        return Judgement{HeapFault{kind, block, size, owner.empty() ? name_ : owner}, {}};
    };
    if (reinterpret_cast<std::uintptr_t>(block) % default_alignment != 0) {
        return fault(HeapFaultKind::invalid_pointer);
    }
    const Header& header = Header::before(block);
    const bool readable = header.seal_is_right();
    const TrackedBlock& entry = header.contents();
    const std::size_t size = readable ? entry.size : 0;
    const std::string_view owner = readable && knows(entry.tag) ? entry.tag->name : name_;
    if (const auto wrong = header.fault()) return fault(*wrong, size, owner);
    if (claimed && claimed->size != size) return fault(HeapFaultKind::wrong_size, size, owner);
    if (claimed && claimed->alignment != entry.alignment) {
        return fault(HeapFaultKind::wrong_alignment, size, owner);
    }
    return {std::nullopt, {size, static_cast<std::size_t>(entry.alignment)}};
}

void BlockLedger::unlink(const TrackedBlock& entry) {
    if (entry.newer == nullptr) {
        newest_ = entry.older;
    } else {
        Header::before(entry.newer).change([&](TrackedBlock& newer) { newer.older = entry.older; });
    }
    if (entry.older != nullptr) {
        Header::before(entry.older).change([&](TrackedBlock& older) { older.newer = entry.newer; });
    }
    count_out(knows(entry.tag) ? entry.tag->counts : ended_.counts, entry.size);
    count_out(all_, entry.size);
}

BlockCounts BlockLedger::counts(const BlockTag& tag) const {
    const SpinGuard guard(lock_);
    return tag.counts;
}

BlockCounts BlockLedger::counts() const {
    const SpinGuard guard(lock_);
    return all_;
}

void BlockLedger::report(Writer& writer, std::size_t blocks) const {
    constexpr unsigned patience = 1'000'000;
    for (unsigned tries = 0; tries < patience; ++tries) {
        if (!lock_.try_lock()) continue;
        write_report(writer, blocks);
        lock_.unlock();
        return;
    }
    println(writer, "ledger '{}': in use by somebody who does not let go of it", name_);
}

void BlockLedger::write_report(Writer& writer, std::size_t blocks) const {
    print(writer, "ledger '{}': ", name_);
    write_counts(writer, all_);
    for (const BlockTag* tag = tags_; tag != nullptr; tag = tag->next)
        write_tag(writer, *tag, blocks);
    if (ended_.counts.live_blocks != 0) write_tag(writer, ended_, blocks);
}

void BlockLedger::write_tag(Writer& writer, const BlockTag& tag, std::size_t blocks) const {
    print(writer, "  {}: ", tag.name);
    write_counts(writer, tag.counts);
    const std::byte* block = newest_;
    while (block != nullptr && blocks != 0) {
        const Header& header = Header::before(block);
        if (!header.seal_is_right()) {
            println(writer, "    the header of the block at {} is damaged: no more are known",
                    static_cast<const void*>(block));
            return;
        }
        const TrackedBlock& entry = header.contents();
        if (entry.tag == &tag) {
            println(writer, "    block {} at {}: {} bytes", entry.number,
                    static_cast<const void*>(block), entry.size);
            --blocks;
        }
        block = entry.older;
    }
}

}  // namespace cairn
