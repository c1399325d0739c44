// SPDX-License-Identifier: MIT
// The try_ forms of `basic_string`: each reports ContainerError where its namesake panics for want
// of memory, and then has changed nothing. There where the allocator has `try_allocate`.
#pragma once

#include <cstddef>
#include <source_location>
#include <string_view>

#include "cairn/base/language.hpp"
#include "cairn/container/container_error.hpp"
#include "cairn/container/string/string_storage.hpp"

namespace cairn {

template <class Allocator>
class StringTryForms : public StringStorage<Allocator> {
  protected:
    using StringStorage<Allocator>::StringStorage;
};

template <FallibleAllocator Allocator>
class StringTryForms<Allocator> : public StringStorage<Allocator> {
    using Storage = StringStorage<Allocator>;
    using Here = std::source_location;
    static constexpr OnFailure reports = OnFailure::report;

  protected:
    using Storage::length, Storage::Storage;
    template <class Value>
    using Result = std::expected<Value, ContainerError>;

  public:
    [[nodiscard]] constexpr Result<void> try_assign(std::string_view text) {
        return this->replace_at(reports, 0, length(), text);
    }
    [[nodiscard]] constexpr Result<void> try_assign(std::size_t count, char letter) {
        return this->fill_from(reports, 0, count, letter);
    }
    [[nodiscard]] constexpr Result<void> try_append(std::string_view text) {
        return this->replace_at(reports, length(), 0, text);
    }
    [[nodiscard]] constexpr Result<void> try_append(std::size_t count, char letter) {
        return this->fill_from(reports, length(), count, letter);
    }
    [[nodiscard]] constexpr Result<void> try_push_back(char letter) {
        return this->push(reports, letter);
    }
    [[nodiscard]] constexpr Result<void> try_insert(std::size_t index, std::string_view text,
                                                    Here where = Here::current()) {
        return try_replace(index, 0, text, where);
    }
    [[nodiscard]] constexpr Result<void> try_replace(std::size_t index, std::size_t count,
                                                     std::string_view text,
                                                     Here where = Here::current()) {
        return this->replace_at(reports, index, this->present(index, count, where), text);
    }
    [[nodiscard]] constexpr Result<void> try_resize(std::size_t count, char letter = '\0') {
        return this->resize_to(reports, count, letter);
    }
    [[nodiscard]] constexpr Result<void> try_reserve(std::size_t count) {
        return this->reserve_at_least(reports, count);
    }
};

}  // namespace cairn
