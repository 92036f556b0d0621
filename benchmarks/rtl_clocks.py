"""Clocks of the committed models as streamed RTL: planned, and measured in Verilator.

    python -m benchmarks.rtl_clocks                 all of them, as a Markdown table
    python -m benchmarks.rtl_clocks pixelseed --vectors 1000

Every model is written, compared at every layer with golden or random vectors, and measured without gaps and
stalls; then outputs are compared with gaps, stalls and resets. Needs the extra [rtl].
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from levelone.pipeline.converting import convert_with
from levelone.pipeline.cosim import cosim_folder, plan_rows
from levelone.rtl.config import RtlConfig

PROJECTS = Path(__file__).parents[1] / "hls_projects"
COLUMNS = (
    "model",
    "vectors",
    "verdict",
    "clocks per event, planned",
    "measured",
    "latency in clocks",
    "after the last beat in",
    "multipliers",
    "weight memory, kbit",
    "buffers, kbit",
)


def row(model: Path, vectors: int | None) -> tuple[str, ...]:
    """One model: what was compared, and its clocks."""
    plan = plan_rows(model, RtlConfig())
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "rtl"
        convert_with("rtl", model, project, RtlConfig())
        result = cosim_folder(
            project, vectors=vectors, gaps=0.3, stalls=0.3, show=lambda line: print(line, file=sys.stderr)
        )

    def total(key: str) -> int:
        return sum(layer[key] for layer in plan["layers"])

    return (
        model.parent.name,
        f"{result['vectors']:,}",
        result["verdict"],
        f"{plan['clocks_per_event']:,}",
        f"{result['clocks_per_event']:,}",
        f"{result['latency_clocks']:,}",
        f"{max(result['timing']['after_last_clocks'].values()):,}",
        f"{total('multipliers'):,}",
        f"{total('rom_bits') / 1000:,.0f}",
        f"{total('buffer_bits') / 1000:,.0f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("system", nargs="*", help="names of committed models")
    parser.add_argument(
        "--vectors", type=int, help="random vectors; default: the golden vectors and random ones"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    names = arguments.system or sorted(path.parent.name for path in PROJECTS.glob("*/model.onnx"))
    if arguments.json:
        rows = [
            dict(zip(COLUMNS, row(PROJECTS / n / "model.onnx", arguments.vectors), strict=True))
            for n in names
        ]
        print(json.dumps({"models": rows}))
        return
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---|--:|---" + "|--:" * (len(COLUMNS) - 3) + "|")
    for name in names:
        print("| " + " | ".join(row(PROJECTS / name / "model.onnx", arguments.vectors)) + " |", flush=True)


if __name__ == "__main__":
    main()
