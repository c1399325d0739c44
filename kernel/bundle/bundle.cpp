// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/bundle/bundle.hpp"

#include <algorithm>

#include <cairn/cpio_path.hpp>
#include <cairn/static_vector.hpp>

namespace cairn {

namespace {

constexpr std::string_view config_name = "vm.conf";

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr bool may_be_in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/// Whether a relative path stays below where it starts.
bool stays_inside(std::string_view path) {
    if (path.starts_with('/')) return false;
    CpioPath parts(path);
    for (std::string_view part = parts.take(); !part.empty(); part = parts.take()) {
        if (part == "..") return false;
    }
    return true;
}

/// Where a vm.conf lies: in one `folder`, if it is `in_place`.
struct ConfigPath {
    std::string_view folder;
    bool in_place = false;
};

/// Nothing where `name` is no vm.conf's.
std::optional<ConfigPath> read_config_path(std::string_view name) {
    CpioPath parts(name);
    std::string_view folder;
    std::string_view last;
    std::size_t count = 0;
    for (std::string_view part = parts.take(); !part.empty(); part = parts.take(), ++count) {
        folder = last;
        last = part;
    }
    if (last != config_name) return std::nullopt;
    return ConfigPath{folder, count == 2};
}

class Reader {
  public:
    Reader(const CpioArchive& archive, VmConfigLimits limits)
        : archive_(archive), limits_(limits) {}

    std::expected<Bundle, BundleError> read() {
        if (const auto found = find_configs(); !found) return std::unexpected(found.error());
        Bundle bundle;
        for (const Config& config : configs_) {
            if (!config.entry.is_file()) continue;  // a link or a folder has replaced it
            const auto vm = read_vm(config);
            if (!vm) return std::unexpected(vm.error());
            if (const auto other = in_front(bundle); other && in_front(*vm))
                return fail_second_in_front(vm->config, *other);
            if (!bundle.add(*vm)) return fail(BundleFault::too_many_vms, config.entry.name);
        }
        if (bundle.vms().empty()) return fail(BundleFault::no_vms, {});
        return bundle;
    }

  private:
    using Bytes = std::span<const std::byte>;

    struct Config {
        std::string_view folder;
        CpioEntry entry;  ///< the last one of its path
    };

    static bool in_front(const BundleVm& vm) { return vm.config.console == ConsolePlace::front; }
    static std::optional<VmConfig> in_front(const Bundle& bundle) {
        for (const BundleVm& vm : bundle.vms()) {
            if (in_front(vm)) return vm.config;
        }
        return std::nullopt;
    }

    /// Every vm.conf of the archive, in the order of their first entries.
    std::expected<void, BundleError> find_configs() {
        for (const CpioEntry& entry : archive_) {
            const auto path = read_config_path(entry.name);
            if (!path) continue;
            const auto earlier = std::ranges::find(configs_, path->folder, &Config::folder);
            if (path->in_place && earlier != configs_.end()) {
                earlier->entry = entry;
                continue;
            }
            if (!entry.is_file()) continue;
            if (!path->in_place) return fail(BundleFault::misplaced, entry.name);
            if (!is_vm_name(path->folder)) return fail(BundleFault::bad_name, entry.name);
            if (configs_.size() == configs_.capacity()) {
                return fail(BundleFault::too_many_vms, entry.name);
            }
            configs_.push_back({path->folder, entry});
        }
        return {};
    }

    [[nodiscard]] std::expected<BundleVm, BundleError> read_vm(const Config& found) const {
        const std::string_view path = found.entry.name;
        const auto config = parse_vm_config(path, as_text(archive_.data_of(found.entry)), limits_);
        if (!config) {
            auto error = fail(BundleFault::config, path);
            error.error().config_error = config.error();
            return error;
        }
        BundleVm vm{.config = *config, .kernel = {}, .initrd = {}};
        const auto kernel = find_file(*config, VmConfigKey::kernel, config->kernel);
        if (!kernel) return std::unexpected(kernel.error());
        vm.kernel = *kernel;
        if (const auto& file = config->initrd) {
            const auto initrd = find_file(*config, VmConfigKey::initrd, *file);
            if (!initrd) return std::unexpected(initrd.error());
            vm.initrd = *initrd;
        }
        for (std::size_t n = 0; n < config->disks.size(); ++n) {
            if (!config->disks[n].has_image()) continue;
            const auto image = find_image(*config, config->disks[n].file);
            if (!image) return std::unexpected(image.error());
            vm.disks[n] = *image;
        }
        return vm;
    }

    [[nodiscard]] std::expected<Bytes, BundleError> find_image(const VmConfig& config,
                                                               VmConfigFile file) const {
        const auto image = find_file(config, VmConfigKey::disk, file);
        if (!image || image->size() % disk_sector == 0) return image;
        auto error = fail(BundleFault::part_of_sector, config.file);
        error.error().key = VmConfigKey::disk;
        error.error().file = file;
        error.error().size = image->size();
        return error;
    }

    [[nodiscard]] std::expected<Bytes, BundleError> find_file(const VmConfig& config,
                                                              VmConfigKey key,
                                                              VmConfigFile file) const {
        const auto fail_file = [&](BundleFault fault) {
            auto error = fail(fault, config.file);
            error.error().key = key;
            error.error().file = file;
            return error;
        };
        if (!stays_inside(file.path)) return fail_file(BundleFault::outside_folder);
        const auto found = archive_.find(file.path, config.name);
        if (!found) return fail_file(BundleFault::missing_file);
        if (!found->is_file()) return fail_file(BundleFault::not_a_file);
        if (found->data.empty()) return fail_file(BundleFault::empty_file);
        return found->data;
    }

    [[nodiscard]] std::unexpected<BundleError> fail_second_in_front(const VmConfig& second,
                                                                    const VmConfig& first) const {
        auto error = fail(BundleFault::two_in_front, second.file);
        error.error().key = VmConfigKey::console;
        error.error().file = {first.file, second.console_line};
        return error;
    }

    [[nodiscard]] std::unexpected<BundleError> fail(BundleFault fault,
                                                    std::string_view path) const {
        BundleError error;
        error.fault = fault;
        error.path = path;
        error.archive = archive_;
        return std::unexpected(error);
    }

    const CpioArchive& archive_;
    VmConfigLimits limits_;
    static_vector<Config, Bundle::max_vms> configs_;
};

}  // namespace

bool is_vm_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_vm_name && !name.starts_with('.') &&
           std::ranges::all_of(name, may_be_in_name);
}

std::expected<Bundle, BundleError> read_bundle(std::span<const std::byte> archive,
                                               VmConfigLimits limits) {
    const auto parsed = CpioArchive::parse(archive);
    if (!parsed) {
        BundleError error;
        error.fault = BundleFault::bad_archive;
        error.archive_error = parsed.error();
        return std::unexpected(error);
    }
    return Reader(*parsed, limits).read();
}

std::expected<LoadPlan, VmLoadError> plan_load(const BundleVm& vm, GuestRange ram,
                                               std::uint64_t fdt_size) {
    const auto image = parse_image(vm.kernel);
    if (!image) return std::unexpected(VmLoadError{vm.config, image.error()});
    const std::uint64_t initrd_size = vm.initrd ? vm.initrd->size() : 0;
    const auto plan = plan_load(*image, initrd_size, ram, fdt_size);
    if (!plan) return std::unexpected(VmLoadError{vm.config, plan.error()});
    return *plan;
}

}  // namespace cairn
