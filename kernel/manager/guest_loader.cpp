// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/manager/guest_loader.hpp"

#include <cstring>

namespace cairn {
namespace {

constexpr GuestLoadError no_memory{};

}  // namespace

std::string_view to_string(const GuestLoadError& error) {
    return error.tree ? to_string(*error.tree) : "there is no memory for its page tables";
}

GuestLoader::GuestLoader(const BundleVm& vm, const LoadPlan& plan, const GuestMemory& memory,
                         const GuestFdtConfig& tree)
    : plan_(plan), memory_(memory), tree_(tree) {
    tree_.memory = memory.range();
    if (vm.initrd) {
        files_.push_back({.to = plan.initrd.base, .rest = *vm.initrd});
        tree_.initrd = plan.initrd;
    }
    files_.push_back({.to = plan.kernel.base, .rest = vm.kernel});
}

std::expected<std::optional<GuestEntry>, GuestLoadError> GuestLoader::load_some() {
    while (!files_.empty() && files_.back().rest.empty())
        files_.pop_back();
    if (!files_.empty()) return place_some(files_.back());
    return writer_ ? write_tree() : begin_tree();
}

GuestLoader::Loaded GuestLoader::place_some(File& file) {
    const auto placed = memory_.place(file.to, file.rest);
    if (!placed) return std::unexpected(no_memory);
    file.to = file.to + *placed;
    file.rest = file.rest.subspan(*placed);
    return std::nullopt;
}

/// Takes RAM for it, which may have to be zeroed: a piece of its own.
GuestLoader::Loaded GuestLoader::begin_tree() {
    const auto room = memory_.bytes(plan_.fdt.base, plan_.fdt.size);
    if (!room) return std::unexpected(no_memory);
    room_ = *room;
    writer_.emplace(room_, tree_);
    return std::nullopt;
}

GuestLoader::Loaded GuestLoader::write_tree() {
    const auto written = writer_->write_some();
    if (!written) return std::unexpected(GuestLoadError{written.error()});
    if (!*written) return std::nullopt;
    const auto rest = room_.subspan((*written)->size());
    std::memset(rest.data(), 0, rest.size());  // the writer worked there
    return GuestEntry{.pc = plan_.kernel.base, .device_tree = plan_.fdt.base};
}

}  // namespace cairn
