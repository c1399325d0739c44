// SPDX-License-Identifier: MIT
// Programs of the machine that tests take as second sources (QEMU, dtc, cpio); a test that finds
// its program missing says so and passes.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace cairn {

/// A fresh folder, removed at the end.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "cairn-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

/// Whether the shell finds `program`.
inline bool has_program(const std::string& program) {
    return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

inline bool run_command(const std::string& command) {
    return std::system(command.c_str()) == 0;
}

inline std::vector<std::byte> read_bytes(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    const std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
    const auto bytes = std::as_bytes(std::span{text});
    return {bytes.begin(), bytes.end()};
}

inline void write_bytes(const std::string& file, std::span<const std::byte> bytes) {
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
}

/// The device tree of QEMU's `virt` machine with these options; empty where there is no QEMU.
inline std::vector<std::byte> qemu_tree(const std::string& options,
                                        const std::string& board = "virt") {
    if (!has_program("qemu-system-riscv64")) return {};
    const TemporaryFolder folder;
    const std::string file = folder.file("virt.dtb");
    if (!run_command("qemu-system-riscv64 -M " + board + ",dumpdtb=" + file + " " + options +
                     " >/dev/null 2>&1")) {
        return {};
    }
    return read_bytes(file);
}

}  // namespace cairn
