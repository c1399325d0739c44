// SPDX-License-Identifier: MIT
// Every policy beside a model that keeps its blocks in a vector and knows where each one must be.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include <rapidcheck.h>

#include "cairn/classic_heap.hpp"
#include "tests/unit/catch.hpp"
#include "tests/unit/fault_log.hpp"

using namespace cairn;

namespace {

constexpr std::size_t header = 32;
constexpr std::size_t smallest = header + 16;
constexpr std::size_t none = SIZE_MAX;

std::size_t up(std::size_t value, std::size_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

struct Part {
    std::size_t at;  ///< of the payload
    std::size_t size;
    bool free;
    [[nodiscard]] std::size_t end() const { return at + size; }
};

/// What the heap must do, by offsets. Not a line of it is the heap's.
class Model {
  public:
    explicit Model(std::size_t chunk) : chunk_(chunk) {}

    /// Where the block will be; nothing where there is no room. `room` bytes are left from `next`.
    template <class Fit>
    std::optional<std::size_t> allocate(Layout layout, std::size_t next, std::size_t room) {
        const std::size_t size = up(std::max<std::size_t>(layout.size, 1), 16);
        const std::size_t alignment = std::max<std::size_t>(layout.alignment, 16);
        std::size_t chosen = choose<Fit>(size, alignment);
        if (chosen == none && grow(size, alignment, next, room)) chosen = parts_.size() - 1;
        if (chosen == none) return std::nullopt;
        const std::size_t at = place(parts_[chosen], size, alignment);
        if (const std::size_t gap = at - parts_[chosen].at; gap != 0) {
            split(chosen, gap - header);
            ++chosen;
        }
        if (parts_[chosen].size - size >= smallest) split(chosen, size);
        parts_[chosen].free = false;
        rover_ = next_free(chosen + 1);
        return parts_[chosen].at;
    }

    void free(std::size_t at) {
        parts_[index(at)].free = true;
        join();
    }

    bool resize(std::size_t at, std::size_t new_size) {
        const std::size_t size = up(std::max<std::size_t>(new_size, 1), 16);
        const std::size_t i = index(at);
        Part& part = parts_[i];
        if (size > part.size) {
            if (i + 1 == parts_.size() || !parts_[i + 1].free) return false;
            const Part above = parts_[i + 1];
            if (above.at - header != part.end() || size > above.end() - at) return false;
            if (rover_ == above.at) rover_ = next_free(i + 2);
            part.size = above.end() - at;
            parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        }
        if (parts_[i].size - size >= smallest) {
            split(i, size);
            parts_[i + 1].free = true;
            join();
        }
        return true;
    }

    [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
    [[nodiscard]] std::size_t size_at(std::size_t at) { return parts_[index(at)].size; }

  private:
    std::size_t index(std::size_t at) {
        return static_cast<std::size_t>(std::ranges::find(parts_, at, &Part::at) - parts_.begin());
    }
    std::size_t next_free(std::size_t from) {
        for (std::size_t i = from; i < parts_.size(); ++i)
            if (parts_[i].free) return parts_[i].at;
        return none;
    }

    static std::size_t place(const Part& part, std::size_t size, std::size_t alignment) {
        std::size_t at = part.at;
        while (at % alignment != 0 || (at != part.at && at - part.at < smallest))
            at += 16;
        return part.free && at + size <= part.end() ? at : none;
    }

    template <class Fit>
    std::size_t choose(std::size_t size, std::size_t alignment) {
        std::vector<std::size_t> fitting;
        for (std::size_t i = 0; i < parts_.size(); ++i)
            if (place(parts_[i], size, alignment) != none) fitting.push_back(i);
        if (fitting.empty()) return none;
        if constexpr (std::is_same_v<Fit, FirstFit>) return fitting.front();
        if constexpr (std::is_same_v<Fit, BestFit>)
            return *std::ranges::min_element(fitting, {}, [&](auto i) { return parts_[i].size; });
        for (const std::size_t i : fitting)
            if (rover_ != none && parts_[i].at >= rover_) return i;
        return fitting.front();
    }

    bool grow(std::size_t size, std::size_t alignment, std::size_t next, std::size_t room) {
        const std::size_t gap = alignment > 16 ? alignment + smallest : 0;
        std::size_t chunk = std::max(chunk_, size + gap + header);
        if (chunk > room) chunk = size + gap + header;
        if (chunk > room) return false;
        parts_.push_back({next + header, chunk - header, true});
        join();
        return true;
    }

    void split(std::size_t i, std::size_t size) {
        Part& part = parts_[i];
        const Part rest{part.at + size + header, part.size - size - header, part.free};
        part.size = size;
        parts_.insert(parts_.begin() + static_cast<std::ptrdiff_t>(i) + 1, rest);
    }

    void join() {
        for (std::size_t i = 1; i < parts_.size();) {
            Part& below = parts_[i - 1];
            const Part above = parts_[i];
            if (!below.free || !above.free || below.end() != above.at - header) {
                ++i;
                continue;
            }
            below.size = above.end() - below.at;
            if (rover_ == above.at) rover_ = below.at;
            parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }

    std::size_t chunk_;
    std::size_t rover_ = none;
    std::vector<Part> parts_;
};

template <class Fit>
class Pair {
  public:
    explicit Pair(std::size_t chunk)
        : heap_(source_, {.chunk_size = chunk, .hook = log_.hook()}), model_(chunk / 16 * 16) {
        RC_ASSERT(source_.init({memory_.data(), memory_.size()}).has_value());
    }

    void allocate(Layout layout) {
        const auto want = model_.allocate<Fit>(layout, source_.used(), source_.remaining());
        const auto got = heap_.allocate(layout);
        RC_ASSERT(got.has_value() == want.has_value());
        if (!got) return;
        RC_ASSERT(at(*got) == *want);
        RC_ASSERT(at(*got) % layout.alignment == 0);
        live_.push_back({*got, layout, static_cast<std::byte>(++painted_)});
        paint(live_.back());
    }

    void free(std::size_t which, bool with_layout) {
        if (live_.empty()) return;
        const auto block = live_.begin() + static_cast<std::ptrdiff_t>(which % live_.size());
        check(*block);
        with_layout ? heap_.deallocate(block->at, block->layout) : heap_.deallocate(block->at);
        model_.free(at(block->at));
        live_.erase(block);
    }

    void resize(std::size_t which, std::size_t size) {
        if (live_.empty()) return;
        Live& block = live_[which % live_.size()];
        const bool can = model_.resize(at(block.at), size);
        RC_ASSERT(heap_.try_resize(block.at, block.layout, size) == can);
        if (!can) return;
        check({block.at, {std::min(size, block.layout.size)}, block.pattern});
        block.layout.size = size;
        paint(block);
    }

    /// Somebody else takes memory from the break, so that the next chunk does not touch.
    void interrupt() { std::ignore = source_.allocate(16); }

    void compare() {
        RC_ASSERT(heap_.check());
        RC_ASSERT(log_.empty());
        for (const Live& block : live_) {
            check(block);
            RC_ASSERT(heap_.usable_size(block.at) == model_.size_at(at(block.at)));
            RC_ASSERT(heap_.owns(block.at));
        }
        classic::Statistics want;
        std::size_t end = none;
        for (const Part& part : model_.parts()) {
            want.chunks += part.at - header != end;
            (part.free ? want.free_blocks : want.used_blocks) += 1;
            (part.free ? want.free_bytes : want.used_bytes) += part.size;
            if (part.free) want.largest_free = std::max(want.largest_free, part.size);
            end = part.end();
        }
        RC_ASSERT(heap_.statistics() == want);
    }

    void end() {
        while (!live_.empty())
            free(live_.size() / 2, true);
        compare();
        RC_ASSERT(heap_.statistics().used_blocks == 0U);
        RC_ASSERT(heap_.statistics().free_blocks == heap_.statistics().chunks);
    }

  private:
    struct Live {
        std::byte* at;
        Layout layout;
        std::byte pattern;
    };

    std::size_t at(const std::byte* block) const {
        return static_cast<std::size_t>(block - memory_.data());
    }
    static void paint(const Live& block) {
        std::fill_n(block.at, block.layout.size, block.pattern);
    }
    static void check(const Live& block) {
        RC_ASSERT(std::all_of(block.at, block.at + block.layout.size,
                              [&](std::byte byte) { return byte == block.pattern; }));
    }

    alignas(4096) std::array<std::byte, 16384> memory_{};
    BumpAllocator source_;
    tests::FaultLog log_;
    ClassicHeap<Fit, NullLock> heap_;
    Model model_;
    std::vector<Live> live_;
    unsigned painted_ = 0;
};

Layout any_layout() {
    const auto size = *rc::gen::weightedOneOf<std::size_t>(
        {{9, rc::gen::inRange<std::size_t>(0, 200)}, {1, rc::gen::inRange<std::size_t>(0, 5000)}});
    const auto power =
        *rc::gen::weightedOneOf<int>({{3, rc::gen::inRange(0, 5)}, {1, rc::gen::inRange(5, 12)}});
    return {size, std::size_t{1} << power};
}

template <class Fit>
void step(Pair<Fit>& pair) {
    const auto which = *rc::gen::inRange<std::size_t>(0, 1000);
    switch (*rc::gen::inRange(0, 12)) {
        case 0:
        case 1:
        case 2: pair.free(which, false); break;
        case 3: pair.free(which, true); break;
        case 4:
        case 5: pair.resize(which, *rc::gen::inRange<std::size_t>(0, 300)); break;
        case 6: pair.interrupt(); break;
        default: pair.allocate(any_layout()); break;
    }
    pair.compare();
}

}  // namespace

TEMPLATE_TEST_CASE("Every block is where the policy says", "[classic_heap_property]", FirstFit,
                   NextFit, BestFit) {
    const bool holds = rc::check(std::string(TestType::name) + " against its model", [] {
        const auto pair = std::make_unique<Pair<TestType>>(*rc::gen::inRange<std::size_t>(0, 2000));
        const int steps = *rc::gen::inRange(1, 80);
        for (int i = 0; i < steps; ++i)
            step(*pair);
        pair->end();
    });
    CHECK(holds);
}
