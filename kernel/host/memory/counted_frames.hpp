// SPDX-License-Identifier: MIT
// Frames for one owner, on its account: what the account refuses is never asked for below. Borrows
// both. Frames go back through the source that they came from.
#pragma once

#include <cairn/quota_account.hpp>
#include "kernel/host/memory/frame_source.hpp"

namespace cairn {

class CountedFrames final : public FrameSource {
  public:
    CountedFrames(FrameSource& below, QuotaAccount& account) : below_(below), account_(account) {}

    [[nodiscard]] std::optional<HostPhys> allocate_frames(std::size_t count,
                                                          std::uint64_t alignment) override;
    void free_frames(HostPhys base, std::size_t count) override;
    [[nodiscard]] std::byte* at(HostPhys address) override { return below_.at(address); }

  private:
    FrameSource& below_;
    QuotaAccount& account_;
};

}  // namespace cairn
