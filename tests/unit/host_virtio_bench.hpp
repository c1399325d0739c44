// SPDX-License-Identifier: MIT
// A virtio device of the machine on the bench: one of Cairn's own emulated devices, for which the
// test program's memory is RAM. It can act as a legacy device, and each of its registers can lie.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <map>
#include <new>
#include <vector>

#include <cairn/panic.hpp>
#include "kernel/arch/devices/virtio_device.hpp"
#include "kernel/arch/devices/virtio_ring.hpp"
#include "kernel/dev/virtio/virtio_block.hpp"
#include "kernel/dev/virtio/virtio_mmio.hpp"
#include "kernel/dev/virtio/virtio_rng.hpp"
#include "kernel/host/virtio/driver_queue.hpp"
#include "kernel/host/virtio/virtio_registers.hpp"
#include "tests/unit/device_doubles.hpp"

namespace cairn::test {

/// A T below 4 GiB: legacy devices reach no further than 44 bits, which a host's heap may pass.
template <class T>
struct LowPointer {
    LowPointer() {
        void* const room = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        require(room != MAP_FAILED, "there is room below 4 GiB");
        object_ = new (room) T;
    }
    ~LowPointer() {
        object_->~T();
        munmap(object_, sizeof(T));
    }
    LowPointer(const LowPointer&) = delete;
    LowPointer& operator=(const LowPointer&) = delete;
    T& operator*() const { return *object_; }
    T* operator->() const { return object_; }

  private:
    T* object_;
};

/// Addresses are pointers.
class ProgramMemory final : public DmaMemory {
  public:
    ProgramMemory() : DmaMemory({{0}, ~std::uint64_t{0}}) {}
    bool is_ready(GuestRange) const override { return true; }
    std::span<std::byte> piece(GuestRange range) override {
        return {reinterpret_cast<std::byte*>(range.base.value), range.size};
    }
    DmaWindow window(GuestPhys /*at*/) override { return {}; }
};

class HostDevice final : public VirtioRegisters, private VirtioOwner {
  public:
    using Register = virtio_mmio::Register;

    explicit HostDevice(VirtioFunction& function, bool legacy = false)
        : legacy_(legacy), device_(function, memory_, *this) {
        device_.connect(wire);
    }

    std::uint32_t read(Register which) override {
        if (const auto lie = lies.find(which); lie != lies.end()) return lie->second;
        if (legacy_ && which == Register::version) return virtio_mmio::legacy_version;
        if (legacy_ && which == Register::queue_pfn) return pages_[selected_];
        return static_cast<std::uint32_t>(
            device_.read(static_cast<std::uint64_t>(which), AccessWidth::word).value());
    }
    void write(Register which, std::uint32_t value) override {
        writes.push_back({which, value});
        if (which == Register::queue_sel) selected_ = value;
        if (which == Register::status && value == 0) pages_.clear();
        if (legacy_ && which == Register::queue_pfn) return place(value);
        if (legacy_ && which == Register::status && (value & virtio::status::driver_ok) != 0)
            value |= virtio::status::features_ok;
        if (legacy_ && which == Register::queue_num) size_ = value;
        set(which, value);
    }
    std::uint8_t read_config(std::uint64_t at) override {
        const auto config = static_cast<std::uint64_t>(Register::config);
        return static_cast<std::uint8_t>(device_.read(config + at, AccessWidth::byte).value());
    }
    /// Work that its notifications have left.
    void work() {
        while (device_.work()) {
        }
    }
    [[nodiscard]] VirtioMmio& device() { return device_; }

    struct Write {
        Register which;
        std::uint32_t value;
        bool operator==(const Write&) const = default;
    };

    std::map<Register, std::uint32_t> lies;
    std::vector<Write> writes;
    std::vector<std::string> log;
    Wire wire;

  private:
    void want_work() override {}
    void complain(std::string_view sentence) override { log.emplace_back(sentence); }
    void set(Register which, std::uint64_t value) {
        (void)device_.write(static_cast<std::uint64_t>(which), AccessWidth::word, value);
    }
    /// Section 2.7.2 "Legacy Interfaces: A Note on Virtqueue Layout".
    void place(std::uint32_t page) {
        pages_[selected_] = page;
        const std::uint64_t base = page * DriverQueue::legacy_alignment;
        const std::uint64_t avail = base + 16ull * size_;
        const std::uint64_t used = (avail + 6 + 2ull * size_ + 4095) / 4096 * 4096;
        set(Register::driver_features_sel, 1);  // what stands for legacy here
        set(Register::driver_features, 1);
        set(Register::status, virtio::status::features_ok);
        set(Register::queue_desc_low, base & 0xffff'ffff);
        set(Register::queue_desc_high, base >> 32);
        set(Register::queue_avail_low, avail & 0xffff'ffff);
        set(Register::queue_avail_high, avail >> 32);
        set(Register::queue_used_low, used & 0xffff'ffff);
        set(Register::queue_used_high, used >> 32);
        set(Register::queue_ready, 1);
    }

    bool legacy_;
    std::map<std::uint32_t, std::uint32_t> pages_;  ///< by queue
    std::uint32_t selected_ = 0;
    std::uint32_t size_ = 0;
    ProgramMemory memory_;
    VirtioMmio device_;
};

}  // namespace cairn::test
