#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the objects of the library may hold. Of each instruction set unit: exactly one global symbol and no weak ones (a
# weak copy compiled with AVX-512 could be the one that portable code gets), and nothing of libstdc++. Of every object:
# no writable state.
#     units_nm.sh ARCHIVE NM OBJDUMP
set -eu
archive=$1 nm=$2 objdump=$3
failed=0

# Every C++ object is a unit: isa/<level>.cc. The scalar unit is plain C.
"$nm" -A "$archive" | awk '
    { member = $1; sub(/^[^:]*:/, "", member); sub(/:.*/, "", member); type = $(NF - 1); name = $NF }
    member !~ /\.cc\.o$/ && member != "scalar.c.o" { next }
    { units[member] = 1 }
    type ~ /^[WVuvw]$/ { print member ": weak symbol " name; bad = 1 }
    type == "U" && name ~ /^(_Z|__cxa|__gxx|_Unwind)/ { print member ": needs " name " of libstdc++"; bad = 1 }
    type ~ /^[A-TX-Z]$/ && type != "U" { globals[member] = globals[member] " " name }
    END {
        for (m in units) {
            level = m
            sub(/\..*/, "", level)
            if (globals[m] != " lb_unit_" level) { print m ": global symbols are" globals[m]; bad = 1 }
            count++
        }
        print count + 0 " units"
        exit bad || !count
    }' || failed=1

"$objdump" -t "$archive" | awk '
    /file format/ { member = $1; sub(/:$/, "", member) }
    / O \.(data|bss|tdata|tbss)/ && !/ \.data\.rel\.ro/ { print member " has writable state: " $NF; bad = 1 }
    END { exit bad }' || failed=1
exit "$failed"
