// SPDX-License-Identifier: MIT
// Compiled: for hosted programs alone. It calls the host's library.
// By a key of POSIX threads rather than a destructor of a thread_local: registering that allocates.
#include <pthread.h>

#include "cairn/heap/thread_exit.hpp"

namespace cairn {
namespace {

struct ExitCall {
    void (*function)(void*) = nullptr;
    void* context = nullptr;
};
constinit thread_local ExitCall exit_call;

pthread_key_t key;
pthread_once_t once = PTHREAD_ONCE_INIT;

void run(void* call) {
    const auto& exit = *static_cast<ExitCall*>(call);
    exit.function(exit.context);
}

void create_key() {
    ::pthread_key_create(&key, run);
}

}  // namespace

void at_thread_exit(void (*function)(void* context), void* context) {
    ::pthread_once(&once, create_key);
    exit_call = {.function = function, .context = context};
    ::pthread_setspecific(key, &exit_call);
}

}  // namespace cairn
