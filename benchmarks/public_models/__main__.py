"""Every QONNX file of a folder, and Brevitas's own networks, from reading to the verdict of csim.

    python -m benchmarks.public_models FOLDER [--seconds 600] [--gigabytes 8] [--minutes 60] [--write]

FOLDER holds clones as OWNER/REPOSITORY, and earlier commits as OWNER/REPOSITORY@COMMIT; the networks of
Brevitas's examples are written beside them with random weights. Each file has a process of its own, with that
much time and memory; small files come first, one that stands in several places is tried once, and what the
whole run does not reach is said to be not tried.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.lib.common import quiet
from benchmarks.public_models import brevitas_networks
from benchmarks.public_models.page import PAGE, RESULTS, page
from levelone.files import sha256, write_text


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=600, help="for one file")
    parser.add_argument("--gigabytes", type=int, default=8, help="address space of each process of one file")
    parser.add_argument("--minutes", type=int, default=600, help="for the whole run")
    parser.add_argument(
        "--only", default="", help="only files whose path holds this; the others stay as written"
    )
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} and {PAGE.name}")
    parser.add_argument("--json", action="store_true", help="print the results instead of the table")
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    with quiet():
        refused = brevitas_networks.write(given.folder, _show)
    written = json.loads(RESULTS.read_text(encoding="utf-8"))["files"] if given.only else []
    earlier = {entry["file"]: entry for entry in written}
    files = _files(given.folder)
    origin = brevitas_networks.origin()
    found: list[dict[str, Any]] = [
        {"file": name, "origin": origin, "stages": [{"stage": "export", "refused": words}]}
        for name, words in refused.items()
    ]
    for path in files:  # first, so that what is not reached is in the table, too
        name = path.relative_to(given.folder).as_posix()
        origin = _origin(given.folder, name)
        entry = {"file": name, "origin": origin, "stages": [], "ended": "not tried"}
        found.append(entry if given.only in name else earlier.get(name, entry))
    for entry in found[len(refused) :]:
        if given.only in entry["file"] and time.monotonic() < until:
            limit = min(given.seconds, until - time.monotonic())
            entry |= _one(given.folder / entry["file"], limit, given.gigabytes)
            _show(f"{entry['file']}: {json.dumps(entry['stages'][-1:])} {entry['ended']}")
            result = _result(found, given)
            if given.write:  # after each file: a run that is ended leaves what it has found
                RESULTS.parent.mkdir(exist_ok=True)
                write_text(RESULTS, json.dumps(result, indent=1) + "\n")
                write_text(PAGE, page(result))
    result = _result(found, given)
    print(json.dumps(result) if given.json else page(result))


def _files(folder: Path) -> list[Path]:
    """Files that differ, small ones first; of equal ones the newest commit's."""
    once: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.onnx"), key=lambda path: (path.stat().st_size, str(path))):
        once.setdefault(sha256(path), path)
    return list(once.values())


def _result(found: list[dict[str, Any]], given: argparse.Namespace) -> dict[str, Any]:
    return {
        "versions": {name: version(name) for name in ("hls4ml", "qonnx", "brevitas", "onnxruntime")},
        "limits": {"seconds": given.seconds, "gigabytes": given.gigabytes},
        "cores": len(os.sched_getaffinity(0)),
        "files": sorted(found, key=lambda entry: str(entry["file"])),
    }


def _one(path: Path, seconds: float, gigabytes: int) -> dict[str, Any]:
    """The stages of one file, and how its process ended if not by itself."""
    size = gigabytes * 2**30
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as answers:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.public_models.one", str(path.resolve()), folder],
            stdout=answers,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that compilers and simulations end with it
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size)),
        )
        ended = ""
        try:
            _, errors = process.communicate(timeout=seconds)
            if process.returncode < 0:
                ended = f"ended by {signal.Signals(-process.returncode).name}"
            elif process.returncode:
                last = (errors.strip().splitlines() or [""])[-1]
                ended = "out of memory" if "Memory" in last or "alloc" in last else f"ended: {last[:200]}"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            ended = "out of time"
        answers.seek(0)
        stages = [json.loads(line) for line in answers]
    return {"stages": stages, "ended": ended}


def _origin(folder: Path, name: str) -> str:
    if name.startswith(brevitas_networks.FOLDER):
        return brevitas_networks.origin()
    owner, clone, *_ = name.split("/")
    repository = clone.partition("@")[0]
    head = subprocess.run(
        ["git", "-C", str(folder / owner / clone), "rev-parse", "--short=7", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{owner}/{repository}" + (f" {head.stdout.strip()}" if head.returncode == 0 else "")


def _show(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
