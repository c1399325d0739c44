// SPDX-License-Identifier: MIT
// A device tree as an ordinary value, made at random (rapidcheck), written by libfdt or by
// FdtWriter and read back by libfdt or by Fdt: all must agree.
#pragma once

#include <libfdt.h>
#include <rapidcheck.h>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <cairn/fdt_reader.hpp>
#include <cairn/fdt_writer.hpp>

namespace cairn {

struct ModelProperty {
    std::string name;
    std::vector<std::uint8_t> value;

    bool operator==(const ModelProperty&) const = default;
};

struct ModelNode {
    std::string name;
    std::vector<ModelProperty> properties;
    std::vector<ModelNode> children;

    bool operator==(const ModelNode&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const ModelNode& node) {
    out << node.name << " {";
    for (const ModelProperty& property : node.properties) {
        out << ' ' << property.name << '[' << property.value.size() << ']';
    }
    for (const ModelNode& child : node.children)
        out << ' ' << child;
    return out << " }";
}

/// A random tree of at most `depth` levels below this node. Names are distinct among siblings.
inline rc::Gen<ModelNode> model_node(const std::string& name, int depth) {
    return rc::gen::exec([=] {
        static const std::vector<std::string> property_names{
            "reg", "compatible", "status",    "phandle-list", "#address-cells",
            "x",   "r",          "interrupts"};
        ModelNode node{name, {}, {}};
        for (const std::string& property : property_names) {
            if (*rc::gen::arbitrary<bool>()) continue;
            const auto length = *rc::gen::inRange<std::size_t>(0, 20);
            node.properties.push_back({property, *rc::gen::container<std::vector<std::uint8_t>>(
                                                     length, rc::gen::arbitrary<std::uint8_t>())});
        }
        const int children = depth == 0 ? 0 : *rc::gen::inRange(0, 4);
        for (int index = 0; index < children; ++index) {
            const std::string stem(*rc::gen::inRange<std::size_t>(1, 9), 'n');
            node.children.push_back(*model_node(stem + "@" + std::to_string(index), depth - 1));
        }
        return node;
    });
}

inline void write_with_libfdt(void* blob, const ModelNode& node) {
    RC_ASSERT(fdt_begin_node(blob, node.name.c_str()) == 0);
    for (const ModelProperty& property : node.properties) {
        RC_ASSERT(fdt_property(blob, property.name.c_str(), property.value.data(),
                               static_cast<int>(property.value.size())) == 0);
    }
    for (const ModelNode& child : node.children)
        write_with_libfdt(blob, child);
    RC_ASSERT(fdt_end_node(blob) == 0);
}

inline void write_with_writer(FdtWriter& tree, const ModelNode& node) {
    tree.begin_node(node.name);
    for (const ModelProperty& property : node.properties) {
        tree.property(property.name, std::as_bytes(std::span{property.value}));
    }
    for (const ModelNode& child : node.children)
        write_with_writer(tree, child);
    tree.end_node();
}

inline ModelNode read_with_libfdt(const void* blob, int offset) {
    ModelNode node{fdt_get_name(blob, offset, nullptr), {}, {}};
    int at = 0;
    fdt_for_each_property_offset(at, blob, offset) {
        const char* name = nullptr;
        int length = 0;
        const auto* value =
            static_cast<const std::uint8_t*>(fdt_getprop_by_offset(blob, at, &name, &length));
        node.properties.push_back({name, {value, value + length}});
    }
    fdt_for_each_subnode(at, blob, offset) {
        node.children.push_back(read_with_libfdt(blob, at));
    }
    return node;
}

inline ModelNode read_with_reader(const FdtNode& from) {
    ModelNode node{std::string{from.name()}, {}, {}};
    for (const FdtProperty& property : from.properties()) {
        const auto* value = reinterpret_cast<const std::uint8_t*>(property.value.data());
        node.properties.push_back(
            {std::string{property.name}, {value, value + property.value.size()}});
    }
    for (const FdtNode& child : from.children())
        node.children.push_back(read_with_reader(child));
    return node;
}

}  // namespace cairn
