// SPDX-License-Identifier: MIT
// Walks inside a validated tree: FdtNode and its ranges.
#include "cairn/binary/fdt_token.hpp"
#include "cairn/bits.hpp"
#include "cairn/fdt_reader.hpp"

namespace cairn {
namespace {

std::string_view up_to(std::string_view text, char separator) {
    return text.substr(0, text.find(separator));
}

/// A `#...-cells` of `node`. Malformed ones become a count that no `reg` can have.
std::uint32_t cell_count(const FdtNode& node, std::string_view name, std::uint32_t otherwise) {
    const auto property = node.property(name);
    if (!property) return otherwise;
    return property->u32().value_or(UINT32_MAX);
}

/// The offset behind the node that begins at `offset`.
std::size_t skip_node(FdtBlocks blocks, std::size_t offset) {
    std::size_t depth = 0;
    while (true) {
        const FdtStep step = next_fdt_step(blocks, offset);
        offset = step.next;
        if (step.tag == FdtTag::begin_node) ++depth;
        if (step.tag == FdtTag::end_node && --depth == 0) return offset;
        if (step.tag == FdtTag::end) return blocks.structure.size();
    }
}

/// `address` of the bus `bus` as `bus`'s own parent sees it.
std::optional<std::uint64_t> translate_once(const FdtNode& bus, std::uint64_t address) {
    const auto ranges = bus.property("ranges");
    if (!ranges) return std::nullopt;
    if (ranges->value.empty()) return address;  // the same address space
    const FdtCells child = bus.child_cells();
    const FdtCells parent = bus.cells();
    if (!child.is_usable() || !parent.is_usable()) return std::nullopt;
    // An entry: child address, parent address, size. As two entries of a reg they need no new code.
    const FdtCells first{.address = child.address, .size = parent.address};
    const FdtCells second{.address = child.size, .size = 0};
    const std::size_t stride = first.bytes() + second.bytes();
    if (second.bytes() == 0) return std::nullopt;
    for (auto rest = ranges->value; rest.size() >= stride; rest = rest.subspan(stride)) {
        const FdtReg bases = *FdtRegs::Iterator{rest, first};
        const std::uint64_t size =
            (*FdtRegs::Iterator{rest.subspan(first.bytes()), second}).address;
        if (address >= bases.address && address - bases.address < size) {
            return checked_add(bases.size, address - bases.address);
        }
    }
    return std::nullopt;
}

}  // namespace

std::string_view FdtNode::name() const {
    return next_fdt_token(blocks_, offset_).name;
}

std::string_view FdtNode::base_name() const {
    return up_to(name(), '@');
}

std::string_view FdtNode::unit_address() const {
    const std::string_view whole = name();
    const std::size_t at = whole.find('@');
    return at == std::string_view::npos ? std::string_view{} : whole.substr(at + 1);
}

FdtProperties FdtNode::properties() const {
    return FdtProperties{*this};
}

FdtChildren FdtNode::children() const {
    return FdtChildren{*this};
}

std::optional<FdtProperty> FdtNode::property(std::string_view name) const {
    FdtStep step = next_fdt_step(blocks_, offset_);
    while ((step = next_fdt_step(blocks_, step.next)).tag == FdtTag::property) {
        if (!is_fdt_property(blocks_, step.offset, name)) continue;
        const FdtToken found = next_fdt_token(blocks_, step.offset);
        return FdtProperty{found.name, found.value};
    }
    return std::nullopt;
}

std::optional<FdtNode> FdtNode::child(std::string_view name) const {
    const bool whole = name.contains('@');
    for (const FdtNode& candidate : children()) {
        if (name == (whole ? candidate.name() : candidate.base_name())) return candidate;
    }
    return std::nullopt;
}

std::optional<std::uint32_t> FdtNode::u32(std::string_view property_name) const {
    const auto found = property(property_name);
    return found ? found->u32() : std::nullopt;
}

std::optional<std::string_view> FdtNode::string(std::string_view property_name) const {
    const auto found = property(property_name);
    return found ? found->string() : std::nullopt;
}

bool FdtNode::is_compatible(std::string_view with) const {
    const auto compatible = property("compatible");
    return compatible && compatible->strings().contains(with);
}

bool FdtNode::is_enabled() const {
    const auto status = property("status");
    if (!status) return true;
    const auto word = status->string();
    return word == "okay" || word == "ok";
}

std::optional<std::uint32_t> FdtNode::phandle() const {
    const auto handle = u32("phandle");
    return handle ? handle : u32("linux,phandle");
}

std::expected<FdtRegs, FdtError> FdtNode::reg() const {
    const auto found = property("reg");
    if (!found) return std::unexpected(FdtError::no_property);
    return FdtRegs::over(found->value, cells_);
}

FdtCells FdtNode::child_cells() const {
    constexpr FdtCells defaults;
    return {cell_count(*this, "#address-cells", defaults.address),
            cell_count(*this, "#size-cells", defaults.size)};
}

FdtProperties::Iterator FdtProperties::begin() const {
    return {node_.blocks(), next_fdt_token(node_.blocks(), node_.offset()).next};
}

void FdtProperties::Iterator::take() {
    const FdtToken token = next_fdt_token(blocks_, next_);
    done_ = token.tag != FdtTag::property;
    current_ = {token.name, token.value};
    next_ = token.next;
}

FdtChildren::Iterator::Iterator(FdtNode parent) {
    const FdtBlocks blocks = parent.blocks();
    current_ = FdtNode{blocks, 0, parent.child_cells()};
    FdtStep step = next_fdt_step(blocks, parent.offset());
    do {
        step = next_fdt_step(blocks, step.next);
    } while (step.tag == FdtTag::property);
    take(step.offset);
}

FdtChildren::Iterator& FdtChildren::Iterator::operator++() {
    take(skip_node(current_.blocks(), current_.offset()));
    return *this;
}

void FdtChildren::Iterator::take(std::size_t offset) {
    const FdtStep step = next_fdt_step(current_.blocks(), offset);
    done_ = step.tag != FdtTag::begin_node;
    current_ = FdtNode{current_.blocks(), step.offset, current_.cells()};
}

FdtNodes::Iterator& FdtNodes::Iterator::operator++() {
    const FdtBlocks blocks = current_.blocks();
    std::size_t open = depth_ + 1;
    FdtStep step = next_fdt_step(blocks, current_.offset());
    while (open > 0) {
        step = next_fdt_step(blocks, step.next);
        if (step.tag == FdtTag::end) break;
        if (step.tag == FdtTag::end_node) --open;
        if (step.tag != FdtTag::begin_node) continue;
        if (open > depth_)  // its first child
            ancestors_[depth_] = {current_.offset(), current_.child_cells()};
        depth_ = open;
        current_ = FdtNode{blocks, step.offset, ancestors_[depth_ - 1].child_cells};
        return *this;
    }
    done_ = true;
    return *this;
}

FdtNode FdtNodes::Iterator::ancestor(std::size_t depth) const {
    const FdtCells cells = depth == 0 ? FdtCells{} : ancestors_[depth - 1].child_cells;
    return {current_.blocks(), ancestors_[depth].offset, cells};
}

std::optional<FdtNode> FdtNodes::Iterator::parent() const {
    if (depth_ == 0) return std::nullopt;
    return ancestor(depth_ - 1);
}

std::optional<std::uint64_t> FdtNodes::Iterator::translate(std::uint64_t address) const {
    std::optional<std::uint64_t> result = address;
    for (std::size_t bus = depth_; bus > 1 && result; --bus)
        result = translate_once(ancestor(bus - 1), *result);
    return result;
}

}  // namespace cairn
