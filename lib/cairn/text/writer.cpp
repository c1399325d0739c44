// SPDX-License-Identifier: MIT
#include "cairn/writer.hpp"

namespace cairn {

void BufferedWriter::write(std::string_view text) {
    while (!text.empty()) {
        const std::size_t count = std::min(text.size(), buffer_.size() - used_);
        std::copy_n(text.data(), count, buffer_.data() + used_);
        used_ += count;
        text.remove_prefix(count);
        if (used_ == buffer_.size()) flush();
    }
}

void BufferedWriter::flush() {
    if (used_ != 0) out_({buffer_.data(), used_});
    used_ = 0;
}

}  // namespace cairn
