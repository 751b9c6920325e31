#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The border of liblowbit: it exports lowbit_* and nothing else, needs no libstdc++, and calls nothing that prints,
# aborts, exits, reads the environment or starts a process.
#     exports.sh LIBLOWBIT.SO NM READELF
set -eu
library=$1 nm=$2 readelf=$3

"$nm" -D "$library" | awk '
    { type = $(NF - 1); name = $NF; sub(/@.*/, "", name) }
    type == "U" && name ~ /^(abort|_?exit|quick_exit|__assert_fail|v?f?printf|__v?f?printf_chk|puts|putchar|perror|f?putc|fputs|stdout|stderr|(secure_)?getenv|setenv|putenv|system|popen|fork|raise)$/ {
        print "the library uses " name; bad = 1 }
    type == "U" || type ~ /^[wv]$/ { next }
    name !~ /^lowbit_[a-z0-9_]+$/ { print "exported: " name; bad = 1 }
    { count++ }
    END { print count + 0 " exported symbols"; exit bad || !count }'

needed=$("$readelf" -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
echo "needs: $needed" | tr '\n' ' '
echo
case $needed in *stdc++* | *libgcc_s*) exit 1 ;; esac
"$readelf" -d "$library" | grep -q 'SONAME.*\[liblowbit\.so\.[0-9]*\]' || { echo "no SONAME"; exit 1; }
