// SPDX-License-Identifier: MIT
// Remembers what a heap found wrong, where the default hook would panic.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cairn/heap_fault.hpp>
#include <cairn/print.hpp>

namespace cairn::tests {

class FaultLog {
  public:
    FaultLog() = default;
    FaultLog(const FaultLog&) = delete;
    FaultLog& operator=(const FaultLog&) = delete;

    [[nodiscard]] FaultHook hook() {
        return {[](void* self, const HeapFault& fault) {
                    static_cast<FaultLog*>(self)->faults_.push_back(fault);
                },
                this};
    }
    [[nodiscard]] const std::vector<HeapFault>& faults() const { return faults_; }
    [[nodiscard]] bool empty() const { return faults_.empty(); }

    /// Whether exactly this was found since the last time it was asked.
    [[nodiscard]] bool took(HeapFaultKind kind, const void* address) {
        const auto faults = std::exchange(faults_, {});
        return faults.size() == 1 && faults[0].kind == kind && faults[0].address == address;
    }

    /// As the console would show it.
    [[nodiscard]] static std::string sentence(const HeapFault& fault) {
        FixedBuffer<256> buffer;
        print(buffer, "{}", fault);
        return std::string(buffer.view());
    }

  private:
    std::vector<HeapFault> faults_;
};

}  // namespace cairn::tests
