// SPDX-License-Identifier: MIT
// Compiled: small. It runs once per boot or per start of a guest.
#include "kernel/bundle/vm_config.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <cairn/bits.hpp>
#include <cairn/byte_size.hpp>
#include <cairn/cpio_path.hpp>
#include "kernel/bundle/bundle.hpp"

namespace cairn {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

constexpr bool is_control(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

/// The part of `file` before its last one: "demo" of "demo/vm.conf".
std::string_view folder_of(std::string_view file) {
    CpioPath parts(file);
    std::string_view folder;
    std::string_view last = parts.take();
    for (std::string_view part = parts.take(); !part.empty(); part = parts.take()) {
        folder = last;
        last = part;
    }
    return folder;
}

/// Takes the next line off `text`, without its LF or CRLF.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

class Parser {
  public:
    Parser(std::string_view file, VmConfigLimits limits) : limits_(limits) {
        config_.file = file;
        config_.name = folder_of(file);
    }

    std::expected<VmConfig, VmConfigError> parse(std::string_view text) {
        if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
        text_ = text;
        if (!parse_lines(text) || !check_whole()) return std::unexpected(error_);
        return config_;
    }

  private:
    static constexpr std::size_t key_index(VmConfigKey key) {
        return static_cast<std::size_t>(key);
    }

    // False: `error_` says why not.
    bool parse_lines(std::string_view text) {
        while (!text.empty()) {
            line_ = take_line(text);
            ++number_;
            if (!parse_line()) return false;
        }
        return true;
    }

    /// What a line alone does not show.
    bool check_whole() {
        line_ = {};
        look_at(VmConfigKey::kernel);
        if (number_ == 0) return fail(VmConfigFault::missing_key);
        look_at(VmConfigKey::on_crash);
        if (dumps(config_.on_crash) && !config_.core)
            return fail(VmConfigFault::no_core,
                        crash_policies[static_cast<std::size_t>(config_.on_crash)]);
        look_at(VmConfigKey::virtio_console);
        if (config_.ports.empty() || config_.virtio_console) return true;
        config_.virtio_console = true;  // its ports are
        if (number_ == 0) return true;
        return fail(VmConfigFault::no_console, no_and_yes[0],
                    set_on_[key_index(VmConfigKey::port)]);
    }

    /// At its last line.
    void look_at(VmConfigKey key) {
        key_ = vm_config_keys[key_index(key)];
        number_ = set_on_[key_index(key)];
    }

    bool parse_line() {
        key_ = {};
        const std::string_view content = trim(line_);
        if (content.empty() || content.starts_with('#')) return true;
        if (const auto bad = std::ranges::find_if(line_, is_control); bad != line_.end()) {
            const auto at = static_cast<std::size_t>(bad - line_.begin());
            return fail(VmConfigFault::control_character, line_.substr(at, 1));
        }
        const std::size_t equals = line_.find('=');
        if (equals == std::string_view::npos) {
            return fail(VmConfigFault::no_equals, content);
        }
        key_ = trim(line_.substr(0, equals));
        const std::string_view value = trim(line_.substr(equals + 1));
        const auto found = std::ranges::find(vm_config_keys, key_);
        if (found == vm_config_keys.end()) return fail(VmConfigFault::unknown_key, key_);
        return set(static_cast<VmConfigKey>(found - vm_config_keys.begin()), value);
    }

    bool set(VmConfigKey key, std::string_view value) {
        std::uint32_t& first_line = set_on_[key_index(key)];
        const bool may_repeat =
            key == VmConfigKey::disk || key == VmConfigKey::net || key == VmConfigKey::port;
        if (first_line != 0 && !may_repeat) {
            return fail(VmConfigFault::duplicate_key, {}, first_line);
        }
        first_line = number_;
        if (value.empty() && key != VmConfigKey::append) {
            return fail(VmConfigFault::missing_value, value);
        }
        switch (key) {
            case VmConfigKey::cpus: return set_number(config_.cpus, value, limits_.max_cpus);
            case VmConfigKey::memory: return set_memory(value);
            case VmConfigKey::kernel: config_.kernel = {value, number_}; return true;
            case VmConfigKey::initrd: config_.initrd = {value, number_}; return true;
            case VmConfigKey::append: return set_append(value);
            case VmConfigKey::autostart: return set_choice(config_.autostart, value, no_and_yes);
            case VmConfigKey::affinity: return set_affinity(value);
            case VmConfigKey::weight: return set_number(config_.weight, value, limits_.max_weight);
            case VmConfigKey::on_power_off:
                return set_choice(config_.on_power_off, value, power_off_policies);
            case VmConfigKey::on_crash: return set_choice(config_.on_crash, value, crash_policies);
            case VmConfigKey::core: return set_core(value);
            case VmConfigKey::watchdog: return set_watchdog(value);
            case VmConfigKey::console:
                config_.console_line = number_;
                return set_choice(config_.console, value, console_places);
            case VmConfigKey::halt: return set_choice(config_.halt, value, halt_policies);
            case VmConfigKey::trace: return set_number(config_.trace, value, limits_.max_trace);
            case VmConfigKey::disk: return add_disk(value);
            case VmConfigKey::net: return add_net(value);
            case VmConfigKey::rng:
                config_.rng_line = number_;
                return set_choice(config_.rng, value, no_and_yes);
            case VmConfigKey::balloon:
                config_.balloon_line = number_;
                return set_choice(config_.balloon, value, no_and_yes);
            case VmConfigKey::virtio_console:
                return set_choice(config_.virtio_console, value, no_and_yes);
            case VmConfigKey::port: return add_port(value);
            case VmConfigKey::packed_rings:
                return set_choice(config_.packed_rings, value, no_and_yes);
        }
        return true;
    }

    /// From 1 to `most`.
    bool set_number(std::uint32_t& setting, std::string_view value, std::uint32_t most) {
        std::uint32_t number = 0;
        const char* const end = value.data() + value.size();
        const auto [rest, error] = std::from_chars(value.data(), end, number);
        const bool is_number = rest == end && error != std::errc::invalid_argument;
        if (!is_number) return fail(VmConfigFault::bad_number, value);
        if (error != std::errc{} || number < 1 || number > most) {
            return fail(VmConfigFault::number_range, value, most);
        }
        setting = number;
        return true;
    }

    /// `choices` are the names of the setting's values, from 0.
    template <class Setting>
    bool set_choice(Setting& setting, std::string_view value,
                    std::span<const std::string_view> choices) {
        std::uint8_t number = 0;
        const bool chosen = choose(number, value, choices);
        if (chosen) setting = static_cast<Setting>(number);
        return chosen;
    }

    bool choose(std::uint8_t& number, std::string_view value,
                std::span<const std::string_view> choices) {
        const std::size_t choice = find_choice(value, choices);
        if (choice == choices.size()) return fail_choice(value, choices);
        number = static_cast<std::uint8_t>(choice);
        return true;
    }

    /// Its place; `choices.size()`: it is none of them.
    static std::size_t find_choice(std::string_view value,
                                   std::span<const std::string_view> choices) {
        return static_cast<std::size_t>(std::ranges::find(choices, value) - choices.begin());
    }
    bool fail_choice(std::string_view value, std::span<const std::string_view> choices) {
        (void)fail(VmConfigFault::bad_choice, value);
        error_.choices = choices;
        return false;
    }

    bool set_affinity(std::string_view value) {
        const auto harts = parse_hart_list(value);
        if (!harts) {
            const std::string_view part = harts.error().part;
            return fail(fault_of(harts.error().reason), part.empty() ? value : part);
        }
        config_.affinity = *harts;
        config_.affinity_line = number_;
        return true;
    }

    static VmConfigFault fault_of(HartListError::Reason reason) {
        switch (reason) {
            case HartListError::Reason::not_a_list: break;
            case HartListError::Reason::number_range: return VmConfigFault::hart_range;
            case HartListError::Reason::backwards: return VmConfigFault::backwards_range;
        }
        return VmConfigFault::bad_hart_list;
    }

    bool set_memory(std::string_view value) {
        const auto size = parse_byte_size(value);
        if (!size) return fail(VmConfigFault::bad_size, value);
        if (*size < limits_.min_memory) {
            return fail(VmConfigFault::memory_too_small, value, *size);
        }
        if (!is_aligned(*size, vm_memory_granule)) {
            return fail(VmConfigFault::memory_granule, value, *size);
        }
        config_.memory = *size;
        config_.memory_line = number_;
        return true;
    }

    /// What follows the last comma is the mode: a path with a comma needs one, and two are none.
    bool add_disk(std::string_view value) {
        const std::size_t comma = value.rfind(',');
        VmConfigDisk disk{.file = {trim(value.substr(0, comma)), number_}, .host = {}};
        if (disk.file.path.empty()) return fail(VmConfigFault::missing_value, value);
        if (comma != std::string_view::npos) {
            const std::size_t other = disk.file.path.rfind(',');
            if (other != std::string_view::npos && is_mode(trim(disk.file.path.substr(other + 1))))
                return fail_choice(trim(value.substr(other + 1)), disk_modes);
            if (!set_disk_mode(disk, trim(value.substr(comma + 1)))) return false;
        }
        if (disk.file.path.starts_with(HostDiskName::prefix) &&
            !set_host_disk(disk, comma != std::string_view::npos))
            return false;
        if (config_.disks.try_push_back(disk) == nullptr)
            return fail(VmConfigFault::too_many_disks, value);
        return true;
    }

    static constexpr std::string_view keeps = "overlay=";
    static bool is_mode(std::string_view text) {
        return text.starts_with(keeps) || find_choice(text, disk_modes) != disk_modes.size();
    }

    bool set_disk_mode(VmConfigDisk& disk, std::string_view mode) {
        if (!mode.starts_with(keeps)) return set_choice(disk.mode, mode, disk_modes);
        const std::string_view name = mode.substr(keeps.size());
        disk.mode = DiskMode::overlay;
        disk.host = parse_host_disk(name);
        if (!disk.host) return fail(VmConfigFault::bad_host_disk, name.empty() ? mode : name);
        return true;
    }

    /// A number of seconds, and an s.
    bool set_watchdog(std::string_view value) {
        std::uint32_t seconds = 0;
        const char* const end = value.data() + value.size();
        const auto [rest, error] = std::from_chars(value.data(), end, seconds);
        const bool is_time = error == std::errc{} && end - rest == 1 && *rest == 's' &&
                             seconds >= 1 && seconds <= limits_.max_watchdog;
        if (!is_time) return fail(VmConfigFault::bad_seconds, value);
        config_.watchdog = seconds;
        return true;
    }

    bool set_core(std::string_view value) {
        const auto host = parse_host_disk(value);
        if (!host) return fail(VmConfigFault::bad_host_disk, value);
        config_.core = VmConfigCore{.text = value, .host = *host};
        return true;
    }

    bool set_host_disk(VmConfigDisk& disk, bool has_mode) {
        const auto number = parse_host_disk(disk.file.path);
        if (!number) return fail(VmConfigFault::bad_host_disk, disk.file.path);
        if (has_mode && disk.mode == DiskMode::overlay)
            return fail(VmConfigFault::host_disk_overlay, disk.file.path);
        if (!has_mode) disk.mode = DiskMode::direct;
        disk.host = number;
        return true;
    }

    bool add_net(std::string_view value) {
        auto net = parse_net_line(value);
        if (!net) {
            return fail(fault_of(net.error().fault), net.error().part, number_);
        }
        net->line = number_;
        if (config_.nets.try_push_back(*net) == nullptr)
            return fail(VmConfigFault::too_many_nets, value);
        return true;
    }

    /// Port 0 is the console. What can be a VM's name can be a file's, there and in the guest.
    bool add_port(std::string_view value) {
        const auto same = std::ranges::find(config_.ports, value);
        if (same != config_.ports.end()) {
            const auto at = static_cast<std::size_t>(same->data() - text_.data());
            const auto lines = std::ranges::count(text_.substr(0, at), '\n');
            return fail(VmConfigFault::duplicate_key, value, static_cast<std::uint64_t>(lines + 1));
        }
        if (value == "console" || !is_vm_name(value)) return fail(VmConfigFault::bad_port, value);
        if (config_.ports.try_push_back(value) == nullptr)
            return fail(VmConfigFault::too_many_ports, value);
        return true;
    }

    static VmConfigFault fault_of(NetLineFault fault) {
        switch (fault) {
            case NetLineFault::no_wire: break;
            case NetLineFault::bad_option: return VmConfigFault::net_bad_option;
            case NetLineFault::bad_rate: return VmConfigFault::net_bad_rate;
            case NetLineFault::bad_address: return VmConfigFault::net_bad_address;
            case NetLineFault::repeated: return VmConfigFault::duplicate_key;
        }
        return VmConfigFault::net_no_wire;
    }

    bool set_append(std::string_view value) {
        if (value.size() > limits_.max_append) {
            return fail(VmConfigFault::append_too_long, value, value.size());
        }
        config_.append = value;
        return true;
    }

    /// False: the error is about the current key, at `value`, a part of the current line.
    bool fail(VmConfigFault fault, std::string_view value = {}, std::uint64_t number = 0) {
        const bool in_line = !value.empty() && !line_.empty();
        const auto column = in_line ? value.data() - line_.data() + 1 : 0;
        error_ = {.fault = fault,
                  .file = config_.file,
                  .line = number_,
                  .column = static_cast<std::uint32_t>(column),
                  .key = key_,
                  .value = value,
                  .number = number,
                  .choices = {},
                  .limits = limits_};
        return false;
    }

    VmConfigLimits limits_;
    VmConfig config_;
    VmConfigError error_;
    std::string_view text_;
    std::string_view line_;
    std::uint32_t number_ = 0;  ///< the line's
    std::string_view key_;
    std::array<std::uint32_t, vm_config_keys.size()> set_on_{};  ///< line by key; 0: not set
};

}  // namespace

std::expected<VmConfig, VmConfigError> parse_vm_config(std::string_view file, std::string_view text,
                                                       VmConfigLimits limits) {
    return Parser(file, limits).parse(text);
}

}  // namespace cairn
