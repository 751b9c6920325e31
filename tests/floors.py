#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes point down the floors, never up, and libraries are used only where they belong.

    floors.py FOLDER      checks the repository in FOLDER, after proving itself on planted violations
"""
import pathlib
import re
import sys

# The longest prefix decides. A file may include files of its own floor and of those below.
FLOORS = {
    "include/": 0,
    "kernels/base/": 1,
    "kernels/formats/": 2,
    "kernels/simd/": 3,
    "kernels/isa/": 3,
    "kernels/": 4,
    "tuner/": 5,
    "nn/": 6,
    "bench/": 7,
    "bench/report/": 7,
    "cli/": 8,
    "tests/": 9,
    "examples/": 9,
}

# Folders whose files may include nothing of ours but public headers: what users see, and what users write.
STREET_ONLY = ("include/", "examples/")

# Headers of others, and the prefixes that may include them. What is not named here is free (the C library).
OTHERS = {
    "hwy/": ("kernels/simd/", "kernels/isa/"),
    "hwloc": ("tuner/",),
    "jansson.h": ("nn/", "bench/", "cli/", "tests/"),
    "jpeglib.h": ("nn/", "tests/"),
    "png.h": ("nn/", "tests/"),
    "utf8proc.h": ("nn/", "cli/", "tests/"),
    "immintrin.h": ("kernels/simd/", "kernels/isa/"),
    "arm_neon.h": ("kernels/simd/", "kernels/isa/"),
}

# Public headers include each other and these, nothing else.
PUBLIC_SYSTEM = re.compile(r"std(def|int|bool)\.h$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCES = {".c", ".h", ".cc", ".inc"}


def floor(path):
    """The prefix and the number of the floor of a path, or None for a file that lives on no floor."""
    prefixes = [p for p in FLOORS if path.startswith(p)]
    if not prefixes:
        return None
    longest = max(prefixes, key=len)
    return longest, FLOORS[longest]


def ours(name, files):
    """The path of an included file of this repository, or None. Generated files (units.inc) have no path."""
    public = "include/" + name
    return public if public in files else name if name in files else None


def complain(path, name, files):
    """Why the file at `path` may not include `name`, or None."""
    here = floor(path)
    if here is None:
        return "lives on no floor: name its folder in tests/floors.py"
    target = ours(name, files)
    if target is None:
        if here[0] == "include/" and not PUBLIC_SYSTEM.match(name):
            return f"a public header includes <{name}>: only <stddef.h>, <stdint.h>, <stdbool.h> and each other"
        for prefix, places in OTHERS.items():
            if name.startswith(prefix) and not path.startswith(places):
                return f"includes {name}, which belongs to {', '.join(places)}"
        first = name.split("/")[0] + "/"
        if first in FLOORS or first == "lowbit/":
            return f"includes {name}, which does not exist"
        return None
    if here[0] in STREET_ONLY and not target.startswith("include/"):
        return f"includes {name}: only public headers may be used here"
    if floor(target)[1] > here[1]:
        return f"includes {name} of floor {floor(target)[1]} from floor {here[1]}"
    return None


def violations(texts):
    """One line for every include that points up; `texts` maps each path to its contents."""
    found = []
    for path in sorted(texts):
        for match in INCLUDE.finditer(texts[path]):
            reason = complain(path, match.group(2), texts)
            if reason:
                line = texts[path].count("\n", 0, match.start(1)) + 1
                found.append(f"{path}:{line}: {reason}")
    return found


PLANTED = {  # including file, included line, whether it must be refused
    ("kernels/base/x.c", '#include "tuner/machine.h"'): True,
    ("kernels/gemm.c", '#include "tuner/machine.h"'): True,
    ("kernels/simd/x.h", '#include "kernels/gemm.h"'): True,
    ("kernels/formats/x.c", '#include "kernels/simd/ukernel.h"'): True,
    ("kernels/gemm.c", "#include <hwy/highway.h>"): True,
    ("kernels/gemm.c", "#include <hwloc.h>"): True,
    ("tuner/x.c", '#include "bench/x.h"'): True,
    ("tuner/x.c", '#include "nn/x.h"'): True,
    ("cli/x.c", "#include <png.h>"): True,
    ("bench/x.c", "#include <utf8proc.h>"): True,
    ("bench/x.c", '#include "cli/x.h"'): True,
    ("include/lowbit/x.h", "#include <stdio.h>"): True,
    ("include/lowbit/x.h", '  #  include "kernels/base/base.h"'): True,
    ("examples/x.c", '#include "kernels/base/base.h"'): True,
    ("elsewhere/x.c", '#include "kernels/base/base.h"'): True,
    ("kernels/gemm.c", '#include "kernels/gone.h"'): True,
    ("include/lowbit/x.h", '#include "lowbit/types.h"'): False,
    ("include/lowbit/x.h", "#include <stdint.h>"): False,
    ("kernels/gemm.c", '#include "kernels/simd/ukernel.h"'): False,
    ("kernels/simd/x.h", '#include "hwy/highway.h"'): False,
    ("kernels/ukernels.c", '#include "units.inc"'): False,
    ("tests/x.c", '#include "cli/x.h"'): False,
    ("cli/x.c", "#include <sys/stat.h>"): False,
    ("bench/x.c", '#include "nn/x.h"'): False,
}


def prove():
    """A test that cannot fail tests nothing: every planted violation is found, every legal include passes."""
    names = ["include/lowbit/types.h", "kernels/base/base.h", "kernels/simd/ukernel.h", "kernels/gemm.h",
             "tuner/machine.h", "nn/x.h", "bench/x.h", "cli/x.h"]
    for (path, line), refused in PLANTED.items():
        texts = dict.fromkeys(names, "")
        texts[path] = "/* top */\n" + line + "\n"
        found = violations(texts)
        if bool(found) != refused or (refused and not found[0].startswith(path + ":2:")):
            sys.exit(f"floors.py does not work: {path} with {line}: {found}")


def main():
    prove()
    root = pathlib.Path(sys.argv[1])
    tops = sorted({prefix.split("/")[0] for prefix in FLOORS})
    paths = [p for top in tops for p in (root / top).rglob("*") if p.suffix in SOURCES and p.is_file()]
    texts = {p.relative_to(root).as_posix(): p.read_text() for p in paths}
    found = violations(texts)
    print("\n".join(found) or f"{len(texts)} files, every include points down")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
