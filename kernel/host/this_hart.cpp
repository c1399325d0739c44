// SPDX-License-Identifier: MIT
#include "kernel/host/this_hart.hpp"

namespace cairn {

constinit thread_local ThisHart this_hart;

}  // namespace cairn
