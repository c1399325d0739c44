// SPDX-License-Identifier: MIT
#include "cairn/panic.hpp"
#include "cairn/bits.hpp"
