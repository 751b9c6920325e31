#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each public header compiles alone, twice included, as C99 and as C++17, without a warning.
#     headers.sh INCLUDE-FOLDER CC CXX
set -eu
include=$1 cc=$2 cxx=$3

failed=0
count=0
for path in "$include"/lowbit/*.h; do
    name=lowbit/$(basename "$path")
    program=$(printf '#include "%s"\n#include "%s"\nint lowbit_header_stands_alone;\n' "$name" "$name")
    for compiler in "$cc -x c -std=c99" "$cxx -x c++ -std=c++17"; do
        # shellcheck disable=SC2086
        if ! printf '%s\n' "$program" |
            $compiler -pedantic-errors -Wall -Wextra -Wshadow -Werror -fsyntax-only -I"$include" -; then
            echo "$name does not compile alone: $compiler"
            failed=1
        fi
        count=$((count + 1))
    done
done
echo "$count compilations"
[ "$count" -gt 0 ] && exit "$failed"
