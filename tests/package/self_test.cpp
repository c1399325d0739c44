// SPDX-License-Identifier: MIT
// What the library's parts do on a machine that no unit test runs on: test_consumers.py builds this
// into the bare-metal programs of docs/using-the-library.md. It says how many things it looked at,
// and panics at the first that is not as it should be.
#include <cairn/bump_allocator.hpp>
#include <cairn/classic_heap.hpp>
#include <cairn/flat_map.hpp>
#include <cairn/global_heap.hpp>
#include <cairn/hardened.hpp>
#include <cairn/hash_map.hpp>
#include <cairn/platform.hpp>
#include <cairn/print.hpp>
#include <cairn/ring_buffer.hpp>
#include <cairn/static_vector.hpp>
#include <cairn/string.hpp>
#include <cairn/tracking.hpp>
#include <cairn/unique_ptr.hpp>
#include <cairn/vector.hpp>

using namespace cairn;

namespace {

unsigned looked_at = 0;

void expect(bool truth, std::source_location where = std::source_location::current()) {
    ++looked_at;
    require(truth, "not as it should be", where);
}

/// Knuth's MMIX generator.
class Numbers {
  public:
    unsigned below(unsigned end) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<unsigned>((state_ >> 33) % end);
    }

  private:
    std::uint64_t state_ = 1;
};

void vectors() {
    vector<std::uint64_t> numbers;
    for (std::uint64_t i = 0; i < 3000; ++i)
        numbers.push_back(i << 32 | i);
    expect(numbers.size() == 3000 && numbers[2999] == 0xbb7'0000'0bb7);
    numbers.erase(numbers.begin() + 1, numbers.end() - 1);
    numbers.insert(numbers.begin() + 1, 3, numbers.back());
    expect(numbers.size() == 5 && numbers[3] == numbers[4] && numbers[0] == 0);

    vector<string> words{"one", "two", "a word that is too long for the string's own room"};
    words.insert(words.begin(), words[2]);
    const auto same = &words;
    words = std::move(*same);
    expect(words.size() == 4 && words[0] == words[3] && words[1] == "one");
    struct Node {
        int value = 0;
        vector<Node> kids;
    };
    Node root{1, {}};
    root.kids.push_back({2, {}});
    root.kids[0].kids.push_back({3, {}});
    root.kids = std::move(root.kids[0].kids);
    expect(root.kids.size() == 1 && root.kids[0].value == 3);

    static_vector<std::unique_ptr<int>, 4> few;
    few.push_back(try_make_unique<int>(7));
    few.insert(few.begin(), try_make_unique<int>(6));
    expect(few.size() == 2 && *few[0] == 6 && *few[1] == 7);
    ring_buffer<char, 4> ring;
    for (const char letter : std::string_view("abc"))
        expect(ring.try_push_back(letter));
    expect(ring.front() == 'a' && ring[2] == 'c' && !ring.full());
}

void strings() {
    string text("x");
    text = {};
    expect(text.empty() && text[0] == '\0');
    for (int i = 0; i < 100; ++i)
        text += "0123456789";
    expect(text.size() == 1000 && text.find("90") == 9 && text.rfind('0') == 990);
    text.replace(10, 980, "<>");
    expect(text == "0123456789<>0123456789" && text.substr(9, 4) == "9<>0");
    FixedBuffer<64> out;
    format_to(out, "{:#x} {:>4} {}", std::uint64_t{1} << 40, -3, std::string_view("y"));
    expect(out.view() == "0x10000000000   -3 y");
}

void maps() {
    Numbers random;
    hash_map<unsigned, std::uint64_t> hashed;
    flat_map<unsigned, std::uint64_t> sorted;
    for (unsigned i = 0; i < 4000; ++i) {
        const unsigned key = random.below(500);
        if (random.below(3) == 0) {
            expect(hashed.erase(key) == sorted.erase(key));
        } else {
            hashed.insert_or_assign(key, std::uint64_t{i} << 20);
            sorted[key] = std::uint64_t{i} << 20;
        }
    }
    expect(hashed.size() == sorted.size());
    for (const auto& [key, value] : sorted)
        expect(hashed.at(key) == value);
    hash_map<string, vector<int>> lists;
    lists["a"].push_back(1);
    lists["b"] = {};
    expect(lists.contains(std::string_view("a")) && lists.at("b").empty());
}

struct Piece {
    std::byte* block = nullptr;
    Layout layout{0};
    std::byte mark{};

    [[nodiscard]] bool is_whole() const {
        return std::all_of(block, block + layout.size, [this](std::byte b) { return b == mark; });
    }
};

/// Blocks of all sizes and alignments, each with a content of its own, come and go.
template <class Heap>
void churn(Heap& heap, unsigned rounds, unsigned largest) {
    Numbers random;
    std::array<Piece, 64> pieces{};
    for (unsigned i = 0; i < rounds; ++i) {
        Piece& piece = pieces[random.below(64)];
        if (piece.block != nullptr) {
            expect(piece.is_whole());
            heap.deallocate(piece.block, piece.layout);
        }
        const std::size_t alignment = std::size_t{1} << random.below(8);
        piece.layout = Layout{1 + random.below(random.below(8) == 0 ? largest : 200), alignment};
        piece.block = heap.allocate(piece.layout).value_or(nullptr);
        if (piece.block == nullptr) continue;
        expect(reinterpret_cast<std::uintptr_t>(piece.block) % alignment == 0);
        piece.mark = static_cast<std::byte>(i);
        std::fill_n(piece.block, piece.layout.size, piece.mark);
    }
    for (const Piece& piece : pieces) {
        if (piece.block == nullptr) continue;
        expect(piece.is_whole());
        heap.deallocate(piece.block, piece.layout);
    }
}

void heaps() {
    const std::size_t before = global_heap().core().statistics().live;
    churn(global_heap(), 6000, 20000);
    expect(global_heap().core().check());
    expect(global_heap().core().statistics().live == before);
    Hardened hardened(global_heap(), "hardened");
    churn(hardened, 500, 5000);
    BlockLedger ledger("tracking");
    {
        Tracking tracking(global_heap(), ledger, "self-test");
        churn(tracking, 500, 5000);
    }
    expect(global_heap().core().check());

    alignas(16) static std::byte memory[48 << 10];
    BumpAllocator source;
    expect(source.init({memory, sizeof memory}).has_value());
    ClassicHeap<BestFit> classic(source, {});
    churn(classic, 1500, 800);
    expect(classic.check());
}

}  // namespace

void cairn::platform_random(std::span<std::byte> out) {
    static Numbers random;
    for (std::byte& each : out)
        each = static_cast<std::byte>(random.below(256));
}

void self_test() {
    vectors();
    strings();
    maps();
    heaps();
    println("self-test: all {} things as they should be", looked_at);
}
