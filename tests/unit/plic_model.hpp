// SPDX-License-Identifier: MIT
// The PLIC specification read out aloud, with no thought of speed: one flag per fact, every answer
// found by searching everything. The emulated PLIC is compared with it, in unit tests and fuzzers.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/dev/plic.hpp"

namespace cairn::test {

class PlicModel {
  public:
    explicit PlicModel(PlicConfig config) : config_(config) {}

    void drive(std::uint32_t id, bool asserted) {
        sources_[id].level = asserted;
        forward(id);
    }

    [[nodiscard]] bool line(std::uint32_t context) const {
        for (std::uint32_t id = 1; id <= config_.sources; ++id) {
            const Source& source = sources_[id];
            if (source.pending && enabled_[context][id] && source.priority > threshold_[context]) {
                return true;
            }
        }
        return false;
    }

    std::uint32_t read(std::uint64_t offset) {
        for (std::uint32_t id = 1; id <= config_.sources; ++id) {
            if (offset == plic::priority(id)) return sources_[id].priority;
        }
        for (std::uint32_t first = 0; first < plic::source_limit; first += 32) {
            if (offset == plic::pending(first)) {
                return gather(first, [&](std::uint32_t id) { return sources_[id].pending; });
            }
            for (std::uint32_t context = 0; context < config_.contexts; ++context) {
                if (offset != plic::enable(context, first)) continue;
                return gather(first, [&](std::uint32_t id) { return enabled_[context][id]; });
            }
        }
        for (std::uint32_t context = 0; context < config_.contexts; ++context) {
            if (offset == plic::threshold(context)) return threshold_[context];
            if (offset == plic::claim(context)) return claim(context);
        }
        return 0;
    }

    void write(std::uint64_t offset, std::uint32_t value) {
        for (std::uint32_t id = 1; id <= config_.sources; ++id) {
            if (offset == plic::priority(id)) sources_[id].priority = value % 8;
        }
        for (std::uint32_t context = 0; context < config_.contexts; ++context) {
            for (std::uint32_t id = 1; id <= config_.sources; ++id) {
                if (offset == plic::enable(context, id)) {
                    enabled_[context][id] = (value >> id % 32 & 1) != 0;
                }
            }
            if (offset == plic::threshold(context)) threshold_[context] = value % 8;
            if (offset == plic::claim(context)) complete(context, value);
        }
    }

    std::uint32_t claim(std::uint32_t context) {
        std::uint32_t best = 0;
        for (std::uint32_t id = config_.sources; id >= 1; --id) {
            const Source& source = sources_[id];
            if (!source.pending || !enabled_[context][id] || source.priority == 0) continue;
            if (best == 0 || source.priority >= sources_[best].priority) best = id;
        }
        if (best == 0) return 0;
        sources_[best].pending = false;
        sources_[best].gateway_shut = true;
        return best;
    }

    void complete(std::uint32_t context, std::uint32_t id) {
        if (id == 0 || id > config_.sources || !enabled_[context][id]) return;
        sources_[id].gateway_shut = false;
        forward(id);
    }

  private:
    struct Source {
        bool level = false;
        bool pending = false;
        bool gateway_shut = false;  ///< from claim to completion
        std::uint32_t priority = 0;
    };

    void forward(std::uint32_t id) {
        Source& source = sources_[id];
        if (source.level && !source.gateway_shut) source.pending = true;
    }

    template <class Predicate>
    std::uint32_t gather(std::uint32_t first, Predicate predicate) const {
        std::uint32_t word = 0;
        for (std::uint32_t id = first; id < first + 32 && id <= config_.sources; ++id) {
            if (id != 0 && predicate(id)) word |= 1u << (id - first);
        }
        return word;
    }

    PlicConfig config_;
    std::array<Source, Plic::max_sources + 1> sources_{};
    std::array<std::array<bool, Plic::max_sources + 1>, Plic::max_contexts> enabled_{};
    std::array<std::uint32_t, Plic::max_contexts> threshold_{};
};

}  // namespace cairn::test
