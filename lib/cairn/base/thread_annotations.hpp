// SPDX-License-Identifier: MIT
// Names for clang's thread-safety attributes (-Wthread-safety checks them at compile time). A
// lock is a capability, data says which lock guards it, functions say what they take and release.
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html. Another compiler is told nothing.
#pragma once

#include "cairn/base/language.hpp"

#ifdef __clang__
#define CAIRN_CAPABILITY(name) [[clang::capability(name)]]
#define CAIRN_SCOPED_CAPABILITY [[clang::scoped_lockable]]
#define CAIRN_GUARDED_BY(lock) __attribute__((guarded_by(lock)))
#define CAIRN_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define CAIRN_TRY_ACQUIRE(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define CAIRN_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define CAIRN_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define CAIRN_EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define CAIRN_NO_THREAD_SAFETY_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define CAIRN_CAPABILITY(name)
#define CAIRN_SCOPED_CAPABILITY
#define CAIRN_GUARDED_BY(lock)
#define CAIRN_ACQUIRE(...)
#define CAIRN_TRY_ACQUIRE(...)
#define CAIRN_RELEASE(...)
#define CAIRN_REQUIRES(...)
#define CAIRN_EXCLUDES(...)
#define CAIRN_NO_THREAD_SAFETY_ANALYSIS
#endif
