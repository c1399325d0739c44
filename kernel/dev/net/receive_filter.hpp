// SPDX-License-Identifier: MIT
// Which frames an interface asks for, by their destination (VIRTIO 1.2, section 5.1.6.5): its own
// address, everybody's, and those of two tables; or all of several, or all.
//
//     destination ── own, or broadcast ──► taken
//                 ├─ one interface's ──► in the table, or that has been too long?
//                 └─ several' ─────────► in the other table, or too long, or all-multicast?
//
// No locking: it is its device's.
#pragma once

#include <algorithm>
#include <cstddef>

#include <cairn/static_vector.hpp>
#include "kernel/arch/mac_address.hpp"

namespace cairn {

class ReceiveFilter {
  public:
    static constexpr std::size_t most_addresses = 32;  ///< in each table

    /// Addresses; of a list that is longer, none is left out: it takes all.
    class Table {
      public:
        void add(const MacAddress& address) {
            is_too_long_ = is_too_long_ || addresses_.try_push_back(address) == nullptr;
        }
        [[nodiscard]] bool has(const MacAddress& address) const {
            return is_too_long_ || std::ranges::find(addresses_, address) != addresses_.end();
        }
        [[nodiscard]] bool is_too_long() const { return is_too_long_; }

      private:
        static_vector<MacAddress, most_addresses> addresses_;
        bool is_too_long_ = false;
    };
    /// The first of single interfaces, the second of groups.
    struct Tables {
        Table single;
        Table groups;
    };

    /// As after a reset: it takes what goes to `own`, or to everybody.
    void reset(const MacAddress& own) { *this = ReceiveFilter(own); }
    explicit ReceiveFilter(const MacAddress& own) : own_(own) {}

    void set_own(const MacAddress& own) { own_ = own; }
    void set_tables(const Tables& tables) { tables_ = tables; }
    void take_all(bool on) { takes_all_ = on; }
    void take_all_groups(bool on) { takes_all_groups_ = on; }

    [[nodiscard]] bool takes(const MacAddress& destination) const {
        if (takes_all_ || destination == own_) return true;
        if (!destination.is_group()) return tables_.single.has(destination);
        return takes_all_groups_ || destination == everybody || tables_.groups.has(destination);
    }

  private:
    static constexpr MacAddress everybody{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

    MacAddress own_;
    bool takes_all_ = false;
    bool takes_all_groups_ = false;
    Tables tables_;
};

}  // namespace cairn
