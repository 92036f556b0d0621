"""The command line: one thin function per verb, which imports what it needs when it is called."""

from __future__ import annotations

from typing import Annotated

import typer

from levelone.cli import diagnosis, info, model, project, rtl, run, simulate
from levelone.exits import run_and_exit

EXAMPLES = """
Quantised compact CNNs for detector triggers: train, generate the HLS project, prove it exact.

[bold]The whole chain, on the sample that ships with levelone:[/bold]

    levelone run pixelseed

[bold]Step by step:[/bold]

    levelone simulate pixelseed --events 200 --seed 1 -o events.h5
    levelone train pixelseed --data events.h5 --out runs/mine
    levelone export runs/mine -o model.onnx
    levelone convert model.onnx -o project --io stream
    levelone csim project --data events.h5
    levelone rtl model.onnx -o rtl_project
    levelone cosim rtl_project

[bold]Exit codes:[/bold] 0 done or exact, 1 mismatch, 2 bad input or could not run,
3 equal but not proven, 130 interrupted.
"""

app = typer.Typer(
    name="levelone",
    help=EXAMPLES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (run, simulate, model, project, rtl, diagnosis, info):
    module.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        from levelone import __version__

        typer.echo(f"levelone {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the `levelone` command."""
    run_and_exit(app)
