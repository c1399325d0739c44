// SPDX-License-Identifier: MIT
#include "kernel/vm/bundle.hpp"

#include <algorithm>

namespace cairn {

namespace {

constexpr std::string_view config_name = "vm.conf";
constexpr std::size_t longest_name = 32;

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What follows the last "/".
std::string_view last_part(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

constexpr bool may_be_in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool is_vm_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_name && !name.starts_with('.') &&
           std::ranges::all_of(name, may_be_in_name);
}

/// Takes the next part off a path, past empty and "." ones; empty at the end.
std::string_view take_part(std::string_view& path) {
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        if (!part.empty() && part != ".") return part;
    }
    return {};
}

/// Whether a relative path stays below where it starts.
bool stays_inside(std::string_view path) {
    if (path.starts_with('/')) return false;
    for (std::string_view part = take_part(path); !part.empty(); part = take_part(path)) {
        if (part == "..") return false;
    }
    return true;
}

/// Whether the archive's `name` is `path` in `folder`, part by part.
bool names_file(std::string_view name, std::string_view folder, std::string_view path) {
    if (take_part(name) != folder) return false;
    for (;;) {
        const std::string_view a = take_part(name);
        if (a != take_part(path)) return false;
        if (a.empty()) return true;
    }
}

class Reader {
  public:
    Reader(const CpioArchive& archive, VmConfigLimits limits)
        : archive_(archive), limits_(limits) {}

    std::expected<Bundle, BundleError> read() {
        Bundle bundle;
        for (const CpioEntry& entry : archive_) {
            if (!entry.is_file() || last_part(entry.name) != config_name) continue;
            const auto vm = read_vm(entry, bundle);
            if (!vm) return std::unexpected(vm.error());
            if (!bundle.add(*vm)) return fail(BundleFault::too_many_vms, entry.name);
        }
        if (bundle.vms().empty()) return fail(BundleFault::no_vms, {});
        return bundle;
    }

  private:
    using Bytes = std::span<const std::byte>;

    [[nodiscard]] std::expected<BundleVm, BundleError> read_vm(const CpioEntry& entry,
                                                               const Bundle& so_far) const {
        const std::string_view path = entry.name;
        if (std::ranges::count(path, '/') != 1) return fail(BundleFault::misplaced, path);
        const std::string_view name = path.substr(0, path.find('/'));
        if (!is_vm_name(name)) return fail(BundleFault::bad_name, path);
        const auto has_name = [name](const BundleVm& vm) { return vm.config.name == name; };
        if (std::ranges::any_of(so_far.vms(), has_name)) return fail(BundleFault::repeated, path);

        const auto config = parse_vm_config(path, as_text(entry.data), limits_);
        if (!config) {
            auto error = fail(BundleFault::config, path);
            error.error().config_error = config.error();
            return error;
        }
        BundleVm vm{.config = *config, .kernel = {}, .initrd = {}};
        const auto kernel = find_file(*config, VmConfigKey::kernel, config->kernel);
        if (!kernel) return std::unexpected(kernel.error());
        vm.kernel = *kernel;
        if (config->initrd) {
            const auto initrd = find_file(*config, VmConfigKey::initrd, *config->initrd);
            if (!initrd) return std::unexpected(initrd.error());
            vm.initrd = *initrd;
        }
        return vm;
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
        std::optional<std::string_view> name;
        for (const CpioEntry& entry : archive_) {
            if (names_file(entry.name, config.name, file.path)) name = entry.name;
        }
        // The archive's own find knows where the data of hard links is.
        const auto found = name ? archive_.find(*name) : std::nullopt;
        if (!found) return fail_file(BundleFault::missing_file);
        if (!found->is_file()) return fail_file(BundleFault::not_a_file);
        if (found->data.empty()) return fail_file(BundleFault::empty_file);
        return found->data;
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
};

}  // namespace

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
