#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An installed copy, moved to another folder, is all that a user needs: the examples build against it with pkg-config and
# with CMake's find_package, and run.
#     install.sh SOURCE BUILD CC shared|static [CMAKE-OPTION...]
# shared installs what BUILD holds; static builds a static library under BUILD first, with these options.
set -eu
source=$1 build=$2 cc=$3 kind=$4
shift 4

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if [ "$kind" = static ]; then
    build=$build/static
    cmake -G Ninja -S "$source" -B "$build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Debug -DBUILD_SHARED_LIBS=OFF \
        -DBUILD_TESTING=OFF "$@" >"$scratch/log"
    cmake --build "$build" --target all >>"$scratch/log" || { cat "$scratch/log"; exit 1; }
fi
cmake --install "$build" --prefix "$scratch/first" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
prefix=$scratch/moved
mv "$scratch/first" "$prefix"

libraries=$(dirname "$(find "$prefix" -name 'liblowbit.*' | head -n 1)")
[ -e "$libraries/pkgconfig/lowbit.pc" ]
if grep -rlF "$scratch/first" "$prefix" || grep -rlF "$source" "$prefix/include" "$libraries/cmake" "$libraries/pkgconfig"; then
    echo "the files above hold an absolute path"
    exit 1
fi
"$prefix/bin/lowbit" --version

export PKG_CONFIG_PATH="$libraries/pkgconfig" LD_LIBRARY_PATH="$libraries"
for example in "$source"/examples/*.c; do
    program=$scratch/$(basename "$example" .c)
    # shellcheck disable=SC2046
    "$cc" -std=c11 -Wall -Wextra -Werror "$example" -o "$program" $(pkg-config --cflags --libs lowbit) -lm -pthread
    "$program"
done
unset LD_LIBRARY_PATH PKG_CONFIG_PATH

cmake -G Ninja -S "$source/tests/install" -B "$scratch/user" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" \
    -DEXAMPLES="$source/examples" -DLOWBIT_KIND="$kind" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/user" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
for example in "$source"/examples/*.c; do
    "$scratch/user/$(basename "$example" .c)"
done
