// SPDX-License-Identifier: MIT
// What an emulated device is: to the bus a block of registers that is read and written, to its VM
// something that can be turned off and on again, and described to the guest. Devices are pure: they
// see guest memory and interrupt lines only through interfaces, and own no locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>

#include "kernel/dev/tree_phandles.hpp"

namespace cairn {

class FdtWriter;

/// Width of one access in bytes.
enum class AccessWidth : std::uint8_t { byte = 1, half = 2, word = 4, dword = 8 };

/// Why an access reached no register; the guest gets an access fault.
enum class BusError : std::uint8_t {
    unmapped,   ///< no device claims the address
    width,      ///< the device has no access of this width there
    straddles,  ///< the access leaves the device's block
    busy,       ///< no fault: the device has to let go of something first; the access is done again
};

/// A page of registers that a guest reads in memory, without an exit. Its device keeps it in step:
///
///     guest   load ──────────────► page ◄── put ── device ◄── exit ── store   guest
///
/// The guest's harts read it at any time; each word is whole.
class RegisterPage {
  public:
    static constexpr std::uint64_t bytes = 4096;

    /// None: what is put goes nowhere.
    constexpr RegisterPage() = default;
    /// `words` are as many as the page has, on its boundary.
    explicit constexpr RegisterPage(std::uint32_t* words) : words_(words) {}

    /// From now on `value` is read at `offset` in the page, a multiple of 4. Who reads it sees all
    /// that was written before.
    void put(std::uint64_t offset, std::uint32_t value) const {
        if (words_ != nullptr)
            std::atomic_ref(words_[offset / sizeof value]).store(value, std::memory_order_release);
    }

    /// What it was put last; 0 where there is no page.
    [[nodiscard]] std::uint32_t get(std::uint64_t offset) const {
        return words_ != nullptr ? words_[offset / sizeof *words_] : 0;
    }
    [[nodiscard]] explicit operator bool() const { return words_ != nullptr; }

  private:
    std::uint32_t* words_ = nullptr;
};

class MmioDevice {
  public:
    /// Reads `width` bytes at `offset` bytes into the block; the value is zero-extended.
    virtual std::expected<std::uint64_t, BusError> read(std::uint64_t offset,
                                                        AccessWidth width) = 0;
    /// Writes the low `width` bytes of `value` at `offset` bytes into the block.
    virtual std::expected<void, BusError> write(std::uint64_t offset, AccessWidth width,
                                                std::uint64_t value) = 0;

    /// Whether a read in the page at `page` bytes into the block does nothing, so that the guest
    /// may read all of it without the device.
    [[nodiscard]] virtual bool shows_page(std::uint64_t /*page*/) const { return false; }
    /// From now on what the guest reads in such a page is in `shown`, which stays for
    /// as long as the device, or until another is told; one that is none takes it back.
    virtual void show_page(std::uint64_t /*page*/, RegisterPage /*shown*/) {}

    /// Whether nothing of it is at the guest's memory any more but what is done under the device
    /// lock: so it is before a reset. From the first time that this is asked until then it begins
    /// nothing; where it says no, it is asked again a little later.
    [[nodiscard]] virtual bool lets_go() { return true; }
    /// Back to power-on; a device without a state has nothing to do.
    virtual void reset() {}

    /// Adds to the device's node in the guest's tree what its kind and its place do not say.
    virtual void describe(FdtWriter& /*node*/, const TreePhandles& /*handles*/) const {}
    /// Adds nodes to the root, for what is not found by the device's own node.
    virtual void describe_uses(FdtWriter& /*root*/, const TreePhandles& /*handles*/) const {}

  protected:
    ~MmioDevice() = default;
};

}  // namespace cairn
