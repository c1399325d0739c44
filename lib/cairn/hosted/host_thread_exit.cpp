// SPDX-License-Identifier: MIT
// Compiled: for hosted programs alone. It calls the host's library.
// By a key of POSIX threads rather than a destructor of a thread_local: registering that allocates.
#include <pthread.h>

#include "cairn/heap/thread_exit.hpp"

namespace cairn {
namespace {

pthread_key_t key;
pthread_once_t once = PTHREAD_ONCE_INIT;

void close(void* cache) {
    close_cache(*static_cast<HeapCache*>(cache));
}

void create_key() {
    ::pthread_key_create(&key, close);
}

}  // namespace

void close_at_thread_exit(HeapCache& cache) {
    ::pthread_once(&once, create_key);
    ::pthread_setspecific(key, &cache);
}

}  // namespace cairn
