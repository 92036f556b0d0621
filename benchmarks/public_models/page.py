"""The page of the public models, from the results that `benchmarks.public_models --write` left.

python -m benchmarks.public_models.page > docs/public-models.md
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results" / "public_models.json"
PAGE = Path(__file__).parents[2] / "docs" / "public-models.md"
NO_QUANTISER = "holds no quantiser of QONNX"

_HEAD = """\
# Public models

What levelone makes of QONNX files that others have published, and of the networks that Brevitas's own
examples define, with random weights. This page is written by `python -m benchmarks.public_models FOLDER
--write`, where FOLDER holds clones of the repositories, and of their earlier commits those that hold other
files; a test keeps it equal to the committed results. Each file is read, converted (`io_stream`), compiled,
and compared on random vectors (as many as are said) at every layer and output, in a process of its own that
has {seconds} seconds on {cores} shared cores and {gigabytes} GB of address space. Seconds are wall time on a
busy machine: only their order of magnitude says anything. Memory is that of the largest process, compilers
included. "Not reached" is what the run had no time for: nothing is known of these files beyond the stage that
is named. Files that a clone brings as pointers to a store elsewhere (Git LFS: FINN's LFC, and CNV, LFC,
ResNet, MobileNet of the model zoo) are not here; networks of these names are Brevitas's own.

"float32" says how qonnx's own execution of the file differs from the exact meaning, tensor by tensor:
float32 rounds a quantiser's operand to the other side in places, which is no fault of the firmware.

"""
_PLAIN = "Not tried, because they hold no integer quantiser of QONNX (float networks; FINN's own steps)"
_ENDED = {
    "not tried": "not reached",
    "ended by SIGKILL": "not reached",
    "out of time": "not reached: time",
    "out of memory": "not reached: memory",
}


def page(result: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    entries = [entry for entry in result["files"] if not _is_plain(entry)]
    plain = [entry for entry in result["files"] if _is_plain(entry)]
    counts = Counter(verdict(entry)[0] for entry in entries)
    lines = [", ".join(f"{number} {what}" for what, number in sorted(counts.items())) + ".", ""]
    lines += [
        "| file | origin | verdict | read, convert, csim (s) | memory | |",
        "|---|---|---|---:|---:|---|",
    ]
    lines += [_row(entry) for entry in entries]
    text = _HEAD.format(cores=result["cores"], **result["limits"]) + "\n".join(lines) + "\n"
    if plain:
        names = ", ".join(f"`{_short(entry['file'])}`" for entry in plain)
        text += f"\n{_PLAIN}: {names}.\n"
    return text


def verdict(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The verdict on one file, and what is to be said of it."""
    stages = {stage["stage"]: stage for stage in entry["stages"]}
    refused = next((stage for stage in entry["stages"] if "refused" in stage), None)
    if refused is not None:
        return "refused", f"{refused['stage']}: {refused['refused']}"
    if "csim" in stages:
        told = stages["csim"]["reason"] or _floats(stages.get("float32"))
        return stages["csim"]["verdict"], f"{stages['csim']['vectors']} vectors" + (
            f"; {told}" if told else ""
        )
    ended = entry.get("ended") or "ended without a word"
    after = entry["stages"][-1]["stage"] if entry["stages"] else None
    return _ENDED.get(ended, ended), f"after {after}" if after else ""


def _row(entry: Mapping[str, Any]) -> str:
    told, words = verdict(entry)
    by_name = {stage["stage"]: stage for stage in entry["stages"]}
    times = [f"{by_name[s]['seconds']:.1f}" if s in by_name else "–" for s in ("read", "convert", "csim")]
    peak = max((stage.get("megabytes", 0) for stage in entry["stages"]), default=0)
    words = words.replace("|", "\\|").replace("<", "&lt;")
    memory = f"{peak:.0f} MB" if peak else "–"
    cells = (f"`{_short(entry['file'])}`", entry["origin"], told, ", ".join(times), memory, words)
    return f"| {' | '.join(cells)} |"


def _floats(stage: Mapping[str, Any] | None) -> str:
    if stage is None:
        return ""
    return f"float32: {stage['class']}" + (" (port declared)" if "--port" in stage["details"] else "")


def _is_plain(entry: Mapping[str, Any]) -> bool:
    return any(stage.get("refused") == NO_QUANTISER for stage in entry["stages"])


def _short(name: str) -> str:
    """Without the repository."""
    return "/".join(name.split("/")[2:])


def main() -> None:
    print(page(json.loads(RESULTS.read_text(encoding="utf-8"))), end="")


if __name__ == "__main__":
    main()
