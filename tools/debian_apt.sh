# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Debian 13's riscv64 packages by an apt of our own, in .cache/apt: its configuration, lists and cache are not the
# machine's, so that signatures and checksums are verified, the system is not touched, and root is not needed.
# Sourced, after common.sh.

release=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
apt=$cache/apt
progress=() # on a terminal apt shows a percentage that it keeps rewriting
[ -t 2 ] || progress=(-q)

# The machine's way out (proxies, certificates) stays in force; its hooks and pinning do not.
write_apt_configuration() {
    mkdir -p "$apt"/{etc/apt.conf.d,etc/preferences.d,state/lists/partial,cache/archives/partial,packages}
    : >"$apt/state/status"
    cat >"$apt/apt.conf" <<END_OF_CONFIGURATION
Dir "$apt";
Dir::Etc "$apt/etc";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/dev/null";
Dir::State "$apt/state";
Dir::State::status "$apt/state/status";
Dir::Cache "$apt/cache";
APT::Architecture "riscv64";
APT::Architectures { "riscv64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::Retries "3";
END_OF_CONFIGURATION
    apt-config dump | grep -E '^Acquire::https?::.*"[^"]' >>"$apt/apt.conf" || true
    echo "deb [arch=riscv64 signed-by=$keyring] $1 $release main" >"$apt/etc/sources.list"
}

private_apt() {
    local tool=$1
    shift
    (cd "$apt/packages" && APT_CONFIG=$apt/apt.conf "$tool" "$@")
}

# The machine's own mirror, unless one is given.
choose_mirror() {
    if [ -n "$1" ]; then
        echo "$1"
    else
        "$python" "$root/tools/debian_mirror.py" ||
            die 'this machine names no Debian mirror.' 'Give one: --mirror http://HOST/debian'
    fi
}
