"""The tables of a score, and the page of the docs that shows them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from levelone.files import write_text
from levelone.hls.toolchain import find_compiler

PAGE = Path(__file__).parents[2] / "docs/diagnosis.md"
START, END = "<!-- score -->", "<!-- end of score -->"
SUBJECTS = {
    "small-parallel": "eleven graphs of at most 4096 inputs, `io_parallel`",
    "small-stream": "the same, `io_stream`",
    "looped": "a graph of 4096 inputs whose windows are gathered by loops, `io_parallel`",
    "large": "four deeper graphs of 65,536 inputs",
    "model": "the committed PixelSeed model, 20,000 other vectors",
}


def table(rows: Mapping[str, Mapping[str, int]], columns: Sequence[str], first: str = "kind") -> str:
    """Counts as a table, in Markdown."""
    lines = [f"| {first} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in sorted(rows.items(), key=lambda item: (item[0] == "all", item[0])):
        lines.append(f"| {name} | " + " | ".join(f"{row[column]:,}" for column in columns) + " |")
    return "\n".join(lines)


def write(result: Mapping[str, Any]) -> None:
    """Put the tables of a result between `START` and `END` of `PAGE`."""
    total = result["total"]["all"]
    columns = [column for column in total if column not in ("false alarm", "survived")]
    columns += ["false alarm", "survived"]
    changing = total["planted"] - total["equivalent"] - total["harmless"]
    minutes = sum(project["seconds"] for project in result["projects"].values()) / 60
    compiler = find_compiler().version
    projects = {
        ", ".join([SUBJECTS[name], *(f"`{option}`" for option in project.get("options", ()))]): project[
            "score"
        ]["all"]
        for name, project in result["projects"].items()
    }
    missing = [f"`--only {name}`" for name in SUBJECTS if name not in result["projects"]]
    absent = f"\nNot in these tables: {', '.join(missing)}." if missing else ""
    survived, alarms = total["survived"], total["false alarm"]
    harmless = total["harmless"] + alarms
    text = f"""\
`python -m benchmarks.mutation --write`, {datetime.date.today()}, {compiler}, {minutes:.0f} minutes.
Of {changing:,} faults that were not shown to change nothing, **{survived} went unreported**; of
{harmless:,} harmless edits, {alarms} were called not proven. The vectors alone catch
{result["score_percent"]:.1f} % of those that were run and change something.{absent}

{table(projects | {"all": total}, columns, "planted in")}

{table(result["total"], columns)}"""
    write_between(PAGE, text)


def write_between(page: Path, text: str) -> None:
    """Put `text` between `START` and `END` of a page."""
    before, rest = page.read_text(encoding="utf-8").split(START)
    write_text(page, f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}")
