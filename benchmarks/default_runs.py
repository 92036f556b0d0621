"""What `levelone run NAME` costs from nothing: processor time of every stage, memory, the verdict.

    python -m benchmarks.default_runs nova                     as `levelone run nova` does it
    python -m benchmarks.default_runs nova --set train.float_epochs=1 --set train.quantised_epochs=1
    python -m benchmarks.default_runs nova --write             and into benchmarks/results/default_runs.json

Processor time is that of this process and of all that it waits for (compilers, the C simulation): other
programs on the machine change it little, and a machine with idle cores takes less wall time, never more.
Memory is that of this process or of its largest child, whichever is more; one system at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib.common import markdown, processor_seconds, quiet
from levelone.files import write_text
from levelone.pipeline.engine import StageResult, run_stages
from levelone.pipeline.job import plan, save_recipe
from levelone.pipeline.run import Run
from levelone.pipeline.stages import all_stages

RESULTS = Path(__file__).parent / "results" / "default_runs.json"
HEADER = ("system", "events", "stages, seconds of a processor", "whole, minutes", "memory, GB", "verdict")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("systems", nargs="+", metavar="NAME", help="systems")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", action="store_true", help=f"into benchmarks/results/{RESULTS.name}, too")
    told = parser.parse_args()
    if told.write and told.overrides:
        parser.error("--write: what is committed is what `levelone run NAME` does")
    with quiet():
        found = {name: measure(name, told.overrides) for name in told.systems}
    if told.write:
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
        whole = dict(sorted({**kept, **found}.items()))
        write_text(RESULTS, json.dumps(whole, indent=1) + "\n")
    print(json.dumps(found) if told.json else table(found))


def measure(name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """One run in a fresh folder: seconds of a processor per stage, of the clock, memory, verdict."""
    began, at = processor_seconds(), processor_seconds()
    stages: dict[str, float] = {}

    def show(line: str) -> None:
        print(f"{processor_seconds() - began:8.1f}  {line}", file=sys.stderr)

    def listen(title: str, result: StageResult | None, reason: str) -> None:
        nonlocal at
        show(title)
        if result is not None:
            stages[title], at = round(processor_seconds() - at, 1), processor_seconds()

    with tempfile.TemporaryDirectory() as scratch:
        job = plan(name, overrides=overrides, folder=Path(scratch) / "run")
        job.folder.mkdir()
        save_recipe(job)
        results = run_stages(all_stages(job), Run(job, show), job.folder, listen=listen)
        csim = json.loads(job.path("csim.json").read_text(encoding="utf-8"))
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return {
        "events": _events(results),
        "threads": os.environ.get("OMP_NUM_THREADS", "as many as cores"),
        "load": round(os.getloadavg()[2], 1),
        "stages": stages,
        "seconds": round(processor_seconds() - began, 1),
        "wall": round(sum(result.seconds for result in results), 1),
        "gigabytes": round(max(resource.getrusage(each).ru_maxrss for each in who) / 1e6, 2),
        "verdict": csim["verdict"],
    }


def _events(results: Sequence[StageResult]) -> int:
    """All that the run read."""
    counts = (result.summary for result in results if "train events" in result.summary)
    found = next(counts, {})
    return sum(value for key, value in found.items() if key.endswith(" events"))


def table(found: dict[str, Any]) -> str:
    """The Markdown table of results."""
    rows = [HEADER, ("---", "---:", "---", "---:", "---:", "---")]
    for name, one in found.items():
        parts = ", ".join(
            f"{title} {seconds:.0f}" for title, seconds in one["stages"].items() if seconds >= 1
        )
        whole, memory = f"{one['seconds'] / 60:.1f}", f"{one['gigabytes']:.1f}"
        rows.append((name, f"{one['events']:,}", parts, whole, memory, one["verdict"]))
    return markdown(rows)


if __name__ == "__main__":
    main()
