"""The pages docs/results/NAME.md and the README's table of results, from the JSON of committed models.

``python -m levelone.pipeline.results_page`` writes them anew; a test compares. Every figure comes from
``hls_projects/NAME/training.json`` (`levelone.pipeline.publishing`) or from a further JSON file beside it, of
schema `FIGURES`, that holds figures of the same model on other events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.files import sha256, write_text
from levelone.panels import Rows
from levelone.pipeline.glance import Sample, geant4_reason, glance, in_words
from levelone.report.content import read_json
from levelone.report.rows import as_markdown
from levelone.report.words import LABELS
from levelone.zoo import find_system
from levelone.zoo.kit.control import control_rows
from levelone.zoo.kit.system import System

COMMAND = "python -m levelone.pipeline.results_page"
TRAINING = "training.json"
FIGURES = "levelone-figures"
GEANT4, OWN, LIKE = "geant4", "geant4-own", "geant4-like"
"""Names of such files: Geant4's events, the test events of the training, and those of them like Geant4's."""
WITHDRAWN = "withdrawn.md"
"""Beside a model whose figures of physics are wrong: why, in a paragraph; the README shows none of them."""
BEGIN, END = "<!-- results: written by `levelone.pipeline.results_page` -->", "<!-- end of results -->"


def results_page(folder: Path) -> str:
    """The page of one folder of ``hls_projects/``, as Markdown.

    Raises
    ------
    LeveloneError
        If a file is missing or damaged, or belongs to another model than the one that lies beside it.
    """
    training = _read(folder / TRAINING)
    system = find_system(folder.name)
    for name, digest in training["files"].items():
        if sha256(folder / name) != digest:
            raise LeveloneError(
                f"{folder / name} is not the file that {TRAINING} tells of", hint="scripts/publish"
            )
    parts = [f"# {system.name}: results of the committed model", *_origin(folder, system, training)]
    if (folder / WITHDRAWN).is_file():
        reason = (folder / WITHDRAWN).read_text(encoding="utf-8").strip()
        parts.append(f"**Withdrawn.** {reason}")
    further = _companions(folder, training["files"]["model.onnx"])
    parts += _at_a_glance(system, training["metrics"], further)
    parts += _tables(system, training["metrics"], training["data"])
    for found in further.values():
        parts += _further(found, system)
    parts += [*_training(training["training"]), *_cost(training["metrics"]["cost"])]
    parts += _simulation(training["csim"])
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def summary(folders: Mapping[str, Path]) -> str:
    """The README's table: the few numbers of every system that a reader wants first."""
    rows = []
    for name, folder in folders.items():
        training = _read(folder / TRAINING)
        link = f"[{name}](docs/{name}.md), [results](docs/results/{name}.md)"
        if (folder / WITHDRAWN).is_file():
            rows.append((link, "", "figures withdrawn, for a reason that the results give; firmware exact"))
            continue
        cards = find_system(name).cards(training["metrics"] | {"data": training["data"]})
        rows += [(link if first else "", card.value, card.what) for first, card in _firsts(cards)]
    return as_markdown(Rows("", "", ("system", "figure", "what"), tuple(rows), numbers=(1,)))


def write_pages(root: Path) -> list[Path]:
    """Write every page and the README's table below `root`, the folder of the repository."""
    written = []
    for name, folder in published(root).items():
        page = root / "docs" / "results" / f"{name}.md"
        write_text(page, results_page(folder))
        written.append(page)
    readme = root / "README.md"
    write_text(readme, with_summary(readme.read_text(encoding="utf-8"), published(root)))
    return [*written, readme]


