#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A name that two of the house's archives define: a linker takes the first one that it meets and says nothing.
#     twice.sh NM ARCHIVE...
set -eu
nm=$1
shift
names() {
    for archive in "$@"; do "$nm" --defined-only "$archive" 2>/dev/null; done | awk '$2 ~ /^[TDBRS]$/ { print $3 }' | sort
}
if [ "$(names "$1" "$1" | uniq -d | wc -l)" = 0 ]; then
    echo "the test cannot fail: an archive twice defines nothing twice"
    exit 1
fi
twice=$(names "$@" | uniq -d)
[ -z "$twice" ] || { echo "defined in more than one archive: $twice"; exit 1; }
