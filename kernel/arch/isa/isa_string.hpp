// SPDX-License-Identifier: MIT
// The ISA string of a device tree: parsed into a set of extensions, filtered down to what a guest
// really gets, and written again. Strings come from firmware and are not trusted: every input has
// an answer, extensions without a row here are dropped. Pure, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <span>
#include <string_view>

namespace cairn {

/// On what condition a guest may be told of an extension that the machine has.
enum class GuestRule : std::uint8_t {
    always,        ///< adds instructions on registers that Cairn saves, or a property of the hart
    never,         ///< adds state that Cairn does not save, or is not the guest's to have
    counters,      ///< hcounteren and the firmware let the guest read cycle, time, instret
    sstc,          ///< henvcfg.STCE is set
    cache_blocks,  ///< henvcfg.CBIE, CBCFE, CBZE are set
    page_types,    ///< henvcfg.PBMTE is set
    page_updates,  ///< henvcfg.ADUE can be set, which is the guest's choice (SBI FWFT)
    vectors,       ///< sstatus.VS lets the guest have the vector registers
    hpm_counters,  ///< hcounteren and the firmware's PMU let the guest have some hpmcounter
};

// Order of the rows is the canonical order of an ISA string ("ISA Extension Naming Conventions").
// Why `never`: h has no nesting; q is registers that nobody resets; sscofpmf's interrupt
// does not reach guests; zawrs' WRS.NTO traps under hstatus.VTW; zcmp's and zcmt's instructions
// make several accesses each, and zcmt adds jvt; zkr reads the entropy CSR; zicfilp and zicfiss add
// ssp and the landing-pad state; zfinx and its family keep fcsr without sstatus.FS; ssnpm needs
// PMM; ssdbltrp DTE; smstateen, smaia and ssaia add CSRs. X(enumerator, name, rule)
#define CAIRN_ISA_EXTENSIONS(X)           \
    X(i, "i", always)                     \
    X(m, "m", always)                     \
    X(a, "a", always)                     \
    X(f, "f", always)                     \
    X(d, "d", always)                     \
    X(q, "q", never)                      \
    X(c, "c", always)                     \
    X(b, "b", always)                     \
    X(v, "v", vectors)                    \
    X(h, "h", never)                      \
    X(zic64b, "zic64b", always)           \
    X(zicbom, "zicbom", cache_blocks)     \
    X(zicbop, "zicbop", always)           \
    X(zicboz, "zicboz", cache_blocks)     \
    X(ziccamoa, "ziccamoa", always)       \
    X(ziccif, "ziccif", always)           \
    X(zicclsm, "zicclsm", always)         \
    X(ziccrse, "ziccrse", always)         \
    X(zicfilp, "zicfilp", never)          \
    X(zicfiss, "zicfiss", never)          \
    X(zicntr, "zicntr", counters)         \
    X(zicond, "zicond", always)           \
    X(zicsr, "zicsr", always)             \
    X(zifencei, "zifencei", always)       \
    X(zihintntl, "zihintntl", always)     \
    X(zihintpause, "zihintpause", always) \
    X(zihpm, "zihpm", hpm_counters)       \
    X(zimop, "zimop", always)             \
    X(zmmul, "zmmul", always)             \
    X(za64rs, "za64rs", always)           \
    X(za128rs, "za128rs", always)         \
    X(zaamo, "zaamo", always)             \
    X(zabha, "zabha", always)             \
    X(zacas, "zacas", always)             \
    X(zalrsc, "zalrsc", always)           \
    X(zama16b, "zama16b", always)         \
    X(zawrs, "zawrs", never)              \
    X(zfa, "zfa", always)                 \
    X(zfbfmin, "zfbfmin", always)         \
    X(zfh, "zfh", always)                 \
    X(zfhmin, "zfhmin", always)           \
    X(zfinx, "zfinx", never)              \
    X(zdinx, "zdinx", never)              \
    X(zca, "zca", always)                 \
    X(zcb, "zcb", always)                 \
    X(zcd, "zcd", always)                 \
    X(zcmop, "zcmop", always)             \
    X(zcmp, "zcmp", never)                \
    X(zcmt, "zcmt", never)                \
    X(zba, "zba", always)                 \
    X(zbb, "zbb", always)                 \
    X(zbc, "zbc", always)                 \
    X(zbkb, "zbkb", always)               \
    X(zbkc, "zbkc", always)               \
    X(zbkx, "zbkx", always)               \
    X(zbs, "zbs", always)                 \
    X(zk, "zk", never)                    \
    X(zkn, "zkn", always)                 \
    X(zknd, "zknd", always)               \
    X(zkne, "zkne", always)               \
    X(zknh, "zknh", always)               \
    X(zkr, "zkr", never)                  \
    X(zks, "zks", always)                 \
    X(zksed, "zksed", always)             \
    X(zksh, "zksh", always)               \
    X(zkt, "zkt", always)                 \
    X(ztso, "ztso", always)               \
    X(zvbb, "zvbb", vectors)              \
    X(zvbc, "zvbc", vectors)              \
    X(zve32f, "zve32f", vectors)          \
    X(zve32x, "zve32x", vectors)          \
    X(zve64d, "zve64d", vectors)          \
    X(zve64f, "zve64f", vectors)          \
    X(zve64x, "zve64x", vectors)          \
    X(zvfh, "zvfh", vectors)              \
    X(zvfhmin, "zvfhmin", vectors)        \
    X(zvkb, "zvkb", vectors)              \
    X(zvkg, "zvkg", vectors)              \
    X(zvkned, "zvkned", vectors)          \
    X(zvknha, "zvknha", vectors)          \
    X(zvknhb, "zvknhb", vectors)          \
    X(zvksed, "zvksed", vectors)          \
    X(zvksh, "zvksh", vectors)            \
    X(zvkt, "zvkt", vectors)              \
    X(smaia, "smaia", never)              \
    X(smstateen, "smstateen", never)      \
    X(ssaia, "ssaia", never)              \
    X(sscofpmf, "sscofpmf", never)        \
    X(ssdbltrp, "ssdbltrp", never)        \
    X(ssnpm, "ssnpm", never)              \
    X(ssstateen, "ssstateen", never)      \
    X(sstc, "sstc", sstc)                 \
    X(svadu, "svadu", page_updates)       \
    X(svade, "svade", always)             \
    X(svinval, "svinval", always)         \
    X(svnapot, "svnapot", always)         \
    X(svpbmt, "svpbmt", page_types)       \
    X(svvptc, "svvptc", always)

enum class IsaExtension : std::uint8_t {
#define CAIRN_ROW(enumerator, name, rule) enumerator,
    CAIRN_ISA_EXTENSIONS(CAIRN_ROW)
#undef CAIRN_ROW
};

struct IsaRow {
    IsaExtension extension;
    std::string_view name;
    GuestRule rule;
};

/// Every row of CAIRN_ISA_EXTENSIONS, in its order: row N is enumerator N.
inline constexpr auto isa_rows = std::to_array<IsaRow>({
#define CAIRN_ROW(enumerator, name, rule) {IsaExtension::enumerator, name, GuestRule::rule},
    CAIRN_ISA_EXTENSIONS(CAIRN_ROW)
#undef CAIRN_ROW
});

/// A set of extensions.
class IsaSet {
  public:
    constexpr IsaSet() = default;
    constexpr IsaSet(std::initializer_list<IsaExtension> extensions) {
        for (const IsaExtension extension : extensions)
            insert(extension);
    }
    constexpr void insert(IsaExtension extension) { word(extension) |= bit(extension); }
    constexpr void erase(IsaExtension extension) { word(extension) &= ~bit(extension); }
    [[nodiscard]] constexpr bool contains(IsaExtension extension) const {
        return (words_[index(extension)] & bit(extension)) != 0;
    }
    /// Takes all of `others` out.
    constexpr void erase(const IsaSet& others) {
        for (std::size_t i = 0; i < words_.size(); ++i)
            words_[i] &= ~others.words_[i];
    }
    constexpr bool operator==(const IsaSet&) const = default;

