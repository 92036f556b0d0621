"""Every network of docs/vocabulary.md in every body: unrolled and streamed C simulation, streamed RTL.

    python -m benchmarks.vocabulary                         all of them, as a Markdown table
    python -m benchmarks.vocabulary muon:local --body parallel
    python -m benchmarks.vocabulary --write                 and into benchmarks/results/vocabulary.json

`NAME` is a committed model, `NAME:RECIPE` a variant that a switch of the recipe makes: it is trained here,
one epoch in float and one quantised, on a few events. Each body is written, built and compared at every layer
on random vectors by `levelone csim` or `levelone cosim` in a process of its own, whose processor time and
memory, compilers included, are what is told.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib.common import COMMITTED, markdown, quiet
from levelone.exits import COULD_NOT_RUN
from levelone.files import write_text
from levelone.pipeline.converting import convert_with
from levelone.pipeline.job import RECIPE
from levelone.pipeline.modules import companions
from levelone.rtl.config import RtlConfig
from levelone.zoo import find_system, read_recipe

RESULTS = Path(__file__).parent / "results" / "vocabulary.json"
NETWORKS = (
    "nova",
    "wjet:local",
    "muon:local",
    "qgjet",
    "qgjet:squeeze",
    "lartpc",
    "bandgap",
    "smlm",
    "bandgap:dense",
    "next",
    "wjet:maxout",
)
BODIES = ("parallel", "stream", "rtl")
VECTORS = {"parallel": 20, "stream": 20, "rtl": 120}
"""Random vectors: a C simulation is proven by reading it, RTL by what vectors reach."""
FEW = (
    "train.float_epochs=1",
    "train.quantised_epochs=1",
    *(f"data.max_{split}={count}" for split, count in {"train": 300, "validation": 100, "test": 200}.items()),
)
"""Of a training that shows that it can be done, and no more."""
LEVELONE = Path(sys.executable).with_name("levelone")
HEADER = (
    "network",
    "body",
    "vectors",
    "verdict",
    "seconds of a processor",
    "memory, GB",
    "clocks",
    "latency",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="NAME or NAME:RECIPE; default: all")
    parser.add_argument("--body", choices=BODIES, action="append", help="default: all")
    parser.add_argument("--vectors", type=int, help="random vectors of each comparison")
    parser.add_argument("--models", type=Path, help="folder that keeps trained variants, and is looked in")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", action="store_true", help=f"into benchmarks/results/{RESULTS.name}, too")
    told = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with quiet(), tempfile.TemporaryDirectory() as scratch:
        for network in told.networks or NETWORKS:
            model = model_of(network, told.models or Path(scratch))
            for body in told.body or BODIES:
                where = Path(scratch) / f"{network.replace(':', '-')}-{body}"
                found.setdefault(network, {})[body] = measure(model, body, where, told.vectors)
                print(network, body, found[network][body], file=sys.stderr)
                if told.write:
                    keep(found)
    print(json.dumps(found) if told.json else table(found))


def model_of(network: str, folder: Path) -> Path:
    """The QONNX file of a network: committed, or trained shortly and exported into a folder."""
    name, _, recipe = network.partition(":")
    if not recipe:
        return COMMITTED / name / "model.onnx"
    model = folder / f"{name}-{recipe}.onnx"
    if model.is_file():
        return model
    system = find_system(name)
    run = folder / f"{name}-{recipe}"
    command = ["train", name, "--recipe", system.default_recipe.with_name(f"{recipe}.toml"), "--out", run]
    if system.sample_file() is None:
        events = folder / f"{name}.h5"
        levelone("simulate", name, "--events", "2000", "-o", events)
        command += ["--data", events]
    levelone(*command, *(word for key in FEW for word in ("--set", key)))
    levelone("export", run, "-o", model)
    return model


def levelone(*words: str | Path) -> None:
    """A command that has to succeed."""
    subprocess.run([LEVELONE, *words], check=True)


def measure(model: Path, body: str, folder: Path, vectors: int | None) -> dict[str, Any]:
    """Write a project of the body, build and compare it: verdict, processor seconds, memory, clocks."""
    if body == "rtl":
        convert_with("rtl", model, folder, RtlConfig())
    else:
        _, recipe = read_recipe(companions(model)[RECIPE])
        convert_with("hls", model, folder, recipe.hls.model_copy(update={"io": body}))
    verb = "cosim" if body == "rtl" else "csim"
    count = vectors or VECTORS[body]
    command = [LEVELONE, verb, folder, "--vectors", str(count), "--json"]
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(command, stdout=out)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
        out.seek(0)
        told = out.read()
    if child.returncode == COULD_NOT_RUN:
        raise SystemExit(f"levelone {verb} {folder} could not run")
    result = json.loads(told)
    row = {
        "vectors": result["vectors"],
        "verdict": result["verdict"],
        "seconds": round(used.ru_utime + used.ru_stime, 1),
        "gigabytes": round(used.ru_maxrss / 1e6, 2),
    }
    if body == "rtl":
        planned = result["timing"]
        if planned is None:
            raise SystemExit(f"{folder}: {result['reason']}")
        row |= {
            "clocks": result["clocks_per_event"],
            "planned": planned["planned_clocks_per_event"],
            "latency": result["latency_clocks"],
            "rough": all(how["problem"] is None for how in result["traffic"]),
            "reached": round(result["coverage"]["share"], 2),
        }
    return row


def keep(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Into `RESULTS`, beside what is there of other networks and bodies."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    merged = {network: {**kept.get(network, {}), **found.get(network, {})} for network in {**kept, **found}}
    ordered = {
        network: {body: bodies[body] for body in BODIES if body in bodies}
        for network, bodies in sorted(merged.items())
    }
    write_text(RESULTS, json.dumps(ordered, indent=1) + "\n")


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The Markdown table of results."""
    rows: list[Sequence[str]] = [HEADER, ("---", "---", "---:", "---", "---:", "---:", "---:", "---:")]
    for network, bodies in found.items():
        for body, one in bodies.items():
            clocks = [f"{one[key]:,}" if key in one else "–" for key in ("clocks", "latency")]
            figures = (
                f"{one['vectors']}",
                one["verdict"],
                f"{one['seconds']:.0f}",
                f"{one['gigabytes']:.1f}",
            )
            rows.append((network, body, *figures, *clocks))
    return markdown(rows)


if __name__ == "__main__":
    main()