def with_summary(text: str, folders: Mapping[str, Path]) -> str:
    """`text` with the table of results between its two marks.

    Raises
    ------
    LeveloneError
        If the marks are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise LeveloneError(f"README.md: the table of results stands between {BEGIN!r} and {END!r}")
    return f"{before}{begin}\n\n{summary(folders)}\n{end}{after}"


def published(root: Path) -> dict[str, Path]:
    """System name -> folder of its committed model."""
    return {path.parent.name: path.parent for path in sorted(root.glob(f"hls_projects/*/{TRAINING}"))}


def _firsts(cards: list[Any]) -> Iterator[tuple[bool, Any]]:
    return ((number == 0, card) for number, card in enumerate(cards))


def _read(path: Path) -> dict[str, Any]:
    found = read_json(path)
    if found is None:
        raise LeveloneError(f"{path} is missing", hint="scripts/publish RUN FOLDER writes it")
    return found


def _origin(folder: Path, system: System, training: Mapping[str, Any]) -> Iterator[str]:
    data, made = training["data"], training["data"]["provenance"]
    counts = [f"{value:,} {key.replace('_', ' ')}" for key, value in data.items() if type(value) is int]
    yield f"The task: [{system.title}](../{system.name}.md)"
    yield (
        f"This page is written from `hls_projects/{folder.name}/` by `{COMMAND}`. Every figure is of our "
        "own training on our own simulation, on test events that no training has seen, unless it is called "
        "published."
    )
    yield "\n".join(("```console", *_commands(system, training), "```"))
    yield (
        f"{', '.join(counts)}; `{data['file']}` (SHA-256 `{data['sha256'][:16]}...`), "
        f"simulated with seed {made['seed']} by levelone {made['levelone']}{_version(made)}."
    )


def _commands(system: System, training: Mapping[str, Any]) -> Iterator[str]:
    """What makes the file of events, where the run was given one, and the run."""
    data = training["data"]
    made = data["provenance"].get("command")
    if made is not None and "--data" in training["command"]:
        yield f"$ {made.rpartition(' -o ')[0]} -o {data['file']}"
    yield f"$ {training['command']} --out runs/{system.name}"


def _version(made: Mapping[str, Any]) -> str:
    number = made.get("generator_version")
    return "" if number is None else f", version {number} of the generator"


def _tables(system: System, metrics: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[str]:
    for rows in (*system.tables({**metrics, "data": data}), *control_rows(metrics)):
        yield f"## {_capital(rows.title)}"
        yield _table(rows)


def _companions(folder: Path, model: str) -> dict[str, dict[str, Any]]:
    """What lies beside ``training.json``: name -> figures of the same model on other events."""
    return {
        path.stem: _companion(path, model) for path in sorted(folder.glob("*.json")) if path.name != TRAINING
    }


def _companion(path: Path, model: str) -> dict[str, Any]:
    found = _read(path)
    if found.get("schema") != FIGURES:
        raise LeveloneError(f"{path}: schema {found.get('schema')!r}, expected {FIGURES!r}")
    if found["model"] != model:
        raise LeveloneError(f"{path} holds figures of another model", hint=found["command"])
    return found


def _at_a_glance(
    system: System, metrics: Mapping[str, Any], further: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """The headline figures on the test events, and on Geant4's if there are any; else what is published."""

    def on(name: str, title: str, reason: str = "") -> Sample:
        return Sample(title, (further[name]["metrics"],) if name in further else (), reason)

    own = Sample("test events", (metrics, *on(OWN, "").metrics))
    like = [on(LIKE, "test events like Geant4's")] if LIKE in further else []
    rows = glance(system, own, *like, on(GEANT4, "Geant4's events", geant4_reason(system)))
    if rows is not None:
        yield f"## {rows.title}"
        yield _table(rows)
    elif published := in_words(system.published()):
        yield f"Published: {published}."


def _further(found: Mapping[str, Any], system: System) -> Iterator[str]:
    """Figures of the same model on other events."""
    yield f"## {found['title']}"
    yield f"```console\n$ {found['command']}\n```"
    for rows in system.tables(found["metrics"]):
        if rows.rows:
            yield f"### {_capital(rows.title)}"
            yield _table(rows)


def _table(rows: Rows) -> str:
    """With the names that people give to the networks; a long table opens when it is clicked."""
    told = replace(rows, rows=tuple(tuple(LABELS.get(cell, cell) for cell in row) for row in rows.rows))
    table = as_markdown(told)
    if any(cell.endswith("± 0") for row in told.rows for cell in row):
        table = f"{table.rstrip()}\n\n± 0: every bootstrap sample gives this value.\n"
    if not rows.folded:
        return table
    return f"<details markdown><summary>{len(rows.rows)} rows</summary>\n\n{table}\n</details>"


def _training(training: Mapping[str, Any]) -> Iterator[str]:
    rows = tuple(
        (
            name,
            str(part["epochs"]),
            str(part["best_epoch"] + 1),
            str(part["stopped"]),
            f"{part['seconds']:,.0f}",
        )
        for name, part in training.items()
    )
    yield "## Training"
    head = ("network", "epochs", "best epoch", "stopped by", "seconds")
    yield as_markdown(
        Rows("", "The quantised network goes on from the float one.", head, rows, numbers=(1, 2, 4))
    )


def _cost(cost: Mapping[str, Any]) -> Iterator[str]:
    columns = ("weights", "nonzero_weights", "multiplications", "ebops")
    rows = [(name, *(f"{part[key]:,}" for key in columns)) for name, part in cost["layers"].items()]
    rows.append(("all", *(f"{cost[key]:,}" for key in columns)))
    caption = (
        "Products are those by weights that are not zero; effective bit operations: bits of each weight "
        "between its highest and its lowest set bit times bits of its operand, everything unrolled."
    )
    yield "## Cost"
    head = ("layer", "weights", "not zero", "products per event", "effective bit operations")
    yield as_markdown(Rows("", caption, head, tuple(rows), numbers=(1, 2, 3, 4)))


def _simulation(csim: Mapping[str, Any]) -> Iterator[str]:
    rows = tuple(
        (part["name"], f"{part['vectors']:,}", ", ".join(part["against"]), part["verdict"])
        for part in csim["sets"]
    )
    yield "## C simulation"
    head = ("vectors", "number", "compared with", "verdict")
    yield as_markdown(Rows("", f"{_capital(csim['verdict'])}, every layer:", head, rows, numbers=(1,)))
    yield "`scripts/validate` repeats it in both io modes."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def main() -> None:
    """``python -m levelone.pipeline.results_page``, in the folder of the repository."""
    root = Path.cwd()
    if not published(root):
        raise LeveloneError(
            f"{root}: no hls_projects/*/{TRAINING} here", hint="run it in the folder of the repository"
        )
    for path in write_pages(root):
        print(path)


if __name__ == "__main__":
    from levelone.exits import run_and_exit

    run_and_exit(main)
