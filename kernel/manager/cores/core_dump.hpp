// SPDX-License-Identifier: MIT
// A core of a VM on its way to one of the machine's disks, raw ELF from the first sector on
// (core_file.hpp): no hart runs the VM until it is through. It is written in pieces between guests,
// and no hart waits for the disk:
//
//     begin ──► erase the header ──► RAM, 256 KiB a piece ──► notes, headers ──► flush ──► header
//                                      │    ▲                                     ──► flush ──►
//                                      done └────┴ waits while the disk has enough to do
//
// What the disk reads is the guest's RAM itself. Under the VM table's lock, but for `completed`.
#pragma once

#include <array>
#include <atomic>
#include <expected>
#include <optional>

#include "kernel/bundle/host_disk_name.hpp"
#include "kernel/host/disks/host_disk.hpp"
#include "kernel/manager/cores/core_file.hpp"
#include "kernel/vm/memory/guest_ram.hpp"
#include "kernel/vm/vm.hpp"

namespace cairn {

enum class CoreFault : std::uint8_t {
    no_such_disk,
    no_such_partition,
    disk_taken,
    read_only,
    too_small,
    no_room,     ///< of Cairn's own memory
    disk_error,  ///< the machine's disk reports one
    abandoned,
};
[[nodiscard]] std::string_view to_string(CoreFault fault);

struct CoreResult {
    std::optional<CoreFault> fault;
    std::uint64_t bytes = 0;  ///< of the file
    std::uint64_t segments = 0;
    bool has_vmcoreinfo = false;
};

class CoreDump final : private HostDiskUser {
  public:
    struct Settings {
        HostDiskName disk;        ///< the machine's, or a part of it
        DiskRange range;          ///< of its sectors
        std::uint8_t signal = 0;  ///< what the core says has ended the VM; 0: it goes on
        std::uint32_t vector_register_bytes = 0;
        /// Set when there is something to do again.
        std::atomic<bool>* wanted = nullptr;
    };

    /// All outlive it.
    CoreDump(const Settings& settings, HostDisk& disk, Vm& vm, const GuestRam& ram);
    CoreDump(const CoreDump&) = delete;
    CoreDump& operator=(const CoreDump&) = delete;
    ~CoreDump() {
        if (is_claimed_) disk_.release(*this);
    }

    /// Claims the disk, or says why there can be no core on it.
    [[nodiscard]] std::expected<void, CoreFault> begin();
    /// A piece of it, while the VM is at rest: whether another can come at once, only when the disk
    /// has done something, or the last is through.
    enum class Step : std::uint8_t { more, waits, done };
    [[nodiscard]] Step go_on();
    /// No more pieces but for the wait for what is in flight.
    void abandon() { fail(CoreFault::abandoned); }
    /// Once it is done.
    [[nodiscard]] const CoreResult& result() const { return result_; }
    [[nodiscard]] bool is_of_crash() const { return settings_.signal != 0; }
    [[nodiscard]] HostDiskName disk() const { return settings_.disk; }

  private:
    static constexpr std::size_t most_at_once = 4;
    static constexpr std::size_t pages_of_piece = 64;
    static constexpr std::size_t sector = virtio_block::sector_size;
    static constexpr std::uint64_t ram_offset = CoreSegments::page;

    enum class Phase : std::uint8_t { erase, ram, notes, flush, header, last_flush, end };

    void completed(void* token, virtio_block::Status status) override;
    void room_again() override;
    void fail(CoreFault fault);
    [[nodiscard]] std::uint64_t room() const {
        return settings_.range.count * virtio_block::sector_size;
    }
    [[nodiscard]] bool is_idle() const { return in_flight_.load(std::memory_order_acquire) == 0; }
    [[nodiscard]] Step submit_header(Phase next);
    [[nodiscard]] Step send_header();
    [[nodiscard]] Step flush(Phase next);
    [[nodiscard]] Step take_ram();
    [[nodiscard]] bool take_page(const GuestRam::View& view);
    [[nodiscard]] Step send_ram();
    [[nodiscard]] bool make_notes();
    [[nodiscard]] Step send_notes();
    [[nodiscard]] bool submit(virtio_block::RequestType type, std::uint64_t offset,
                              std::span<const std::span<std::byte>> buffers);
    void go_to(Phase phase) { phase_ = phase; }

    const Settings settings_;
    HostDisk& disk_;
    Vm& vm_;
    const GuestRam& ram_;
    RamHold hold_;  ///< what is on its way to the disk stays where it is
    bool is_claimed_ = false;
    Phase phase_ = Phase::erase;
    CoreSegments segments_;
    /// What of RAM is to be sent next, at `buffers_offset_` of the file.
    static_vector<std::span<std::byte>, pages_of_piece> buffers_;
    std::uint64_t buffers_offset_ = ram_offset;
    std::optional<GuestPhys> vmcoreinfo_;
    CoreBytes notes_;
    std::uint64_t notes_size_ = 0;
    std::size_t program_headers_ = 0;
    std::uint64_t program_header_offset_ = 0;
    alignas(16) std::array<std::byte, sector> header_{};
    std::atomic<unsigned> in_flight_ = 0;
    std::atomic<bool> has_error_ = false;
    CoreResult result_;
};

}  // namespace cairn
