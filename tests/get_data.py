#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/get-data against a server of our own with stand-in archives: whole, interrupted, damaged, absent.

    get_data.py REPOSITORY
"""
import hashlib
import http.server
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile

SCRIPT = pathlib.Path(sys.argv[1]).resolve() / "scripts/get-data"
failures = []


def check(what, condition, result=None):
    if not condition:
        detail = f"\n  exit {result.returncode}\n  {result.stdout}\n  {result.stderr}" if result else ""
        failures.append(f"FAILED {what}{detail}")


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; `cut` ends an answer after so many bytes, `ranges` False knows no parts of files."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.cut, self.ranges = {}, [], None, True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def address(self, name):
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, data = self.server, self.server.files.get(self.path[1:])
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if server.ranges else None
        first = int(asked.group(1)) if asked else 0
        server.asked.append(first)
        if data is None or first >= len(data):
            self.send_error(404 if data is None else 416)
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        self.wfile.write(data[first:][:server.cut])

    def log_message(self, *_):
        pass


def tar_of(folder, files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(folder, files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{folder}/{name}", data)
    return out.getvalue()


CIFAR = {"test_batch.bin": os.urandom(30730), "data_batch_1.bin": os.urandom(3073), "readme.html": b"x"}
SST2 = {"dev.tsv": b"sentence\tlabel\nfine\t1\n", "train.tsv": b"sentence\tlabel\n", "original/a.txt": b"a"}
ARCHIVES = {"c.tar.gz": tar_of("cifar-10-batches-bin", CIFAR), "s.zip": zip_of("SST-2", SST2)}


class Case:
    """A folder, a server and a table; `broken` gives the table another digest."""

    def __init__(self, path, broken=False):
        self.server, self.path = Server(), path
        self.server.files = dict(ARCHIVES)
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        rows = [("cifar10", "c.tar.gz", "test_batch.bin data_batch_1.bin"), ("sst2", "s.zip", "dev.tsv train.tsv"),
                ("lacks", "s.zip", "dev.tsv other.tsv"), ("gone", "gone.zip", "x")]
        digest = {name: hashlib.md5(data).hexdigest() for name, data in ARCHIVES.items()}
        (self.folder / "table").write_text("".join(
            f"{name} {'0' * 32 if broken else digest.get(file, '0' * 32)} {self.server.address(file)} {files}\n"
            for name, file, files in rows))

    def get(self, *words):
        env = {**os.environ, "LOWBIT_GET_DATA_TABLE": "table", "PATH": self.path, "no_proxy": "127.0.0.1",
               "LC_ALL": "C"}
        self.server.asked.clear()
        return subprocess.run([str(SCRIPT), *words], cwd=self.folder, env=env, capture_output=True, text=True,
                              timeout=120)

    def has(self, name, files):
        return all((self.folder / "to" / name / f).is_file() and (self.folder / "to" / name / f).read_bytes() == data
                   for f, data in files.items())

    def left(self):
        return sorted(p.name for p in (self.folder / "to").iterdir()) if (self.folder / "to").exists() else []


def test_whole(path):
    case = Case(path)
    result = case.get("cifar10", "to")
    check("a download", result.returncode == 0 and case.has("cifar10", CIFAR) and case.left() == ["cifar10"], result)
    result = case.get("cifar10", "to")
    check("once more", result.returncode == 0 and "cifar10 is in" in result.stdout and not case.server.asked, result)
    result = case.get("sst2", "to")
    check("a zip", result.returncode == 0 and case.has("sst2", SST2) and case.left() == ["cifar10", "sst2"], result)


def test_interrupted(path):
    half = len(ARCHIVES["c.tar.gz"]) // 2
    for ranges in (True, False):
        case = Case(path)
        case.server.cut = half
        # wget tries again by itself, with parts; here it cannot
        case.server.ranges = False
        result = case.get("cifar10", "to")
        check("an interrupted download", result.returncode == 1 and "goes on where it ended" in result.stderr and
              case.left() == [".cifar10.part"], result)
        case.server.cut, case.server.ranges = None, ranges
        result = case.get("cifar10", "to")
        check(f"goes on (ranges {ranges})", result.returncode == 0 and case.has("cifar10", CIFAR), result)
        check(f"asks for the rest (ranges {ranges})", not ranges or case.server.asked == [half], result)
    case = Case(path)
    (case.folder / "to").mkdir()
    (case.folder / "to/.cifar10.part").write_bytes(b"other bytes")
    result = case.get("cifar10", "to")
    check("a beginning of something else", result.returncode == 0 and case.has("cifar10", CIFAR) and
          len(case.server.asked) == 2, result)
    (case.folder / "to/.sst2.part").write_bytes(ARCHIVES["s.zip"])
    result = case.get("sst2", "to")
    check("a whole archive", result.returncode == 0 and case.has("sst2", SST2) and not case.server.asked, result)


def test_refused(path):
    case = Case(path, broken=True)
    result = case.get("cifar10", "to")
    check("another digest", result.returncode == 1 and "0" * 32 in result.stderr and case.left() == [], result)
    case = Case(path)
    result = case.get("gone", "to")
    check("an address without a file", result.returncode == 1 and "failed" in result.stderr, result)
    result = case.get("lacks", "to")
    check("an archive without its files", result.returncode == 1 and "no other.tsv" in result.stderr and
          not (case.folder / "to/lacks").exists() and not (case.folder / "to/.lacks.new").exists(), result)
    (case.folder / "to/sst2").mkdir()
    result = case.get("sst2", "to")
    check("a folder of somebody else", result.returncode == 1 and "move it away" in result.stderr and
          not case.server.asked, result)
    for words in ([], ["mnist"], ["sst2", "to", "more"]):
        result = case.get(*words)
        check(f"usage {words}", result.returncode == 2 and "usage:" in result.stderr, result)


def test_table():
    result = subprocess.run([str(SCRIPT), "--list"], capture_output=True, text=True, timeout=60,
                            env={k: v for k, v in os.environ.items() if k != "LOWBIT_GET_DATA_TABLE"})
    rows = [line.split() for line in result.stdout.splitlines()]
    check("the table", [row[0] for row in rows] == ["cifar10", "cifar100", "sst2"] and
          all(re.fullmatch("[0-9a-f]{32}", row[1]) and row[2].startswith("https://") for row in rows), result)


def paths():
    """The PATH for each program that downloads: one with links to everything but the other."""
    for tool in ("curl", "wget"):
        if not shutil.which(tool):
            print(f"without {tool}, which is not here")
            continue
        folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        for source in os.environ["PATH"].split(":"):
            for file in pathlib.Path(source).glob("*") if pathlib.Path(source).is_dir() else ():
                if file.name not in {"curl", "wget"} - {tool} and not (folder / file.name).is_symlink():
                    (folder / file.name).symlink_to(file)
        yield str(folder)


with tempfile.TemporaryDirectory() as scratch:
    test_table()
    found = list(paths())
    for each in found:
        test_whole(each)
        test_interrupted(each)
        test_refused(each)
print("\n".join(failures) or f"get-data with {len(found)} programs: all as it should be")
if not found and not failures:
    print("SKIPPED: neither curl nor wget is here")
    sys.exit(77)
sys.exit(bool(failures))
