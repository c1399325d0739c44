// SPDX-License-Identifier: MIT
#include "cairn/fdt_writer.hpp"

#include <algorithm>
#include <array>

#include "tests/unit/catch.hpp"
#include "tests/unit/fdt_model.hpp"

namespace cairn {
namespace {

using Bytes = std::vector<std::byte>;

/// What `write` does to a writer over `size` bytes.
template <class Write>
std::expected<Bytes, FdtWriteError> written(std::size_t size, Write write) {
    Bytes bytes(size);
    FdtWriter tree{bytes};
    write(tree);
    const auto finished = tree.finish();
    if (!finished) return std::unexpected(finished.error());
    bytes.resize(finished->size());
    return bytes;
}

void write_small(FdtWriter& tree) {
    tree.begin_node("");
    tree.property_string("model", "x");
    tree.begin_node("cpus");
    tree.property_string("model", "y");
    tree.end_node();
    tree.end_node();
}

}  // namespace

TEST_CASE("libfdt reads what the writer writes", "[fdt_writer]") {
    CHECK(rc::check("FdtWriter writes, libfdt and Fdt read", [] {
        const ModelNode model = *model_node("", 3);
        const auto bytes = written(65536, [&](FdtWriter& tree) { write_with_writer(tree, model); });
        RC_ASSERT(bytes.has_value());
        RC_ASSERT(fdt_check_full(bytes->data(), bytes->size()) == 0);
        RC_ASSERT(read_with_libfdt(bytes->data(), 0) == model);
        RC_ASSERT(read_with_reader(Fdt::parse(*bytes)->root()) == model);
    }));
}

TEST_CASE("a tree needs exactly its size; one byte less is an error", "[fdt_writer]") {
    CHECK(rc::check("space", [] {
        const ModelNode model = *model_node("", 2);
        const auto write = [&](FdtWriter& tree) {
            tree.reserve_memory(1, 2);
            write_with_writer(tree, model);
        };
        const auto whole = written(65536, write);
        RC_ASSERT(whole.has_value());
        RC_ASSERT(written(whole->size(), write).value() == *whole);
        const auto less = *rc::gen::inRange<std::size_t>(0, whole->size());
        RC_ASSERT(written(less, write).error() == FdtWriteError::no_space);
    }));
}

TEST_CASE("a tree may end with free bytes", "[fdt_writer]") {
    const std::size_t size = written(4096, write_small)->size();
    for (const std::size_t spare : std::array<std::size_t, 3>{1, 4, 100}) {
        Bytes bytes(size + spare, std::byte{0xff});
        FdtWriter tree{bytes};
        write_small(tree);
        const auto finished = tree.finish(spare);
        REQUIRE(finished);
        CHECK(finished->size() == size + spare);
        CHECK(fdt_totalsize(bytes.data()) == size + spare);
        CHECK(fdt_check_full(bytes.data(), bytes.size()) == 0);
        CHECK(std::ranges::all_of(std::span(bytes).subspan(size),
                                  [](std::byte b) { return b == std::byte{0}; }));
        FdtWriter small{std::span(bytes).first(size + spare - 1)};
        write_small(small);
        CHECK(small.finish(spare).error() == FdtWriteError::no_space);
    }
    Bytes bytes(size);
    FdtWriter tree{bytes};
    write_small(tree);
    CHECK(tree.finish(~std::size_t{0}).error() == FdtWriteError::no_space);
}

TEST_CASE("typed properties have the specification's shapes", "[fdt_writer]") {
    const auto bytes = written(4096, [](FdtWriter& tree) {
        tree.boot_cpu(5);
        tree.reserve_memory(0x1000, 0);
        tree.reserve_memory(0x1'0000'0000, 0x2000);
        tree.begin_node("");
        tree.property_empty("empty");
        tree.property_u32("u32", 0x0102'0304);
        tree.property_u64("u64", 0x0102'0304'0506'0708);
        tree.property_string("string", "abc");
        tree.property_strings("strings", {"a", "", "b"});
        tree.property_cells("cells", {1, 2, 3});
        tree.property_u64s("u64s", {1, 2});
        tree.begin_node("node", 0x1000'0000'0000'abcd);
        tree.end_node();
        tree.end_node();
    });
    REQUIRE(bytes);
    const auto fdt = Fdt::parse(*bytes);
    REQUIRE(fdt);
    const FdtNode root = fdt->root();
    CHECK(fdt->boot_cpu() == 5);
    CHECK(fdt_boot_cpuid_phys(bytes->data()) == 5);
    REQUIRE(fdt_num_mem_rsv(bytes->data()) == 1);
    CHECK(fdt->reservation(0) == FdtReg{0x1'0000'0000, 0x2000});
    CHECK(root.property("empty")->value.empty());
    CHECK(root.u32("u32") == 0x0102'0304u);
    CHECK(root.property("u64")->u64() == 0x0102'0304'0506'0708u);
    CHECK(root.string("string") == "abc");
    CHECK(fdt_stringlist_count(bytes->data(), 0, "strings") == 3);
    CHECK(std::string_view{fdt_stringlist_get(bytes->data(), 0, "strings", 2, nullptr)} == "b");
    CHECK(root.property("cells")->value.size() == 12);
    CHECK(root.property("u64s")->value.size() == 16);
    CHECK(fdt->find("/node@100000000000abcd"));
}

TEST_CASE("the names of properties are stored once", "[fdt_writer]") {
    const auto bytes = written(4096, write_small);
    REQUIRE(bytes);
    CHECK(fdt_size_dt_strings(bytes->data()) == sizeof "model");
}

TEST_CASE("mistakes are errors, and the first one sticks", "[fdt_writer]") {
    const auto error = [](auto write) { return written(4096, write).error(); };
    CHECK(error([](FdtWriter&) {}) == FdtWriteError::bad_nesting);
    CHECK(error([](FdtWriter& t) { t.begin_node(""); }) == FdtWriteError::bad_nesting);
    CHECK(error([](FdtWriter& t) { t.end_node(); }) == FdtWriteError::bad_nesting);
    CHECK(error([](FdtWriter& t) { write_small(t), t.end_node(); }) == FdtWriteError::bad_nesting);
    CHECK(error([](FdtWriter& t) { write_small(t), write_small(t); }) ==
          FdtWriteError::bad_nesting);
    CHECK(error([](FdtWriter& t) { t.begin_node("root"); }) == FdtWriteError::bad_name);
    CHECK(error([](FdtWriter& t) { t.begin_node(""), t.begin_node(""); }) ==
          FdtWriteError::bad_name);
    CHECK(error([](FdtWriter& t) { t.begin_node(""), t.begin_node("a/b"); }) ==
          FdtWriteError::bad_name);
    CHECK(error([](FdtWriter& t) { t.begin_node(""), t.begin_node(std::string(60, 'n'), 1); }) ==
          FdtWriteError::bad_name);
    CHECK(error([](FdtWriter& t) { t.begin_node(""), t.property_empty(""); }) ==
          FdtWriteError::bad_name);
    CHECK(error([](FdtWriter& t) { t.property_empty("a"); }) == FdtWriteError::misplaced_property);
    CHECK(error([](FdtWriter& t) { t.begin_node(""), t.append_u32(1); }) ==
          FdtWriteError::misplaced_property);
    CHECK(error([](FdtWriter& t) {
              t.begin_node(""), t.begin_node("a"), t.end_node(), t.property_empty("late");
          }) == FdtWriteError::misplaced_property);
    CHECK(error([](FdtWriter& t) { t.begin_node(""), t.reserve_memory(1, 1); }) ==
          FdtWriteError::misplaced_reservation);
    CHECK(error([](FdtWriter& t) {
              t.begin_node(""), t.property_string("a", std::string_view{"x\0y", 3});
          }) == FdtWriteError::bad_string);
    CHECK(error([](FdtWriter& t) {
              t.begin_node("");
              for (std::size_t i = 0; i < fdt_max_depth; ++i)
                  t.begin_node("n");
          }) == FdtWriteError::too_deep);
    CHECK(error([](FdtWriter& t) { t.begin_node("a/b"), t.end_node(); }) ==
          FdtWriteError::bad_name);
}

TEST_CASE("a writer is finished once", "[fdt_writer]") {
    Bytes bytes(4096);
    FdtWriter tree{bytes};
    write_small(tree);
    REQUIRE(tree.finish());
    CHECK(!tree.finish());
}

}  // namespace cairn
