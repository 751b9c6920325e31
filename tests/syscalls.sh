#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A thousand products on one thread make no system call: strace sees nothing between the two writes of tests/run_loop.c.
# Exit code 77 where nobody may trace.
#     syscalls.sh RUN_LOOP
set -eu
program=$1
if ! command -v strace >/dev/null; then
    echo "SKIPPED: strace is not installed"
    exit 77
fi
trace=$(mktemp)
trap 'rm -f "$trace"' EXIT
if ! strace -o "$trace" true 2>/dev/null; then
    echo "SKIPPED: this system does not let strace trace"
    exit 77
fi

# between WAY: what the loop called, and whether both writes were there.
between() {
    strace -f -o "$trace" "$program" "$1" >/dev/null
    awk '/write\(1, "loop ends/ { ended = 1; inside = 0 }
         inside { print }
         /write\(1, "loop begins/ { inside = 1 }
         END { if (!ended) print "the end of the loop was not seen" }' "$trace"
}

if [ "$(between noisy | grep -c getppid)" != 1000 ]; then
    echo "the test cannot fail: the calls of \"run_loop noisy\" were not seen"
    exit 1
fi
for way in alone pool tiles; do
    calls=$(between "$way")
    if [ -n "$calls" ]; then
        printf '%s: system calls in the loop:\n%s\n' "$way" "$calls" | head -20
        exit 1
    fi
    echo "$way: none"
done
