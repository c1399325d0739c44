// SPDX-License-Identifier: MIT
#include "kernel/host/cpu/this_hart.hpp"

namespace cairn {

constinit thread_local ThisHart this_hart;

}  // namespace cairn
