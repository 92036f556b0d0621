"""`levelone run` and `levelone report`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from levelone.cli.console import one_json_object
from levelone.cli.moved import MovedOptions
from levelone.cli.options import (
    AsJson,
    DataFile,
    Events,
    Overrides,
    RecipeFile,
    RunFolder,
    Seed,
    SystemName,
    with_shorthands,
)

if TYPE_CHECKING:
    from levelone.pipeline.engine import Stage, StageResult
    from levelone.pipeline.job import Job
    from levelone.pipeline.run import Run


def add_to(app: typer.Typer) -> None:
    """Register the verbs of this module."""
    app.command(cls=MovedOptions)(run)
    app.command()(report)


def run(
    system: SystemName,
    recipe: RecipeFile = None,
    overrides: Overrides = None,
    data: DataFile = None,
    out: RunFolder = None,
    events: Events = None,
    seed: Seed = None,
    force: Annotated[bool, typer.Option("--force", help="Do every stage again.")] = False,
    as_json: AsJson = False,
) -> None:
    """The whole chain: data, training, QONNX, HLS project, C simulation, verdict, report.

    The run makes its events when it is told how (--events, --seed, --set generate.KEY=VALUE), or when there
    are none to read. Stages that are up to date are skipped; after an interruption the run goes on where it
    stopped. With a section rtl in the recipe (--set rtl.KEY=VALUE; --set rtl=false leaves it out) it writes
    and simulates RTL, too. Exit code 0 only if every simulation is exact, or if the recipe's network is not
    meant for hardware.

    Example: levelone run pixelseed --set train.quantised_epochs=3 --out runs/quick
    """
    from levelone.pipeline.job import plan
    from levelone.pipeline.stages import all_stages

    with one_json_object(as_json) as emit:
        told = with_shorthands(overrides, events, seed)
        job = plan(system, recipe=recipe, overrides=told, data=data, folder=out)
        results = perform(job, all_stages(job), force=force)
        emit(results.to_dict())
    if not as_json:
        show_results(results)
    raise typer.Exit(results.exit_code)


def report(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="HTML file; default: RUN/report.html.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the one-page HTML report of a run; what is missing is named on the page.

    Example: levelone report runs/pixelseed -o pixelseed.html
    """
    from levelone.files import sha256, write_text
    from levelone.pipeline.job import open_run
    from levelone.pipeline.reporting import report_page

    with one_json_object(as_json) as emit:
        target = output or run / "report.html"
        write_text(target, report_page(open_run(run)))
        emit({"file": str(target), "sha256": sha256(target), "bytes": target.stat().st_size})
    if not as_json:
        typer.echo(str(target))


@dataclass(frozen=True)
class Results:
    """A finished chain of stages."""

    job: Job
    stages: list[StageResult]

    @property
    def verdicts(self) -> dict[str, str]:
        """Of every simulation among the stages, by its title."""
        return {s.title: s.summary["verdict"] for s in self.stages if "verdict" in s.summary}

    @property
    def verdict(self) -> str | None:
        """The worst of all simulations; None if there was none."""
        from levelone.pipeline.verdicts import worst

        return worst(self.verdicts.values()) if self.verdicts else None

    @property
    def exit_code(self) -> int:
        """That of the verdict; 0 if there was nothing to compare."""
        from levelone.api.documents import exit_code_of

        return 0 if self.verdict is None else exit_code_of(self.verdict)

    def to_dict(self) -> dict[str, Any]:
        """The ``--json`` form."""
        from levelone.pipeline.stages import products

        return {
            "system": self.job.system.name,
            "folder": str(self.job.folder),
            "verdict": self.verdict,
            "bodies": [{"title": title, "verdict": verdict} for title, verdict in self.verdicts.items()],
            "stages": [
                {"name": s.name, "ran": s.ran, "reason": s.reason, "seconds": s.seconds, "summary": s.summary}
                for s in self.stages
            ],
            "products": {what: str(path) for what, path in products(self.job.folder).items()},
        }


def perform(job: Job, stages: Sequence[Stage[Run]], *, force: bool = False) -> Results:
    """Run stages in the job's folder, telling the terminal what happens."""
    from rich.console import Console
    from rich.markup import escape

    from levelone.pipeline.engine import run_stages
    from levelone.pipeline.job import save_recipe
    from levelone.pipeline.run import Run
    from levelone.pipeline.stages import check_data
    from levelone.pipeline.state import locked

    console = Console(stderr=True, highlight=False, soft_wrap=True)

    def listen(title: str, result: StageResult | None, reason: str) -> None:
        if result is None:
            console.print(f"[bold]{title}[/bold] [dim]({escape(reason)})[/dim]")
        elif result.ran:
            details = ", ".join(f"{key}: {value}" for key, value in result.summary.items())
            console.print(f"  [green]done[/green] in {result.seconds:,.1f} s  [dim]{escape(details)}[/dim]")
        else:
            console.print(f"[bold]{title}[/bold] [dim]skipped: up to date[/dim]")

    def show(line: str) -> None:
        console.print(f"  {line}", style="dim", markup=False)

    if not job.generated and not job.folder.exists():
        check_data(job)  # before a folder is made for data that cannot be used
    if job.left_out:
        console.print(job.left_out, style="yellow", markup=False)
    with locked(job.folder):
        save_recipe(job)
        context = Run(job, show, force)
        return Results(job, run_stages(stages, context, job.folder, force=force, listen=listen))


def show_results(results: Results) -> None:
    """Print where everything is and how long it took."""
    from rich.console import Console
    from rich.table import Table

    from levelone.pipeline.stages import products

    console = Console(highlight=False, soft_wrap=True)
    table = Table("stage", "", "seconds", box=None)
    table.columns[2].justify = "right"
    for stage in results.stages:
        table.add_row(stage.title, "done" if stage.ran else "skipped, up to date", f"{stage.seconds:,.1f}")
    ran = sum(stage.seconds for stage in results.stages if stage.ran)
    table.add_row("[bold]this time[/]", "", f"[bold]{ran:,.1f}[/]")
    console.print(table)
    for what, path in products(results.job.folder).items():
        console.print(f"{what + ':':15} {path}")
    for title, verdict in results.verdicts.items():
        colour = "green" if verdict == "exact" else "red"
        console.print(f"[bold {colour}]{title}: {verdict}[/]")
