// SPDX-License-Identifier: MIT
// For programs that run under libcairn_malloc.so and under the C library's own malloc alike.
#pragma once

#include <cstdio>

inline int failures = 0;

#define EXPECT(condition)                                                        \
    do {                                                                         \
        if (!(condition)) {                                                      \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            ++failures;                                                          \
        }                                                                        \
    } while (false)

/// Resident memory of this process, in bytes.
inline std::size_t resident_size() {
    std::size_t pages = 0;
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%*u %zu", &pages) != 1) std::perror("statm");
    if (file != nullptr) std::fclose(file);
    return pages * 4096;
}
