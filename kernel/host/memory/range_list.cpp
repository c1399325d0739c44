// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/host/memory/range_list.hpp"

#include <algorithm>

namespace cairn {

bool RangeList::insert(HostRange range) {
    if (range.size == 0) return true;
    std::size_t first = 0;
    while (first < count_ && ranges_[first].end() < range.base)
        ++first;
    std::size_t last = first;
    HostPhys base = range.base;
    HostPhys end = range.end();
    for (; last < count_ && ranges_[last].base <= range.end(); ++last) {
        base = std::min(base, ranges_[last].base);
        end = std::max(end, ranges_[last].end());
    }
    const std::array merged{HostRange{base, end - base}};
    return replace(first, last, merged);
}

bool RangeList::remove(HostRange range) {
    if (range.size == 0) return true;
    std::size_t first = 0;
    while (first < count_ && ranges_[first].end() <= range.base)
        ++first;
    std::array<HostRange, 2> rest{};
    std::size_t rest_count = 0;
    std::size_t last = first;
    for (; last < count_ && ranges_[last].base < range.end(); ++last) {
        const HostRange old = ranges_[last];
        if (old.base < range.base) rest[rest_count++] = {old.base, range.base - old.base};
        if (range.end() < old.end()) rest[rest_count++] = {range.end(), old.end() - range.end()};
    }
    return replace(first, last, std::span(rest).first(rest_count));
}

bool RangeList::contains(HostRange range) const {
    return range.size == 0 || std::ranges::any_of(ranges(), [range](const HostRange& held) {
               return held.contains(range.base, range.size);
           });
}

bool RangeList::intersects(HostRange range) const {
    return range.size != 0 && std::ranges::any_of(ranges(), [range](const HostRange& held) {
               return held.overlaps(range);
           });
}

std::uint64_t RangeList::bytes() const {
    std::uint64_t sum = 0;
    for (const HostRange& range : ranges())
        sum += range.size;
    return sum;
}

bool RangeList::replace(std::size_t first, std::size_t last, std::span<const HostRange> with) {
    const std::size_t count = count_ - (last - first) + with.size();
    if (count > capacity) return false;
    const auto at = [this](std::size_t index) {
        return ranges_.begin() + static_cast<std::ptrdiff_t>(index);
    };
    if (with.size() <= last - first) {
        std::copy(at(last), at(count_), at(first + with.size()));
    } else {
        std::copy_backward(at(last), at(count_), at(count));
    }
    std::ranges::copy(with, at(first));
    count_ = count;
    return true;
}

}  // namespace cairn
