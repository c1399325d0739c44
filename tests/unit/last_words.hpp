// SPDX-License-Identifier: MIT
// What a program says when it panics.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "tests/unit/catch.hpp"

namespace cairn {

/// What `action` writes to standard error on its way to abort(), in a process of its own.
template <class Action>
std::string last_words(Action action) {
    std::array<int, 2> pipe_ends{};
    REQUIRE(::pipe(pipe_ends.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(pipe_ends[1], STDERR_FILENO);
        ::signal(SIGABRT, SIG_DFL);
        action();
        ::_exit(0);
    }
    ::close(pipe_ends[1]);
    std::string text;
    std::array<char, 256> chunk{};
    for (ssize_t n = 0; (n = ::read(pipe_ends[0], chunk.data(), chunk.size())) > 0;) {
        text.append(chunk.data(), static_cast<std::size_t>(n));
    }
    ::close(pipe_ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    return text;
}

}  // namespace cairn
