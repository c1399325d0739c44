// SPDX-License-Identifier: MIT
// Writes cpio archives behind each other, and knows what unpacking them into one folder would give:
// files by their paths, where a later entry replaces an earlier one, and data by what makes hard
// links one file. Strings and maps, to be too simple to be wrong.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace cairn {

struct ModelEntry {
    std::string name;
    std::string data;
    unsigned mode = 0100644;
    unsigned links = 1;
    unsigned inode = 0;
    unsigned device_major = 0;
    unsigned device_minor = 0;
    unsigned name_padding = 0;  ///< NULs behind the name's own
};

class ArchiveModel {
  public:
    void add(const ModelEntry& entry) {
        write(entry);
        if (entry.name == trailer) return start_another();
        const Identity identity{archive_, entry.device_major, entry.device_minor, entry.inode};
        const bool is_file = (entry.mode & 0170000) == 0100000;
        files_[path_of(entry.name)] = {entry.data, is_file, entry.links, identity};
        if (is_file && entry.links >= 2 && !entry.data.empty()) linked_[identity] = entry.data;
    }

    /// Ends this archive; the next entry is another one's, behind the zeroes.
    void end(std::size_t zeroes = 0) {
        write({trailer, "", 0});
        bytes_.append(zeroes, '\0');
        start_another();
    }

    [[nodiscard]] std::span<const std::byte> bytes() const {
        return std::as_bytes(std::span(bytes_));
    }

    /// Nothing where no entry has this path, or what has it is no file.
    [[nodiscard]] std::optional<std::string> file(const std::string& name) const {
        const auto found = files_.find(path_of(name));
        if (found == files_.end() || !found->second.is_file) return std::nullopt;
        const auto linked = linked_.find(found->second.identity);
        if (found->second.links >= 2 && linked != linked_.end()) return linked->second;
        return found->second.data;
    }

  private:
    static constexpr const char* trailer = "TRAILER!!!";
    using Path = std::vector<std::string>;
    using Identity = std::tuple<unsigned, unsigned, unsigned, unsigned>;
    struct File {
        std::string data;
        bool is_file = false;
        unsigned links = 1;
        Identity identity;
    };

    static Path path_of(const std::string& name) {
        Path parts{""};
        for (const char letter : name.substr(0, name.find('\0'))) {
            if (letter == '/') {
                parts.emplace_back();
            } else {
                parts.back() += letter;
            }
        }
        std::erase_if(parts, [](const std::string& part) { return part.empty() || part == "."; });
        return parts;
    }

    void start_another() {
        start_ = bytes_.size();
        ++archive_;
    }

    void write(const ModelEntry& entry) {
        char header[128];
        std::snprintf(header, sizeof header,
                      "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", entry.inode,
                      entry.mode, 0u, 0u, entry.links, 0u, entry.data.size(), entry.device_major,
                      entry.device_minor, 0u, 0u, entry.name.size() + 1 + entry.name_padding, 0u);
        bytes_ += header + entry.name;
        bytes_.append(1 + entry.name_padding, '\0');
        pad();
        bytes_ += entry.data;
        pad();
    }

    void pad() { bytes_.append((start_ - bytes_.size()) % 4, '\0'); }

    std::string bytes_;
    std::size_t start_ = 0;
    unsigned archive_ = 0;
    std::map<Path, File> files_;
    std::map<Identity, std::string> linked_;
};

}  // namespace cairn
