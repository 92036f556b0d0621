"""Clocks of the committed models as streamed RTL: planned, and measured in Verilator.

    python -m benchmarks.rtl_clocks                 all of them, as a Markdown table
    python -m benchmarks.rtl_clocks pixelseed --vectors 1000
    python -m benchmarks.rtl_clocks muon:3200 --vectors 6   in so many clocks, pixels per clock as it takes
    python -m benchmarks.rtl_clocks muon --minutes 10       as many random vectors as fit into ten minutes

Every model is written, compared at every layer with golden or random vectors, and measured without gaps and
stalls; then outputs are compared with gaps, stalls and resets. Needs the extra [rtl].
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.lib.common import COMMITTED, processor_seconds, timed
from levelone.errors import LeveloneError
from levelone.pipeline.checks import check_folder
from levelone.pipeline.converting import convert_with
from levelone.pipeline.cosim import cosim_folder
from levelone.rtl.body import BODY
from levelone.rtl.config import RtlConfig
from levelone.rtl.document import RtlDocument

COLUMNS = (
    "model",
    "pixels per clock",
    "vectors",
    "verdict",
    "clocks per event, planned",
    "measured",
    "latency in clocks, planned",
    "measured latency",
    "after the last beat in",
    "multipliers",
    "weight memory, kbit",
    "buffers and FIFOs, kbit",
    "processor minutes",
)
FEW = 4
"""Random vectors of a first comparison."""
SHARE = 0.1
"""Of the minutes: what a comparison has to take so that others are judged by it."""
MOST = 10_000
"""Random vectors at most: the input codes of more of them take many gigabytes."""


def fitting(project: Path, minutes: float) -> int:
    """Random vectors that so many minutes of one core compare, judged by ever more; at most `MOST`."""
    BODY.build(project)
    check_folder(project, vectors=FEW)  # what is built or loaded once does not count
    count = FEW
    while (took := timed(partial(check_folder, project, vectors=count)).processor) < SHARE * 60 * minutes:
        count *= 4
        if count > MOST:
            return MOST
    return min(MOST, max(1, int(60 * minutes / took * count)))


def row(name: str, vectors: int | None, minutes: float | None) -> tuple[str, ...]:
    """One model, ``NAME`` or ``NAME:CLOCKS``: what was compared, and its clocks."""
    system, _, clocks = name.partition(":")
    model = COMMITTED / system / "model.onnx"
    config = RtlConfig(clocks_per_event=int(clocks) if clocks else None)
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "rtl"
        convert_with("rtl", model, project, config)
        planned = RtlDocument.read(project)
        if minutes is not None:
            vectors = fitting(project, minutes)
        start = processor_seconds()
        result = cosim_folder(
            project, vectors=vectors, gaps=0.3, stalls=0.3, show=lambda line: print(line, file=sys.stderr)
        )
        took = (processor_seconds() - start) / 60
    if result["timing"] is None:
        raise LeveloneError(f"{system}: {result['reason']}", hint="there are no clocks to show")

    def total(key: str) -> int:
        return sum(getattr(layer, key) for layer in planned.layers)

    return (
        system,
        f"{max(port.stream.lanes // port.shape[-1] for port in planned.inputs)}",
        f"{result['vectors']:,}",
        result["verdict"],
        f"{planned.clocks_per_event:,}",
        f"{result['clocks_per_event']:,}",
        f"{max(planned.latency_clocks.values()):,}",
        f"{result['latency_clocks']:,}",
        f"{max(result['timing']['after_last_clocks'].values()):,}",
        f"{total('multipliers'):,}",
        f"{total('rom_bits') / 1000:,.0f}",
        f"{(total('buffer_bits') + total('fifo_bits')) / 1000:,.0f}",
        f"{took:.1f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("system", nargs="*", help="names of committed models, or NAME:CLOCKS")
    many = parser.add_mutually_exclusive_group()
    many.add_argument(
        "--vectors", type=int, help="random vectors; default: the golden vectors and random ones"
    )
    many.add_argument(
        "--minutes",
        type=float,
        help=f"as many random vectors as fit into so many minutes of a processor, {MOST:,} at most",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    names = arguments.system or sorted(path.parent.name for path in COMMITTED.glob("*/model.onnx"))
    if arguments.json:
        rows = [dict(zip(COLUMNS, row(n, arguments.vectors, arguments.minutes), strict=True)) for n in names]
        print(json.dumps({"models": rows}))
        return
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---|--:|--:|---" + "|--:" * (len(COLUMNS) - 4) + "|")
    for name in names:
        print("| " + " | ".join(row(name, arguments.vectors, arguments.minutes)) + " |", flush=True)


if __name__ == "__main__":
    main()
