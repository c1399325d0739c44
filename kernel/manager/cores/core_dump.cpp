// SPDX-License-Identifier: MIT
// Compiled: small. It runs for people.
#include "kernel/manager/cores/core_dump.hpp"

#include <algorithm>
#include <cstring>

namespace cairn {
namespace {

using virtio_block::RequestType;

constexpr std::uint64_t page = CoreSegments::page;

bool is_zero(const std::byte* bytes) {
    constexpr std::size_t at_once = 8;
    const auto* words = reinterpret_cast<const std::uint64_t*>(bytes);
    const auto* const end = words + page / sizeof(*words);
    for (; words != end; words += at_once) {
        std::uint64_t some = 0;
        for (std::size_t n = 0; n < at_once; ++n)
            some |= words[n];
        if (some != 0) return false;
    }
    return true;
}

/// Where zeros have to be stored that lie nowhere.
alignas(page) constinit std::array<std::byte, page> zeros{};

}  // namespace

std::string_view to_string(CoreFault fault) {
    switch (fault) {
        case CoreFault::no_such_disk: return "this machine has no such disk";
        case CoreFault::no_such_partition:
            return "that disk has no such partition, or its table cannot be read";
        case CoreFault::disk_taken: return "a VM has that disk, or another core is written to it";
        case CoreFault::read_only: return "the disk is read-only";
        case CoreFault::too_small: return "the disk is too small for what the VM has of its RAM";
        case CoreFault::no_room: return "the heap has no room for it";
        case CoreFault::disk_error: return "the disk reports an error";
        case CoreFault::abandoned: return "it was given up";
    }
    return "";
}

CoreDump::CoreDump(const Settings& settings, HostDisk& disk, Vm& vm, const GuestRam& ram)
    : settings_(settings),
      disk_(disk),
      vm_(vm),
      ram_(ram),
      hold_(vm.memory().hold()),
      segments_(vm.memory().range().base, ram_offset) {}

/// More than it may need: pages of zeros are not known yet.
std::expected<void, CoreFault> CoreDump::begin() {
    const std::uint64_t notes = most_description_note + most_vmcoreinfo +
                                vm_.cpus() * most_thread_notes(settings_.vector_register_bytes);
    if (disk_.is_read_only()) return std::unexpected(CoreFault::read_only);
    if (room() < ram_offset + ram_.present_bytes() + notes)
        return std::unexpected(CoreFault::too_small);
    if (!disk_.claim(*this, settings_.range)) return std::unexpected(CoreFault::disk_taken);
    is_claimed_ = true;
    return {};
}

/// Under the disk's lock, on any hart. The hart that it happens on looks next.
void CoreDump::completed(void* /*token*/, virtio_block::Status status) {
    if (status != virtio_block::Status::ok) has_error_.store(true, std::memory_order_relaxed);
    in_flight_.fetch_sub(1, std::memory_order_release);
    room_again();
}

void CoreDump::room_again() {
    settings_.wanted->store(true, std::memory_order_release);
    if (loaded_vcpu != nullptr) loaded_vcpu->leave_guest();
}

void CoreDump::fail(CoreFault fault) {
    if (!result_.fault) result_.fault = fault;
}

/// False where the disk has no room for it now; it says when there is some.
bool CoreDump::submit(RequestType type, std::uint64_t offset,
                      std::span<const std::span<std::byte>> buffers) {
    in_flight_.fetch_add(1, std::memory_order_relaxed);
    const bool is_taken = disk_.submit(
        *this, {.type = type, .sector = offset / sector, .buffers = buffers, .token = this});
    if (!is_taken) in_flight_.fetch_sub(1, std::memory_order_acq_rel);
    return is_taken;
}

CoreDump::Step CoreDump::go_on() {
    const bool idle = is_idle();  // before the errors of what is over then
    if (has_error_.load(std::memory_order_relaxed)) fail(CoreFault::disk_error);
    if (result_.fault || phase_ == Phase::end) return idle ? Step::done : Step::waits;
    if (phase_ != Phase::ram && !idle) return Step::waits;
    switch (phase_) {
        case Phase::erase: return submit_header(Phase::ram);
        case Phase::ram: return take_ram();
        case Phase::notes: return send_notes();
        case Phase::flush: return flush(Phase::header);
        case Phase::header: return send_header();
        case Phase::last_flush: return flush(Phase::end);
        case Phase::end: break;
    }
    return Step::done;
}

/// As it is: zeros, until it is sent.
CoreDump::Step CoreDump::submit_header(Phase next) {
    const std::array buffers{std::span<std::byte>(header_)};
    if (!submit(RequestType::out, 0, buffers)) return Step::waits;
    go_to(next);
    return Step::more;
}

CoreDump::Step CoreDump::send_header() {
    write_core_header(std::span(header_).first<core_header_size>(), program_header_offset_,
                      program_headers_);
    return submit_header(Phase::last_flush);
}

CoreDump::Step CoreDump::flush(Phase next) {
    if (!submit(RequestType::flush, 0, {})) return Step::waits;
    go_to(next);
    return Step::more;
}

/// A piece of it: what is stored of so many pages goes out as one request.
CoreDump::Step CoreDump::take_ram() {
    if (!buffers_.empty()) return send_ram();
    if (in_flight_.load(std::memory_order_acquire) >= most_at_once) return Step::waits;
    const GuestRange range = vm_.memory().range();
    buffers_offset_ = segments_.offset();
    for (std::size_t n = 0; n < pages_of_piece && segments_.next() < range.end(); ++n) {
        if (!take_page(ram_.view(segments_.next()))) {
            fail(CoreFault::no_room);
            return Step::more;
        }
    }
    if (segments_.next() >= range.end() && buffers_.empty()) go_to(Phase::notes);
    return buffers_.empty() ? Step::more : send_ram();
}

bool CoreDump::take_page(const GuestRam::View& view) {
    const bool stores_zeros = segments_.is_full();
    if (view.bytes == nullptr && !stores_zeros) return segments_.add_zeros(view.size);
    if (view.bytes != nullptr && !stores_zeros && is_zero(view.bytes))
        return segments_.add_zeros(page);
    // The disk reads what it is given to write.
    std::byte* const bytes =
        view.bytes == nullptr ? zeros.data() : const_cast<std::byte*>(view.bytes);
    if (!vmcoreinfo_ && find_vmcoreinfo({bytes, page})) vmcoreinfo_ = segments_.next();
    const bool goes_on =
        !buffers_.empty() && buffers_.back().data() + buffers_.back().size() == bytes;
    if (goes_on) {
        buffers_.back() = {buffers_.back().data(), buffers_.back().size() + page};
    } else {
        buffers_.push_back({bytes, page});
    }
    return segments_.add_stored(page);
}

CoreDump::Step CoreDump::send_ram() {
    if (segments_.offset() > room()) {
        fail(CoreFault::too_small);
        return Step::more;
    }
    if (!submit(RequestType::out, buffers_offset_, buffers_)) return Step::waits;
    buffers_.clear();
    return Step::more;
}

/// Notes, and behind them the program headers, in whole sectors.
bool CoreDump::make_notes() {
    for (std::uint32_t cpu = 0; cpu < vm_.cpus(); ++cpu) {
        const Vcpu& vcpu = vm_.vcpu(cpu);
        const CoreThread thread{.number = cpu,
                                .signal = settings_.signal,
                                .context = &vcpu.context,
                                .state = &vcpu.state(),
                                .vector_register_bytes = settings_.vector_register_bytes};
        if (!add_thread_notes(notes_, thread)) return false;
        if (cpu == 0 && !add_description_note(notes_, vcpu.state().parts.fp)) return false;
    }
    if (vmcoreinfo_) {
        const GuestRam::View view = ram_.view(*vmcoreinfo_);
        const auto note =
            view.bytes == nullptr ? std::nullopt : find_vmcoreinfo({view.bytes, page});
        if (note && !add_note(notes_, *note)) return false;
        result_.has_vmcoreinfo = note.has_value();
    }
    notes_size_ = notes_.size();
    const std::uint64_t padded = whole(notes_size_, sizeof(std::uint64_t));
    program_headers_ = segments_.all().size() + 1;
    program_header_offset_ = segments_.offset() + padded;
    if (!notes_.try_resize(padded) ||
        !add_program_headers(notes_, segments_.offset(), notes_size_, segments_))
        return false;
    result_.segments = segments_.all().size();
    result_.bytes = segments_.offset() + notes_.size();
    return notes_.try_resize(whole(notes_.size(), sector)).has_value();
}

CoreDump::Step CoreDump::send_notes() {
    if (notes_.empty() && !make_notes()) {
        fail(CoreFault::no_room);
        return Step::more;
    }
    if (segments_.offset() + notes_.size() > room()) {
        fail(CoreFault::too_small);
        return Step::more;
    }
    const std::array buffers{std::span<std::byte>(notes_.data(), notes_.size())};
    if (!submit(RequestType::out, segments_.offset(), buffers)) return Step::waits;
    go_to(Phase::flush);
    return Step::more;
}

}  // namespace cairn
