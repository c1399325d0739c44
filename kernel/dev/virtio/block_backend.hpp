// SPDX-License-Identifier: MIT
// A disk that takes its time: requests are submitted, several at once, and each is completed later,
// on any hart, in any order. What lies in its buffers is not copied: the disk reads and writes
// there until the request is completed.
//
//     device ── submit ──► backend ──► ... ──► Completion::completed
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/arch/devices/virtio_block_requests.hpp"

namespace cairn {

class BlockCompletion {
  public:
    /// The request is over, and its buffers are its owner's again. From an interrupt, or within
    /// `submit`, `look` or `carry_on`, with the backend's lock held: it may not call the backend.
    virtual void completed(virtio_block::Status status) = 0;

  protected:
    ~BlockCompletion() = default;
};

class BlockBackend {
  public:
    /// Buffers of one request, of any.
    static constexpr std::size_t most_buffers = 253;

    enum class Operation : std::uint8_t { read, write, flush, discard, write_zeroes };
    struct Request {
        Operation operation;
        std::uint64_t sector;
        /// Whole sectors within the disk, together; of reads and writes alone.
        std::span<const std::span<std::byte>> buffers;
        BlockCompletion* completion;
        std::uint32_t sectors = 0;  ///< that are discarded or zeroed
        bool unmaps = false;        ///< they may be unmapped where they are zeroed
    };

    /// In bytes: whole sectors.
    [[nodiscard]] virtual std::uint64_t size() const = 0;
    [[nodiscard]] virtual bool is_read_only() const = 0;
    /// Requests should come in multiples of these bytes.
    [[nodiscard]] virtual std::uint32_t block_size() const = 0;
    /// Buffers of one request, of this one; one of more is an error.
    [[nodiscard]] virtual std::uint32_t buffer_limit() const = 0;
    /// Of one that can be written to.
    [[nodiscard]] virtual virtio_block::ZeroingLimits zeroing_limits() const = 0;
    [[nodiscard]] virtual std::string_view id() const = 0;
    /// False where it has no room for another now: there may be some once one is completed, or
    /// its owner has the device's `room_again` called.
    [[nodiscard]] virtual bool submit(const Request& request) = 0;
    /// Completes what has ended, without its interrupt; nobody is completing any when it returns.
    virtual void look() = 0;
    /// Where none of its device's requests is in flight: whether none of its own is, and nobody is
    /// completing any. Where it says no it is asked again.
    [[nodiscard]] virtual bool lets_go() {
        look();
        return true;
    }
    /// Goes on with requests of several steps: at the begin of each turn of the device.
    virtual void carry_on() {}

  protected:
    ~BlockBackend() = default;
};

}  // namespace cairn
