// SPDX-License-Identifier: MIT
#include "kernel/dev/plic.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <cairn/bits.hpp>
#include <cairn/fdt_writer.hpp>
#include <cairn/panic.hpp>

namespace cairn {

using namespace std::string_view_literals;

Plic::Plic(PlicConfig config) : config_(config) {
    require(config.sources <= max_sources, "PLIC: more sources than supported");
    require(config.contexts <= max_contexts, "PLIC: more contexts than supported");
    for (std::uint32_t id = 1; id <= config_.sources; ++id) {
        sources_[id].owner = this;
        sources_[id].id = id;
    }
}

void Plic::connect(std::uint32_t context, InterruptLine& line) {
    require(context < config_.contexts, "PLIC: no such context to connect");
    contexts_[context].line = &line;
    line.set((asserted_ >> context & 1) != 0);
}

InterruptLine& Plic::source(std::uint32_t id) {
    require(id >= 1 && id <= config_.sources, "PLIC: no such interrupt source");
    return sources_[id];
}

void Plic::reset() {
    state_ = {};
    for (Context& context : contexts_) {
        context.enabled = {};
        context.threshold = 0;
        context.best = 0;
    }
    update_all(asserted_);
    state_.pending = level_;  // enabled nowhere yet
    show_all_enabled();
}

// The gateway: one request at a time, and the wire counts again after completion.

void Plic::drive(std::uint32_t id, bool asserted) {
    if (!asserted) {
        level_.erase(id);
        return;
    }
    level_.insert(id);
    if (!state_.claimed.test(id)) pend(id);
}

/// Forwards a request of source `id`; it can only raise lines, so nothing is searched.
void Plic::pend(std::uint32_t id) {
    if (state_.pending.test(id)) return;
    state_.pending.insert(id);
    offer_to_all(id);
}

void Plic::offer_to_all(std::uint32_t id) {
    for (std::uint64_t left = state_.enabled_by[id]; left != 0; left &= left - 1) {
        offer(id, static_cast<std::uint32_t>(std::countr_zero(left)));
    }
}

/// Source `id` pends, and `context` enables it.
void Plic::offer(std::uint32_t id, std::uint32_t context) {
    Context& target = contexts_[context];
    const std::uint8_t priority = state_.priority[id];
    const std::uint8_t highest = state_.priority[target.best & max_sources];
    if (priority > highest || (priority == highest && id < target.best)) {
        target.best = static_cast<std::uint8_t>(id);
    }
    if (priority > target.threshold) set_line(context, true);
}

/// The source that `context` would claim, or 0: the highest priority, then the lowest id. Few
/// sources pend at once, so the walk over set bits is one step, seldom more.
std::uint32_t Plic::best(const Context& context) const {
    std::uint32_t winner = 0;
    std::uint8_t highest = 0;
    for (std::size_t word = 0; word < words; ++word) {
        std::uint64_t left = state_.pending.bits[word] & context.enabled.bits[word];
        for (; left != 0; left &= left - 1) {
            const auto id = static_cast<std::uint32_t>(
                word * 64 + static_cast<std::size_t>(std::countr_zero(left)));
            if (state_.priority[id] > highest) {
                highest = state_.priority[id];
                winner = id;
            }
        }
    }
    return winner;
}

void Plic::update(std::uint32_t context) {
    Context& target = contexts_[context];
    const std::uint32_t id = best(target);
    target.best = static_cast<std::uint8_t>(id);
    set_line(context, state_.priority[id] > target.threshold);
}

void Plic::update_all(std::uint64_t contexts) {
    for (std::uint64_t left = contexts; left != 0; left &= left - 1) {
        update(static_cast<std::uint32_t>(std::countr_zero(left)));
    }
}

void Plic::set_line(std::uint32_t context, bool asserted) {
    if (((asserted_ & bit(context)) != 0) == asserted) return;
    asserted_ ^= bit(context);
    if (InterruptLine* line = contexts_[context].line) line->set(asserted);
}

// The usual case, nothing else pending and no other context concerned, is short: guests claim and
// complete once an interrupt.

std::uint32_t Plic::claim(std::uint32_t context) {
    if (context >= config_.contexts) return 0;
    Context& target = contexts_[context & (max_contexts - 1)];
    const std::uint32_t id = target.best & max_sources;
    if (id == 0) return 0;
    state_.pending.erase(id);
    state_.claimed.insert(id);
    const std::uint64_t concerned = state_.enabled_by[id];
    if (state_.pending.empty() && concerned == bit(context)) [[likely]] {
        target.best = 0;
        set_line(context, false);
    } else {
        update_all(concerned);
    }
    return id;
}

void Plic::complete(std::uint32_t context, std::uint32_t id) {
    if (context >= config_.contexts || id == 0 || id > config_.sources) return;
    id &= max_sources;
    if (!contexts_[context & (max_contexts - 1)].enabled.test(id)) return;
    state_.claimed.erase(id);
    if (!level_.test(id) || state_.pending.test(id)) return;  // pends already if it was not claimed
    state_.pending.insert(id);
    if (state_.enabled_by[id] == bit(context)) [[likely]] {
        offer(id, context & (max_contexts - 1));
    } else {
        offer_to_all(id);
    }
}

// The registers.

namespace {

/// The context whose claim/complete register lies at `offset`; too high a number where none does.
constexpr std::uint64_t claim_context(std::uint64_t offset) {
    return std::rotr(offset - plic::claim(0), std::countr_zero(plic::context_stride));
}
static_assert(claim_context(plic::claim(0)) == 0 && claim_context(plic::claim(63)) == 63);
static_assert(claim_context(plic::threshold(1)) > Plic::max_contexts &&
              claim_context(plic::enable(1, 1)) > Plic::max_contexts &&
              claim_context(plic::claim(1) + 1) > Plic::max_contexts);

}  // namespace

std::expected<std::uint64_t, BusError> Plic::read(std::uint64_t offset, AccessWidth width) {
    const std::uint64_t id = offset / 4;
    if (width == AccessWidth::word) {
        if (offset % 4 == 0 && id <= max_sources) return state_.priority[id];
        const std::uint64_t context = claim_context(offset);
        if (context < max_contexts) [[clang::musttail]]
            return read_claim(context, width);
    }
    [[clang::musttail]] return read_any(offset, width);
}

std::expected<void, BusError> Plic::write(std::uint64_t offset, AccessWidth width,
                                          std::uint64_t value) {
    const std::uint64_t id = offset / 4;
    if (width == AccessWidth::word) {
        if (offset % 4 == 0 && id <= max_sources && id != 0 && id <= config_.sources &&
            !state_.pending.test(static_cast<std::uint32_t>(id))) {
            state_.priority[id] = value & max_priority;
            return {};
        }
        const std::uint64_t context = claim_context(offset);
        if (context < max_contexts) [[clang::musttail]]
            return write_complete(context, width, value);
    }
    [[clang::musttail]] return write_any(offset, width, value);
}

std::expected<std::uint64_t, BusError> Plic::read_claim(std::uint64_t context,
                                                        AccessWidth /*width*/) {
    return claim(static_cast<std::uint32_t>(context));
}

std::expected<void, BusError> Plic::write_complete(std::uint64_t context, AccessWidth /*width*/,
                                                   std::uint64_t value) {
    complete(static_cast<std::uint32_t>(context), static_cast<std::uint32_t>(value));
    return {};
}

std::expected<std::uint64_t, BusError> Plic::read_any(std::uint64_t offset, AccessWidth width) {
    if (width != AccessWidth::word || !is_aligned(offset, std::uint64_t{4})) {
        return std::unexpected(BusError::width);
    }
    return read_register(offset);
}

std::expected<void, BusError> Plic::write_any(std::uint64_t offset, AccessWidth width,
                                              std::uint64_t value) {
    if (width != AccessWidth::word || !is_aligned(offset, std::uint64_t{4})) {
        return std::unexpected(BusError::width);
    }
    write_register(offset, static_cast<std::uint32_t>(value));
    return {};
}

namespace {

enum class Block : std::uint8_t { priority, pending, enable, threshold, reserved };

/// Which register an offset means, of those that are not claim/complete: `major` is a context (or
/// 0), `minor` a source id or the index of a 32-bit word of source bits.
struct Place {
    Block block = Block::reserved;
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
};

constexpr std::uint32_t quotient(std::uint64_t distance, std::uint64_t stride) {
    return static_cast<std::uint32_t>(distance / stride);
}

constexpr Place context_place(std::uint64_t distance) {
    const std::uint32_t context = quotient(distance, plic::context_stride);
    if (distance % plic::context_stride != plic::threshold_offset) return {};
    return {Block::threshold, context, 0};
}

constexpr Place decode(std::uint64_t offset, PlicConfig config) {
    Place place{};
    if (offset >= plic::block_end) return {};
    if (offset >= plic::context_base) {
        place = context_place(offset - plic::context_base);
    } else if (offset >= plic::enable_base) {
        const std::uint64_t distance = offset - plic::enable_base;
        place = {Block::enable, quotient(distance, plic::enable_stride),
                 quotient(distance % plic::enable_stride, 4)};
    } else if (offset >= plic::pending_base) {
        place = {Block::pending, 0, quotient(offset - plic::pending_base, 4)};
    } else {
        place = {Block::priority, 0, quotient(offset - plic::priority_base, 4)};
    }
    const bool by_source = place.block == Block::priority;
    const std::uint32_t last = by_source ? config.sources : config.sources / 32;
    const bool by_context = place.block != Block::priority && place.block != Block::pending;
    if (place.minor > last || (by_context && place.major >= config.contexts)) return {};
    return place;
}

}  // namespace

std::uint32_t Plic::read_register(std::uint64_t offset) {
    const Place place = decode(offset, config_);
    switch (place.block) {
        case Block::priority: return state_.priority[place.minor];
        case Block::pending: return state_.pending.word32(place.minor);
        case Block::enable: return contexts_[place.major].enabled.word32(place.minor);
        case Block::threshold: return contexts_[place.major].threshold;
        case Block::reserved: return 0;
    }
    std::unreachable();
}

void Plic::write_register(std::uint64_t offset, std::uint32_t value) {
    const Place place = decode(offset, config_);
    switch (place.block) {
        case Block::priority: write_priority(place.minor, value); return;
        case Block::pending: return;
        case Block::enable: write_enable(place.major, place.minor, value); return;
        case Block::threshold:
            contexts_[place.major].threshold = value & max_priority;
            update(place.major);
            return;
        case Block::reserved: return;
    }
    std::unreachable();
}

void Plic::write_priority(std::uint32_t id, std::uint32_t value) {
    if (id == 0) return;
    state_.priority[id] = value & max_priority;
    if (state_.pending.test(id)) update_all(state_.enabled_by[id]);
}

/// The bits of word `index` that stand for a source.
std::uint32_t Plic::implemented(std::uint32_t index) const {
    const std::uint32_t first = index * 32;
    const std::uint32_t count = std::min(config_.sources + 1 - first, 32u);
    const std::uint32_t bits = count == 32 ? ~0u : (1u << count) - 1;
    return index == 0 ? bits & ~1u : bits;
}

void Plic::write_enable(std::uint32_t context, std::uint32_t index, std::uint32_t value) {
    SourceSet& enabled = contexts_[context].enabled;
    const std::uint32_t changed = (enabled.word32(index) ^ value) & implemented(index);
    for (std::uint32_t left = changed; left != 0; left &= left - 1) {
        const std::uint32_t id = index * 32 + static_cast<std::uint32_t>(std::countr_zero(left));
        state_.enabled_by[id] ^= std::uint64_t{1} << context;
    }
    enabled.bits[index / 2] ^= std::uint64_t{changed} << (index % 2 * 32);
    show_enabled(context, index);
    if (changed != 0) update(context);
}

void Plic::show_enabled(std::uint32_t context, std::uint32_t index) const {
    const std::uint64_t at = context * plic::enable_stride + index * sizeof(std::uint32_t);
    shown_[at / RegisterPage::bytes].put(at % RegisterPage::bytes,
                                         contexts_[context].enabled.word32(index));
}

// The node.

void Plic::describe(FdtWriter& node, const TreePhandles& handles) const {
    constexpr std::uint32_t no_interrupt = 0xffff'ffff;
    constexpr std::uint32_t supervisor_external = 9;  // privileged specification, scause
    node.property_u32("#address-cells"sv, 0);
    node.property_u32("#interrupt-cells"sv, 1);
    node.property_empty("interrupt-controller"sv);
    node.begin_property("interrupts-extended"sv);
    for (std::uint32_t hart = 0; hart < handles.cpus; ++hart) {
        for (const std::uint32_t cause : {no_interrupt, supervisor_external}) {
            node.append_u32(handles.hart(hart));
            node.append_u32(cause);
        }
    }
    node.property_u32("riscv,ndev"sv, config_.sources);
    node.property_u32("phandle"sv, handles.interrupt_controller());
}

/// One cell: all sources are level-sensitive, which the binding does not say.
void Plic::describe_source(FdtWriter& node, const TreePhandles& handles, std::uint32_t id) const {
    node.property_u32("interrupt-parent"sv, handles.interrupt_controller());
    node.property_u32("interrupts"sv, id);
}

}  // namespace cairn
