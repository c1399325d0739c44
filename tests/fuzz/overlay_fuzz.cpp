// SPDX-License-Identifier: MIT
// A disk with any bytes where an overlay's header and bitmap are, mostly a header that is right: it
// is refused and left as it is, or what it says is taken as it stands, and no request of the
// guest's reaches its header. Then a guest asks, the disk fails here and there, and power is cut:
// the bench looks at each sector that is read.
#include <cstdint>
#include <memory>

#include "tests/fuzz/input.hpp"
#include "tests/unit/overlay_bench.hpp"

using namespace cairn;
using namespace cairn::test;

namespace {

/// An overlay that somebody has changed bytes of.
void look_at_changed(FuzzInput& input) {
    OverlayBench bench(64, [&input](std::uint64_t bound) { return input.below(bound); });
    const std::uint64_t area = OverlayArea{bench.image.size()}.size();
    require(bench.start().has_value(), "a blank disk becomes an overlay");
    bench.disk.cut_power([](std::uint64_t) { return std::uint64_t{1}; });
    while (!input.empty()) {
        const std::uint64_t at = input.take(1) % 2 == 0 ? input.below(48) : input.below(area);
        bench.disk.stable[at] = static_cast<std::byte>(input.take(1));
    }
    const auto before = bench.disk.stable;
    const auto started = bench.start();
    if (!started) {
        require(!to_string(started.error()).empty(), "a fault has a sentence");
        require(bench.disk.stable == before && bench.disk.written.empty(),
                "what is refused stays as it is");
        return;
    }
    for (std::uint64_t sector = 0; sector < 64; ++sector) {
        const bool is_set =
            (before[4096 + sector / 8] >> sector % 8 & std::byte{1}) != std::byte{0};
        const std::byte* const lies =
            is_set ? &before[area + sector * 512] : &bench.image[sector * 512];
        require(bench.overlay->size() == bench.image.size() && bench.holds(sector, lies),
                "a sector is where the bitmap says");
    }
}

void use(FuzzInput& input) {
    OverlayBench bench(40, [&input](std::uint64_t bound) { return input.below(bound); });
    bench.disk.room = 1 + input.take(1) % 17;
    for (int life = 0; life < 2 && !input.empty(); ++life) {
        require(bench.start().has_value(), "an overlay is found again");
        bench.check_start();
        for (int n = 0; n < 200 && !input.empty(); ++n)
            bench.step();
        bench.cut_power();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input({data, size});
    if (input.take(1) % 4 == 0) {
        look_at_changed(input);
    } else {
        use(input);
    }
    return 0;
}
