# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# What the scripts share: where the repository is, installing missing Debian packages, finding the data folder.
# Sourced, never run. Bash, because the scripts are.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$repo"

# Everything a build needs, and what the tests need beyond it.
build_packages=(g++ gcc cmake ninja-build pkg-config libhwy-dev libhwloc-dev libjansson-dev libjpeg62-turbo-dev libpng-dev
    libutf8proc-dev)
test_packages=("${build_packages[@]}" binutils curl python3 python3-numpy strace unzip)
# Libraries to compare with, which Debian 12 has.
peer_packages=(libdnnl-dev libopenblas-dev libpthreadpool-dev libxnnpack-dev)
ci_packages=("${test_packages[@]}" ccache clang-format clang-tidy shellcheck qemu-user g++-aarch64-linux-gnu
    chromium gnuplot-nox)

say() { printf '== %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        printf 'This needs root, and there is no sudo: %s\n' "$*" >&2
        return 1
    fi
}

# The arguments that dpkg does not know as installed, one per line.
missing_packages() {
    local package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            printf '%s\n' "$package"
        fi
    done
}

# Runs apt-get without questions; its output is shown only if it fails. A new machine may be busy with updates of its own:
# their lock is waited for. sudo forgets the environment, and so the proxy.
apt_get() {
    local log
    local settings=(DEBIAN_FRONTEND=noninteractive ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"})
    log=$(mktemp)
    if ! as_root env "${settings[@]}" apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# install_packages NAME...: installs what is missing. A machine that has everything is not touched and needs no root
# and no network.
install_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "no dpkg here: the build needs what these Debian packages hold: $*"
        return 0
    fi
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if [ "${#missing[@]}" = 0 ]; then return 0; fi
    say "installing ${missing[*]}"
    [ -n "${lists_are_new:-}" ] || apt_get update
    lists_are_new=yes
    apt_get install --no-install-recommends "${missing[@]}"
}

# configure_and_build PRESET [CMAKE-OPTION...]
configure_and_build() {
    local preset=$1
    shift
    say "building (preset $preset)"
    cmake --preset "$preset" "$@" >"/dev/null"
    cmake --build --preset "$preset"
}

# The folder of real weights and data, where there is one: $LOWBIT_DATA, or ../shared/data beside the clone.
find_data() {
    if [ -z "${LOWBIT_DATA:-}" ] && [ -d "$repo/../shared/data" ]; then
        LOWBIT_DATA=$(cd "$repo/../shared/data" && pwd)
        export LOWBIT_DATA
    fi
}

# pristine_root SUITE ROOT [OPTION...]: ROOT is a Debian root, made by debootstrap with those options if it is missing.
pristine_root() {
    if [ ! -e "$2/etc/debian_version" ]; then debootstrap "${@:3}" "$1" "$2"; fi
}

# copy_root PRISTINE COPY: a root to work in, with a clone of the committed state of this repository.
copy_root() {
    local pristine=$1 copy=$2
    rm -rf --one-file-system "$copy"
    cp -a "$pristine" "$copy"
    cp -L /etc/resolv.conf "$copy/etc/resolv.conf"
    mkdir -p "$copy/home/shared/data"
    git clone --quiet "$repo" "$copy/home/lowbit"
}

# in_root ROOT USER online|offline COMMAND: runs it as the user in the root. Mounts live in a namespace of their own and
# vanish with it.
# shellcheck disable=SC2016
in_root() {
    local root=$1 user=$2 net=$3 command=$4
    local flags=(--mount --propagation private)
    if [ "$net" = offline ]; then flags+=(--net); fi
    unshare "${flags[@]}" bash -c '
        mount --bind /dev "$1/dev" && mount -t proc proc "$1/proc" && mount --rbind /sys "$1/sys" || exit 125
        if [ -n "$2" ]; then mount --bind "$2" "$1/home/shared/data" && mount -o remount,bind,ro "$1/home/shared/data"; fi
        exec chroot "$1" su - "$3" -c "$4"' - "$root" "${LOWBIT_DATA:-}" "$user" "$command" </dev/null
}

# reference_tool NAME: prints the path of NAME of LLVM 14 (Debian 12), which settles what is well formed; other versions
# break lines and warn differently. Fails, with a word on stderr, where it is missing.
reference_tool() {
    local tool
    for tool in "$1-14" "$1"; do
        if "$tool" --version 2>/dev/null | grep -q 'version 14\.'; then
            command -v "$tool"
            return 0
        fi
    done
    printf 'skipped: %s 14 is the reference and is not here\n' "$1" >&2
    return 1
}
