// SPDX-License-Identifier: MIT
#include "lib/panic.hpp"
#include "lib/bits.hpp"
