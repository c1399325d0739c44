// SPDX-License-Identifier: MIT
#include "kernel/vm/virtio/image_store.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include "tests/unit/catch.hpp"
#include "tests/unit/frame_arena.hpp"
#include "tests/unit/vm_heap.hpp"

using namespace cairn;

namespace {

using Bytes = std::vector<std::byte>;

Bytes pattern(std::size_t size, unsigned seed) {
    Bytes bytes(size);
    std::minstd_rand random(seed);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random()); });
    return bytes;
}

struct Bench {
    explicit Bench(std::size_t quota = 4 << 20) : memory(test::kernel_heap(), arena, "t", quota) {}
    ~Bench() { CHECK(memory.account().live() == 0); }

    FrameArena arena;
    VmMemory memory;
};

Bytes read(ImageStore& store, std::uint64_t offset, std::size_t size) {
    Bytes bytes(size);
    store.read(offset, bytes);
    return bytes;
}

}  // namespace

TEST_CASE("an image is read, and is not written to", "[image_store]") {
    Bench bench;
    const Bytes image = pattern(10'240, 1);
    ImageStore store(image, "root.img", bench.memory);
    CHECK(store.is_read_only());
    CHECK(store.size() == image.size());
    CHECK(store.id() == "root.img");
    CHECK(read(store, 0, image.size()) == image);
    CHECK(read(store, 511, 1) == Bytes{image[511]});
    CHECK(bench.arena.used() == 0);
}

TEST_CASE("an overlay keeps what is written, and the image stays", "[image_store]") {
    Bench bench;
    const Bytes image = pattern(3 * 4096 + 512, 2);  // the last block is short
    const Bytes before = image;
    {
        ImageStore store(image, "a", bench.memory);
        ImageStore other(image, "b", bench.memory);
        REQUIRE(store.take_overlay());
        REQUIRE(other.take_overlay());
        CHECK_FALSE(store.is_read_only());
        Bytes model = image;
        const Bytes written = pattern(5000, 3);
        REQUIRE(store.write(3584, written));
        std::ranges::copy(written, model.begin() + 3584);
        REQUIRE(store.write(3 * 4096, std::span(written).first(512)));
        std::copy_n(written.begin(), 512, model.begin() + 3 * 4096);
        CHECK(read(store, 0, image.size()) == model);
        CHECK(read(other, 0, image.size()) == image);
        CHECK(store.kept_bytes() == 4 * 4096);
        CHECK(bench.arena.used() == 5);  // and a table
        CHECK(image == before);
    }
    CHECK(bench.arena.used() == 0);
}

TEST_CASE("what is zeroed whole takes no frame", "[image_store]") {
    Bench bench;
    const Bytes image = pattern(4 * 4096 + 512, 4);
    ImageStore store(image, "a", bench.memory);
    REQUIRE(store.take_overlay());
    REQUIRE(store.write(4096, pattern(8192, 5)));
    CHECK(store.kept_bytes() == 8192);
    Bytes model = read(store, 0, image.size());
    REQUIRE(store.zero(4096 + 512, image.size() - 4096 - 512));
    std::fill(model.begin() + 4096 + 512, model.end(), std::byte{0});
    CHECK(read(store, 0, image.size()) == model);
    CHECK(store.kept_bytes() == 4096);
    REQUIRE(store.zero(8192 + 512, 512));  // of zeroes
    CHECK(store.kept_bytes() == 4096);
    REQUIRE(store.write(8192 + 512, pattern(512, 6)));
    std::ranges::copy(pattern(512, 6), model.begin() + 8192 + 512);
    CHECK(read(store, 0, image.size()) == model);
}

TEST_CASE("without memory nothing is written, and nothing is lost", "[image_store]") {
    Bench bench;
    const Bytes image = pattern(16 * 4096, 7);
    ImageStore store(image, "a", bench.memory);
    REQUIRE(store.take_overlay());
    bench.arena.set_limit(0);
    CHECK_FALSE(store.write(0, pattern(512, 8)));
    CHECK_FALSE(store.zero(0, 4096));
    bench.arena.set_limit(1);  // the table alone
    CHECK_FALSE(store.write(0, pattern(512, 8)));
    CHECK(store.zero(4096, 4096));
    bench.arena.set_limit(2);
    CHECK(store.write(0, pattern(512, 8)));
    CHECK_FALSE(store.write(3 * 4096, pattern(512, 8)));
    CHECK(read(store, 3 * 4096, 4096) == Bytes(image.begin() + 3 * 4096, image.begin() + 4 * 4096));
    CHECK(store.zero(0, 4096));  // gives one back
    CHECK(store.write(3 * 4096, pattern(512, 8)));
}

TEST_CASE("an overlay is what the VM's quota allows", "[image_store]") {
    const Bytes image = pattern(64 * 4096, 9);
    const std::uint64_t most = ImageStore::most_memory(image.size());
    CHECK(most == 65 * 4096 + 8);
    for (const bool enough : {true, false}) {
        Bench bench(most + 64 - (enough ? 0 : 4096));
        ImageStore store(image, "a", bench.memory);
        REQUIRE(store.take_overlay());
        CHECK(store.write(0, pattern(image.size(), 10)) == enough);
        CHECK((bench.memory.account().refusals() == 0) == enough);
    }
}

TEST_CASE("any writes and zeroes are as on a plain disk", "[image_store]") {
    Bench bench(64 << 20);
    const Bytes image = pattern((3 << 20) + 1536, 11);  // two tables
    ImageStore store(image, "a", bench.memory);
    REQUIRE(store.take_overlay());
    Bytes model = image;
    std::minstd_rand random(12);
    for (int n = 0; n < 3000; ++n) {
        const std::size_t offset = random() % image.size();
        const std::size_t size = std::min<std::size_t>(random() % 20'000, image.size() - offset);
        const auto at = model.begin() + static_cast<std::ptrdiff_t>(offset);
        if (random() % 2 == 0) {
            const Bytes written = pattern(size, static_cast<unsigned>(n));
            REQUIRE(store.write(offset, written));
            std::ranges::copy(written, at);
        } else {
            REQUIRE(store.zero(offset, size));
            std::fill_n(at, size, std::byte{0});
        }
        REQUIRE(read(store, offset, size) == Bytes(at, at + static_cast<std::ptrdiff_t>(size)));
    }
    CHECK(read(store, 0, image.size()) == model);
}
