// SPDX-License-Identifier: MIT
// The sentences about the archive of VMs: where, what is wrong, and what would be right.
#include <algorithm>

#include "kernel/vm/bundle.hpp"
#include "lib/container/static_vector.hpp"
#include "lib/cpio_path.hpp"
