#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The budgets of CONTRIBUTING.md: sizes of files and functions, share of comment in public headers, the two-line top.

    budgets.py FOLDER     checks the repository in FOLDER, after proving itself on planted violations
"""
import pathlib
import re
import sys

FILE_LINES = 500
FUNCTION_LINES = 80
FOLDERS = ("include", "kernels", "tuner", "nn", "bench", "cli", "tests", "examples")

# Public headers are manuals: characters of comment, in percent of all that is not white space.
COMMENT_PERCENT = 50

SPDX = re.compile(r"/\* SPDX-License-Identifier: Apache-2\.0 \*/\n")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)

# A function starts with a line at column 0 that is not a comment, preprocessor or closing line, ends with "{" and holds
# a "("; it ends with the next "}" at column 0. Good enough for code that clang-format has passed over.
START = re.compile(r"^[A-Za-z_].*\(.*|^[A-Za-z_].*\)\s*\{$")


def functions(text):
    """(first line, lines) of every function body that starts at column 0."""
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"^[A-Za-z_]", line):
            start = number if START.match(line) else None
            if start and line.rstrip().endswith(";"):
                start = None
        elif line == "}" and start:
            yield start, number - start + 1
            start = None


def complaints(path, text):
    """What the file is over, one text each."""
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"{path}: {lines} lines of {FILE_LINES}"
    if not SPDX.match(text):
        yield f"{path}:1: the first line is not the SPDX line"
    for start, length in functions(text):
        if length > FUNCTION_LINES:
            yield f"{path}:{start}: a function of {length} lines of {FUNCTION_LINES}"
    if path.startswith("include/"):
        comment = sum(len("".join(c.split())) for c in COMMENT.findall(text))
        percent = 100 * comment // max(1, len("".join(text.split())))
        if percent < COMMENT_PERCENT:
            yield f"{path}: {percent} % comment, at least {COMMENT_PERCENT} %"


def prove():
    """A test that cannot fail tests nothing."""
    top = "/* SPDX-License-Identifier: Apache-2.0 */\n"
    body = "int f(int a,\n      int b) {\n" + "    a++;\n" * FUNCTION_LINES + "}\n"
    table = "static const int kTable[] = {\n" + "    1,\n" * FUNCTION_LINES + "};\n"
    planted = [
        ("kernels/x.c", top + "int a;\n" * FILE_LINES, True),
        ("kernels/x.c", "int a;\n", True),
        ("kernels/x.c", top + body, True),
        ("include/lowbit/x.h", top + "int aaaaaaaaaa(void);\n" * 20, True),
        ("kernels/x.c", top + table, False),
        ("kernels/x.c", top + body.replace("    a++;\n", "    a++;\n", 1).replace("    a++;\n" * 5, "", 1), False),
    ]
    for path, text, refused in planted:
        if bool(list(complaints(path, text))) != refused:
            sys.exit(f"budgets.py does not work: {path}: {text[:200]}")


def main():
    prove()
    root = pathlib.Path(sys.argv[1])
    paths = sorted(p for f in FOLDERS for p in (root / f).rglob("*") if p.suffix in {".c", ".h", ".cc", ".inc"})
    found = [c for p in paths for c in complaints(p.relative_to(root).as_posix(), p.read_text())]
    print("\n".join(found) or f"{len(paths)} files within their budgets")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
