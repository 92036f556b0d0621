"""Options that stand alone or in front of a number: ``--gaps`` and ``--gaps 0.1``."""

from __future__ import annotations

import typer
from typer.core import TyperCommand


def takes_values_or_not(values: dict[str, float]) -> type[TyperCommand]:
    """A command for which an option that no number follows stands for its number of `values`."""

    class Command(TyperCommand):
        def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
            return super().parse_args(ctx, with_values(args, values))

    return Command


def with_values(args: list[str], values: dict[str, float]) -> list[str]:
    """Arguments of a command, with the number of `values` behind every option that no number follows."""
    given = []
    for arg, following in zip(args, [*args[1:], ""], strict=True):
        given.append(arg)
        if arg in values and not _number(following):
            given.append(f"{values[arg]:g}")
    return given


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
