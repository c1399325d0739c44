// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/uefi/volume.hpp"

#include <algorithm>

namespace cairn::uefi {

Result<OpenFile> OpenFile::volume(Firmware firmware, Handle device) {
    const auto system = firmware.protocol<SimpleFileSystem>(device);
    if (!system) return std::unexpected(system.error());
    File* root = nullptr;
    const Status status = (*system)->open_volume(*system, &root);
    if (is_error(status)) return std::unexpected(status);
    return OpenFile(root);
}

Result<OpenFile> OpenFile::open(std::string_view path) const {
    char16_t name[path_capacity + 1]{};
    if (path.size() > path_capacity) return std::unexpected(Status::invalid_parameter);
    std::ranges::transform(path, name, [](char letter) {
        return static_cast<char16_t>(static_cast<unsigned char>(letter));
    });
    File* file = nullptr;
    const Status status = file_->open(file_, &file, name, File::mode_read, 0);
    if (is_error(status)) return std::unexpected(status);
    return OpenFile(file);
}

OpenFile::~OpenFile() {
    if (file_ != nullptr) (void)file_->close(file_);
}

Result<std::uint64_t> OpenFile::size() const {
    std::uint64_t size = 0;
    if (const Status status = file_->set_position(file_, File::end); is_error(status)) {
        return std::unexpected(status);
    }
    if (const Status status = file_->get_position(file_, &size); is_error(status)) {
        return std::unexpected(status);
    }
    return value_or_status(file_->set_position(file_, 0), size);
}

Result<void> OpenFile::read(std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
        std::size_t count = bytes.size();
        const Status status = file_->read(file_, &count, bytes.data());
        if (is_error(status)) return std::unexpected(status);
        if (count == 0 || count > bytes.size()) return std::unexpected(Status::end_of_file);
        bytes = bytes.subspan(count);
    }
    return {};
}

}  // namespace cairn::uefi