  private:
    static constexpr std::size_t index(IsaExtension e) { return static_cast<std::size_t>(e) / 64; }
    static constexpr std::uint64_t bit(IsaExtension e) {
        return std::uint64_t{1} << (static_cast<unsigned>(e) % 64);
    }
    constexpr std::uint64_t& word(IsaExtension e) { return words_[index(e)]; }

    std::array<std::uint64_t, (isa_rows.size() + 63) / 64> words_{};
};

enum class IsaError : std::uint8_t {
    not_rv64,          ///< does not begin with "rv64" and a base
    bad_character,     ///< something but letters, digits and underscores
    buffer_too_small,  ///< the output does not fit
};
[[nodiscard]] std::string_view to_string(IsaError error);

/// Parses "rv64imafdch_zicsr_sstc": any case, with or without version numbers ("zicsr2p0"). `g`
/// counts as IMAFD_Zicsr_Zifencei, `b` as Zba_Zbb_Zbs too.
[[nodiscard]] std::expected<IsaSet, IsaError> parse_isa_string(std::string_view text);

/// Parses the value of `riscv,isa-extensions`: names that each end in a NUL.
[[nodiscard]] IsaSet parse_isa_list(std::string_view bytes);

/// What Cairn has set up for a guest; see GuestRule.
struct GuestIsaOptions {
    bool counters = false;
    bool sstc = false;
    bool cache_blocks = false;
    bool page_types = false;
    bool page_updates = false;
    bool vectors = false;
    bool hpm_counters = false;
};

/// The part of `machine` that is true of a guest.
[[nodiscard]] IsaSet guest_isa(const IsaSet& machine, const GuestIsaOptions& options);

/// Enough bytes for what write_isa_string and write_isa_list make of any set.
inline constexpr std::size_t isa_string_capacity = [] {
    std::size_t size = std::string_view("rv64").size();
    for (const IsaRow& row : isa_rows)
        size += row.name.size() + 1;
    return size;
}();

/// Writes "rv64ima..._zicsr..." (no NUL) to `buffer`; returns what was written.
[[nodiscard]] std::expected<std::string_view, IsaError> write_isa_string(const IsaSet& set,
                                                                         std::span<char> buffer);

/// Writes the names, each with its NUL, as `riscv,isa-extensions` wants them.
[[nodiscard]] std::expected<std::string_view, IsaError> write_isa_list(const IsaSet& set,
                                                                       std::span<char> buffer);

}  // namespace cairn
