// SPDX-License-Identifier: MIT
// Catch2 2.x (Debian 12) and 3.x (Debian 13) behind one include.
#pragma once

#ifdef CAIRN_CATCH2_V3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
