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
    using Storage = StringStorage<Allocator>;
    using Here = std::source_location;
    static constexpr OnFailure reports = OnFailure::report;

  protected:
    static constexpr bool can_report = FallibleAllocator<Allocator>;
    using Storage::length, Storage::chars, Storage::Storage;
    template <class Value>
    using Result = std::expected<Value, ContainerError>;

  public:
    [[nodiscard]] constexpr Result<void> try_assign(std::string_view text)
        requires can_report
    {
        return this->replace_at(reports, 0, length(), text);
    }
    [[nodiscard]] constexpr Result<void> try_assign(std::size_t count, char letter)
        requires can_report
    {
        return this->fill_from(reports, 0, count, letter);
    }
    [[nodiscard]] constexpr Result<void> try_append(std::string_view text)
        requires can_report
    {
        return this->replace_at(reports, length(), 0, text);
    }
    [[nodiscard]] constexpr Result<void> try_append(std::size_t count, char letter)
        requires can_report
    {
        return this->fill_from(reports, length(), count, letter);
    }
    [[nodiscard]] constexpr Result<void> try_push_back(char letter)
        requires can_report
    {
        return push(reports, letter);
    }
    [[nodiscard]] constexpr Result<void> try_insert(std::size_t index, std::string_view text,
                                                    Here where = Here::current())
        requires can_report
    {
        return try_replace(index, 0, text, where);
    }
    [[nodiscard]] constexpr Result<void> try_replace(std::size_t index, std::size_t count,
                                                     std::string_view text,
                                                     Here where = Here::current())
        requires can_report
    {
        return this->replace_at(reports, index, present(index, count, where), text);
    }
    [[nodiscard]] constexpr Result<void> try_resize(std::size_t count, char letter = '\0')
        requires can_report
    {
        return resize_to(reports, count, letter);
    }
    [[nodiscard]] constexpr Result<void> try_reserve(std::size_t count)
        requires can_report
    {
        return this->reserve_at_least(reports, count);
    }

  protected:
    constexpr Result<void> push(OnFailure failure, char letter) {
        if (length() == this->room()) [[unlikely]]
            return this->fill_from(failure, length(), 1, letter);
        Storage::put(chars() + length(), letter);
        this->set_length(length() + 1);
        return {};
    }
    constexpr Result<void> resize_to(OnFailure failure, std::size_t count, char letter) {
        if (count > length()) return this->fill_from(failure, length(), count - length(), letter);
        this->set_length(count);
        return {};
    }
    /// How many of `count` characters from `index` on there are.
    constexpr std::size_t present(std::size_t index, std::size_t count, Here where) const {
        if (index > length()) [[unlikely]]
            panic_index("string", index, length(), where);
        return count < length() - index ? count : length() - index;
    }
};

}  // namespace cairn
