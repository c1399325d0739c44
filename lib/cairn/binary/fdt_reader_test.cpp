// SPDX-License-Identifier: MIT
#include "cairn/fdt_reader.hpp"

#include "tests/unit/catch.hpp"
#include "tests/unit/command.hpp"
#include "tests/unit/fdt_model.hpp"

namespace cairn {
namespace {

using Bytes = std::vector<std::byte>;

/// A small tree with something of everything.
Bytes sample() {
    Bytes bytes(4096);
    FdtWriter tree{bytes};
    tree.reserve_memory(0x8000'0000, 0x4'0000);
    tree.reserve_memory(0x1'2345'6789, 0x10);
    tree.boot_cpu(3);
    tree.begin_node("");
    tree.property_u32("#address-cells", 2);
    tree.property_u32("#size-cells", 2);
    tree.begin_node("aliases");
    tree.property_string("serial0", "/soc/serial@10000000");
    tree.end_node();
    tree.begin_node("soc");
    tree.property_u32("#address-cells", 1);
    tree.property_u32("#size-cells", 1);
    // child 0x0 is parent 0x1_0000_0000, 0x4000'0000 bytes
    tree.property_cells("ranges", {0, 1, 0, 0x4000'0000});
    tree.begin_node("serial", 0x1000'0000);
    tree.property_strings("compatible", {"acme,uart", "ns16550a"});
    tree.property_cells("reg", {0x1000'0000, 0x100, 0x2000'0000, 0x200});
    tree.property_u32("phandle", 7);
    tree.begin_node("port");
    tree.end_node();
    tree.end_node();
    tree.begin_node("serial", 0x1000'1000);
    tree.property_string("compatible", "ns16550a");
    tree.property_string("status", "disabled");
    tree.property_u32("linux,phandle", 8);
    tree.end_node();
    tree.end_node();
    tree.begin_node("memory", 0x8000'0000);
    tree.property_u64s("reg", {0x8000'0000, 0x1000'0000});
    tree.end_node();
    tree.end_node();
    const auto finished = tree.finish();
    REQUIRE(finished);
    bytes.resize(finished->size());
    return bytes;
}

std::uint32_t header(const Bytes& bytes, FdtHeaderField field) {
    return load_be<std::uint32_t>(bytes, static_cast<std::size_t>(field));
}

void set_header(Bytes& bytes, FdtHeaderField field, std::uint32_t value) {
    store_be(bytes, static_cast<std::size_t>(field), value);
}

/// The error of `bytes`; fails where there is none.
FdtError error_of(const Bytes& bytes) {
    const auto fdt = Fdt::parse(bytes);
    REQUIRE(!fdt);
    return fdt.error();
}

/// A blob with `structure` and the strings "a\0b", and no reservations.
Bytes blob_of(std::initializer_list<std::uint32_t> structure, std::uint32_t strings_size = 4) {
    Bytes bytes(fdt_header_size + fdt_reservation_size + structure.size() * 4 + 4);
    const auto start = static_cast<std::uint32_t>(fdt_header_size + fdt_reservation_size);
    const auto size = static_cast<std::uint32_t>(structure.size() * 4);
    set_header(bytes, FdtHeaderField::magic, fdt_magic);
    set_header(bytes, FdtHeaderField::total_size, static_cast<std::uint32_t>(bytes.size()));
    set_header(bytes, FdtHeaderField::structure_offset, start);
    set_header(bytes, FdtHeaderField::strings_offset, start + size);
    set_header(bytes, FdtHeaderField::reservation_offset, fdt_header_size);
    set_header(bytes, FdtHeaderField::version, 17);
    set_header(bytes, FdtHeaderField::last_version, 16);
    set_header(bytes, FdtHeaderField::strings_size, strings_size);
    set_header(bytes, FdtHeaderField::structure_size, size);
    std::size_t at = start;
    for (const std::uint32_t word : structure) {
        store_be(bytes, at, word);
        at += 4;
    }
    store_be<std::uint32_t>(bytes, at, 0x6100'6200);
    return bytes;
}

constexpr std::uint32_t begin_tag = 1, end_tag = 2, prop = 3, nop = 4, last = 9;
constexpr std::uint32_t name_n = 0x6e00'0000;  // "n"

/// Touches every byte a walk can reach, so that the sanitizers judge.
std::size_t walk(const Fdt& fdt) {
    std::size_t seen = 0;
    for (const FdtNode& node : fdt.nodes()) {
        seen += node.name().size() + node.unit_address().size();
        seen += fdt.parent(node).has_value();
        for (const FdtProperty& property : node.properties()) {
            for (const std::string_view text : property.strings())
                seen += text.size();
            for (std::size_t i = 0; i < property.cell_count(); ++i)
                seen += property.cell(i) & 1;
        }
        if (const auto regs = node.reg()) {
            for (const FdtReg reg : *regs)
                seen += fdt.translate(node, reg.address).has_value();
        }
    }
    for (std::size_t i = 0; i < fdt.reservation_count(); ++i)
        seen += fdt.reservation(i).size & 1;
    return seen;
}

}  // namespace

TEST_CASE("a tree's nodes are found by path, alias, compatible and phandle", "[fdt_reader]") {
    const Bytes bytes = sample();
    const auto fdt = Fdt::parse(bytes);
    REQUIRE(fdt);
    CHECK(fdt->boot_cpu() == 3);
    CHECK(fdt->bytes().size() == bytes.size());
    CHECK(fdt->root().name().empty());
    const auto serial = fdt->find("/soc/serial@10000000");
    REQUIRE(serial);
    CHECK(serial->base_name() == "serial");
    CHECK(serial->unit_address() == "10000000");
    CHECK(fdt->find("/soc/serial") == serial);
    CHECK(fdt->find("serial0") == serial);
    CHECK(fdt->find("serial0/port") == serial->child("port"));
    CHECK(fdt->find("/") == fdt->root());
    CHECK(fdt->find("//soc//") == fdt->root().child("soc"));
    CHECK(!fdt->find("/soc/serial@1"));
    CHECK(!fdt->find("/soc/seria"));
    CHECK(!fdt->find("serial1"));
    CHECK(!fdt->find(""));
    CHECK(fdt->find_compatible("ns16550a") == serial);
    CHECK(!fdt->find_compatible("ns16550"));
    CHECK(fdt->find_phandle(7) == serial);
    CHECK(fdt->find_phandle(8) == fdt->find("/soc/serial@10001000"));
    CHECK(!fdt->find_phandle(9));
    CHECK(serial->is_enabled());
    CHECK(!fdt->find_phandle(8)->is_enabled());
    CHECK(fdt->parent(*serial) == fdt->find("/soc"));
    CHECK(fdt->parent(*serial->child("port")) == serial);
    CHECK(!fdt->parent(fdt->root()));
}

TEST_CASE("a walk knows the buses of each node", "[fdt_reader]") {
    const Bytes bytes = sample();
    const auto fdt = Fdt::parse(bytes);
    REQUIRE(fdt);
    CHECK(!fdt->nodes().begin().parent());
    std::size_t children = 0;
    for (const FdtNode& parent : fdt->nodes()) {
        for (const FdtNode& child : parent.children()) {
            auto at = fdt->nodes().begin();
            while (*at != child)
                ++at;
            REQUIRE(at.parent());
            CHECK(*at.parent() == parent);
            CHECK(at.parent()->cells() == parent.cells());
            CHECK(at.translate(0x1000'0000) == fdt->translate(child, 0x1000'0000));
            ++children;
        }
    }
    CHECK(children > 5);
}

TEST_CASE("reg follows the parent's cells and translates through ranges", "[fdt_reader]") {
    const Bytes bytes = sample();
    const auto fdt = Fdt::parse(bytes);
    REQUIRE(fdt);
    const auto serial = fdt->find("serial0");
    const auto regs = serial->reg();
    REQUIRE(regs);
    const std::vector<FdtReg> expected{{0x1000'0000, 0x100}, {0x2000'0000, 0x200}};
    std::vector<FdtReg> seen;
    for (const FdtReg reg : *regs)
        seen.push_back(reg);
    CHECK(seen == expected);
    CHECK(fdt->translate(*serial, 0x1000'0000) == 0x1'1000'0000);
    CHECK(fdt->translate(*serial, 0x3fff'ffff) == 0x1'3fff'ffff);
    CHECK(!fdt->translate(*serial, 0x4000'0000));
    CHECK(!fdt->translate(*serial->child("port"), 0));  // a bus without ranges
    const auto memory = fdt->find("/memory");
    CHECK(*memory->reg()->begin() == FdtReg{0x8000'0000, 0x1000'0000});
    CHECK(fdt->translate(*memory, 0x8000'0000) == 0x8000'0000);
    CHECK(fdt->find("/soc")->reg().error() == FdtError::no_property);
    REQUIRE(fdt->reservation_count() == 2);
    CHECK(fdt->reservation(0) == FdtReg{0x8000'0000, 0x4'0000});
    CHECK(fdt->reservation(1) == FdtReg{0x1'2345'6789, 0x10});
}

TEST_CASE("reg of odd shapes is an error, not a guess", "[fdt_reader]") {
    const std::array<std::byte, 12> value{};
    CHECK(FdtRegs::over(value, {1, 2}).has_value());
    CHECK(FdtRegs::over(value, {0, 1}).has_value());
    CHECK(FdtRegs::over(value, {2, 2}).error() == FdtError::bad_length);
    CHECK(FdtRegs::over(value, {3, 0}).error() == FdtError::bad_cells);
    CHECK(FdtRegs::over(value, {0, 0}).error() == FdtError::bad_cells);
    CHECK(FdtRegs::over(value, {UINT32_MAX, 2}).error() == FdtError::bad_cells);
}

TEST_CASE("typed properties are empty unless the shape fits", "[fdt_reader]") {
    const std::array<std::byte, 8> bytes{std::byte{0},   std::byte{0},   std::byte{1},
                                         std::byte{2},   std::byte{'a'}, std::byte{0},
                                         std::byte{'b'}, std::byte{'c'}};
    const FdtProperty eight{"x", bytes};
    CHECK(eight.u64() == 0x0000'0102'6100'6263);
    CHECK(!eight.u32());
    CHECK(eight.number() == eight.u64());
    CHECK(eight.cell_count() == 2);
    CHECK(eight.cell(1) == 0x6100'6263);
    const FdtProperty four{"x", std::span{bytes}.first(4)};
    CHECK(four.u32() == 0x102u);
    CHECK(four.number() == 0x102u);
    const FdtProperty text{"x", std::span{bytes}.subspan(4)};
    CHECK(text.string() == "a");
    CHECK(text.strings().contains("a"));
    CHECK(!text.strings().contains("bc"));  // not terminated
    const FdtProperty none{"x", {}};
    CHECK(!none.string());
    CHECK(!none.number());
    CHECK(none.strings().empty());
}

TEST_CASE("every kind of damage has its error", "[fdt_reader]") {
    const Bytes good = sample();
    const auto with = [&](FdtHeaderField field, std::uint32_t value) {
        Bytes bytes = good;
        set_header(bytes, field, value);
        return error_of(bytes);
    };
    const auto total = static_cast<std::uint32_t>(good.size());
    CHECK(error_of({}) == FdtError::too_short);
    CHECK(error_of(Bytes(good.begin(), good.begin() + 39)) == FdtError::too_short);
    CHECK(error_of(Bytes(good.begin(), good.end() - 1)) == FdtError::truncated);
    CHECK(with(FdtHeaderField::magic, 0xedfe'0dd0) == FdtError::bad_magic);
    CHECK(with(FdtHeaderField::total_size, 39) == FdtError::truncated);
    CHECK(with(FdtHeaderField::version, 16) == FdtError::bad_version);
    CHECK(with(FdtHeaderField::last_version, 18) == FdtError::bad_version);
    CHECK(with(FdtHeaderField::structure_offset, 42) == FdtError::misaligned_block);
    CHECK(with(FdtHeaderField::structure_size, 6) == FdtError::misaligned_block);
    CHECK(with(FdtHeaderField::reservation_offset, 44) == FdtError::misaligned_block);
    CHECK(with(FdtHeaderField::structure_offset, 0xffff'fffc) == FdtError::block_out_of_bounds);
    CHECK(with(FdtHeaderField::structure_size, 0xffff'fffc) == FdtError::block_out_of_bounds);
    CHECK(with(FdtHeaderField::strings_offset, 0) == FdtError::block_out_of_bounds);
    CHECK(with(FdtHeaderField::strings_size, total) == FdtError::block_out_of_bounds);
    CHECK(with(FdtHeaderField::reservation_offset, total / 8 * 8) ==
          FdtError::unterminated_reservations);
    CHECK(with(FdtHeaderField::strings_size, 3) == FdtError::unterminated_name);
    CHECK(with(FdtHeaderField::structure_size, header(good, FdtHeaderField::structure_size) - 4) ==
          FdtError::truncated_structure);
}

TEST_CASE("every kind of bad structure has its error", "[fdt_reader]") {
    CHECK(Fdt::parse(blob_of({begin_tag, 0, prop, 1, 0, 0, end_tag, last})));
    CHECK(Fdt::parse(blob_of({nop, begin_tag, 0, nop, prop, 0, 2, nop, end_tag, nop, last})));
    CHECK(error_of(blob_of({})) == FdtError::truncated_structure);
    CHECK(error_of(blob_of({last})) == FdtError::bad_nesting);
    CHECK(error_of(blob_of({begin_tag, 0, last})) == FdtError::bad_nesting);
    CHECK(error_of(blob_of({end_tag, last})) == FdtError::bad_nesting);
    CHECK(error_of(blob_of({begin_tag, 0, end_tag, begin_tag, 0, end_tag, last})) ==
          FdtError::bad_nesting);
    CHECK(error_of(blob_of({begin_tag, 0, end_tag})) == FdtError::truncated_structure);
    CHECK(error_of(blob_of({begin_tag, 0, 5})) == FdtError::bad_tag);
    CHECK(error_of(blob_of({begin_tag, name_n, end_tag, last})) == FdtError::bad_node_name);
    CHECK(error_of(blob_of({begin_tag, 0, begin_tag, 0, end_tag, end_tag, last})) ==
          FdtError::bad_node_name);
    CHECK(error_of(blob_of({begin_tag, 0, begin_tag, 0x6e2f'6e00, end_tag, end_tag, last})) ==
          FdtError::bad_node_name);
    CHECK(error_of(blob_of({begin_tag, 0x6e6e'6e6e})) == FdtError::unterminated_name);
    CHECK(error_of(blob_of({prop, 0, 0, begin_tag, 0, end_tag, last})) ==
          FdtError::misplaced_property);
    CHECK(error_of(blob_of({begin_tag, 0, begin_tag, name_n, end_tag, prop, 0, 0, end_tag,
                            last})) == FdtError::misplaced_property);
    CHECK(error_of(blob_of({begin_tag, 0, prop, 0})) == FdtError::truncated_structure);
    CHECK(error_of(blob_of({begin_tag, 0, prop, 9, 0, end_tag, last})) ==
          FdtError::property_out_of_bounds);
    CHECK(error_of(blob_of({begin_tag, 0, prop, 0xffff'ffff, 0, end_tag, last})) ==
          FdtError::property_out_of_bounds);
    CHECK(error_of(blob_of({begin_tag, 0, prop, 0, 4, end_tag, last})) ==
          FdtError::unterminated_name);
    CHECK(error_of(blob_of({begin_tag, 0, prop, 0, 2, end_tag, last}, 3)) ==
          FdtError::unterminated_name);
    CHECK(error_of(blob_of({begin_tag, 0, prop, 0, 1, end_tag, last})) ==
          FdtError::bad_property_name);
    CHECK(to_string(FdtError::bad_length) != to_string(FdtError::bad_cells));
}

TEST_CASE("nesting is limited to fdt_max_depth", "[fdt_reader]") {
    const auto nested = [](std::size_t depth) {
        Bytes structure;
        const auto put = [&](std::uint32_t word) {
            structure.resize(structure.size() + 4);
            store_be(structure, structure.size() - 4, word);
        };
        for (std::size_t i = 0; i < depth; ++i)
            put(begin_tag), put(i == 0 ? 0 : name_n);
        for (std::size_t i = 0; i < depth; ++i)
            put(end_tag);
        put(last);
        const Bytes frame = blob_of({});
        Bytes bytes(frame.begin(), frame.end() - 4);
        bytes.insert(bytes.end(), structure.begin(), structure.end());
        set_header(bytes, FdtHeaderField::total_size, static_cast<std::uint32_t>(bytes.size()));
        set_header(bytes, FdtHeaderField::structure_size,
                   static_cast<std::uint32_t>(structure.size()));
        set_header(bytes, FdtHeaderField::strings_size, 0);
        return bytes;
    };
    const Bytes deepest = nested(fdt_max_depth);
    const auto fdt = Fdt::parse(deepest);
    REQUIRE(fdt);
    std::size_t nodes = 0, depth = 0;
    const FdtNodes all = fdt->nodes();
    for (auto at = all.begin(); at != FdtNodes::end(); ++at)
        ++nodes, depth = at.depth();
    CHECK(nodes == fdt_max_depth);
    CHECK(depth == fdt_max_depth - 1);
    CHECK(error_of(nested(fdt_max_depth + 1)) == FdtError::too_deep);
}

TEST_CASE("cutting a tree anywhere is an error, and no damaged byte leads out", "[fdt_reader]") {
    const Bytes good = sample();
    for (std::size_t length = 0; length < good.size(); ++length) {
        const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
        REQUIRE(!Fdt::parse(cut));
    }
    std::size_t accepted = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const int flip : {0x01, 0x04, 0x80, 0xff}) {
            Bytes bytes = good;  // its own allocation, so that ASan sees one byte too far
            bytes[at] ^= static_cast<std::byte>(flip);
            const auto fdt = Fdt::parse(bytes);
            if (!fdt) continue;
            ++accepted;
            REQUIRE(walk(*fdt) > 0);
        }
    }
    CHECK(accepted > 0);
}

TEST_CASE("what libfdt writes is read back", "[fdt_reader]") {
    CHECK(rc::check("libfdt writes, Fdt reads", [] {
        const ModelNode model = *model_node("", 3);
        Bytes bytes(65536);
        RC_ASSERT(fdt_create(bytes.data(), static_cast<int>(bytes.size())) == 0);
        RC_ASSERT(fdt_finish_reservemap(bytes.data()) == 0);
        write_with_libfdt(bytes.data(), model);
        RC_ASSERT(fdt_finish(bytes.data()) == 0);
        const auto fdt = Fdt::parse(bytes);
        RC_ASSERT(fdt.has_value());
        RC_ASSERT(read_with_reader(fdt->root()) == model);
    }));
}

TEST_CASE("QEMU's own tree reads as libfdt reads it", "[fdt_reader]") {
    const Bytes bytes = qemu_tree("-smp 4 -m 2G");
    if (bytes.empty()) {
        WARN("no qemu-system-riscv64 here: not tested");
        return;
    }
    const auto fdt = Fdt::parse(bytes);
    REQUIRE(fdt);
    CHECK(read_with_reader(fdt->root()) == read_with_libfdt(bytes.data(), 0));
    int offset = 0, depth = 0;
    const FdtNodes all = fdt->nodes();
    for (auto at = all.begin(); at != FdtNodes::end(); ++at) {
        REQUIRE(offset >= 0);
        CHECK(at->offset() == static_cast<std::size_t>(offset));
        CHECK(at.depth() == static_cast<std::size_t>(depth));
        std::array<char, 256> path{};
        REQUIRE(fdt_get_path(bytes.data(), offset, path.data(), path.size()) == 0);
        CHECK(fdt->find(path.data()) == *at);
        const int parent = fdt_parent_offset(bytes.data(), offset);
        CHECK((parent < 0 ? !fdt->parent(*at)
                          : fdt->parent(*at)->offset() == static_cast<std::size_t>(parent)));
        CHECK(fdt_get_phandle(bytes.data(), offset) == at->phandle().value_or(0));
        offset = fdt_next_node(bytes.data(), offset, &depth);
    }
    CHECK(depth < 0);  // libfdt too has left the root
}

}  // namespace cairn
