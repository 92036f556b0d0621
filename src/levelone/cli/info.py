"""`levelone list` and `levelone doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from levelone.cli.console import one_json_object
from levelone.cli.options import AsJson
from levelone.exits import COULD_NOT_RUN


def add_to(app: typer.Typer) -> None:
    """Register the verbs of this module."""
    app.command("list")(list_)
    app.command()(doctor)


def list_(
    system: Annotated[
        str | None,
        typer.Argument(
            help="Tell the keys of this system's own recipe sections instead.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List systems, their recipes, runs in ./runs and committed projects in ./hls_projects.

    Example: levelone list muon
    """
    from levelone.pipeline.catalogue import catalogue, described
    from levelone.pipeline.recipe_page import system_text

    with one_json_object(as_json) as emit:
        found = catalogue(Path.cwd()) if system is None else described(system)
        emit(found)
    if as_json:
        return
    if system is None:
        _show_catalogue(found)
    else:
        typer.echo(system_text(system))


def _show_catalogue(found: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("kind", "name", "what, where", box=None, title_justify="left")
    for system in found["systems"]:
        what = escape(system["error"]) if "error" in system else f"{system['title']}\n{system['recipe']}"
        foreign = "" if system["distribution"] == "levelone" else f"\nfrom {system['distribution']}"
        table.add_row("system", system["name"], what + foreign)
    for name, why in found["refused"].items():
        table.add_row("refused", name, escape(why))
    for run in found["runs"]:
        table.add_row("run", run["name"], run["path"])
    for project in found["projects"]:
        table.add_row("project", project["name"], project["path"])
    needed = Console(width=10_000).measure(table).maximum  # a path is never broken
    Console(soft_wrap=True, width=max(Console().width, needed)).print(table)


def doctor(as_json: AsJson = False) -> None:
    """Check Python, package versions, g++, extras, vendor tools; exit code 2 if the main job cannot run.

    Example: levelone doctor
    """
    from levelone import doctor as checks

    with one_json_object(as_json) as emit:
        found = checks.diagnose()
        emit(checks.to_json(found))
    if not as_json:
        from rich.console import Console
        from rich.markup import escape

        marks = {"pass": "[green]pass[/]", "fail": "[red]FAIL[/]", "not applicable": "[dim]n/a [/]"}
        console = Console(soft_wrap=True, highlight=False)
        for check in found:
            console.print(f"{marks[check.outcome]}  {escape(f'{check.name:14} {check.found}')}")
            if check.advice:
                console.print(f"      [dim]{escape(check.advice)}[/]")
    raise typer.Exit(0 if checks.healthy(found) else COULD_NOT_RUN)
