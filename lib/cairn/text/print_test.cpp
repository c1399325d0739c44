// SPDX-License-Identifier: MIT
#include "cairn/print.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/unit/catch.hpp"

using namespace cairn;

namespace {

struct Output {
    std::string text;
    int status;
};

/// Runs `action` in a child, and collects what it writes to descriptor `from`.
template <class Action>
Output output_of(int from, const Action& action) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        dup2(ends[1], from);
        action();
        std::fflush(stdout);
        _exit(0);
    }
    close(ends[1]);
    Output output{};
    char piece[256];
    for (ssize_t count = 0; (count = read(ends[0], piece, sizeof piece)) > 0;) {
        output.text.append(piece, static_cast<std::size_t>(count));
    }
    close(ends[0]);
    waitpid(child, &output.status, 0);
    return output;
}

}  // namespace

TEST_CASE("print and println write to the console", "[print]") {
    const Output output = output_of(STDOUT_FILENO, [] {
        print("v = {}", std::vector<char>{'a', 'b', 'c'});
        println();
        println("{:#x} and {}", 255, "text");
    });
    CHECK(output.text == "v = ['a', 'b', 'c']\n0xff and text\n");
}

TEST_CASE("a line longer than the buffer arrives whole", "[print]") {
    const Output output = output_of(STDOUT_FILENO, [] { println("{:*>1000}|", 1); });
    CHECK(output.text == std::string(999, '*') + "1|\n");
}

TEST_CASE("print and println write to a writer", "[print]") {
    FixedBuffer<64> buffer;
    print(buffer, "{}-", 1);
    println(buffer, "{}", 2);
    println(buffer);
    CHECK(buffer.view() == "1-2\n\n");
}

TEST_CASE("a formatted panic says its sentence and place, and does not return", "[print]") {
    const Output output = output_of(STDERR_FILENO, [] { panic_format("{} is not {:#x}", 1, 2); });
    CHECK(output.text.find("panic: 1 is not 0x2\n") != std::string::npos);
    CHECK(output.text.find("print_test.cpp") != std::string::npos);
    CHECK(WIFSIGNALED(output.status));
}

TEST_CASE("a panic that is too long to say ends in an ellipsis", "[print]") {
    const Output output = output_of(STDERR_FILENO, [] { panic_format("{:*>300}", 1); });
    CHECK(output.text.find("panic: " + std::string(253, '*') + "...\n") != std::string::npos);
}
