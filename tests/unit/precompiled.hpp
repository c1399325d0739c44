// SPDX-License-Identifier: MIT
// What unit tests include that takes seconds to parse: once per program instead of once per file.
#pragma once

#include <rapidcheck.h>

#include "tests/unit/catch.hpp"
