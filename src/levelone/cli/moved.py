"""Options of earlier versions whose place is the recipe now."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from levelone.errors import LeveloneError

MOVED = {
    "--pileup": "generate.pileup=200",
    "--geometry": "generate.geometry=generic",
    "--energy": "generate.energy_gev=[100, 8000]",
    "--spectrum": "generate.spectrum=log",
    "--particle": 'generate.particles=["electron", "pi0"]',
    "--signal-fraction": "generate.signal_fraction=0.1",
}
"""Option -> an example of what says the same today."""


class MovedOptions(TyperCommand):
    """A verb that says what has become of an option, instead of only not knowing it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for word in args:
            option = word.partition("=")[0]
            if option in MOVED:
                raise LeveloneError(
                    f"{option} is a key of the recipe now", hint=f"for example --set '{MOVED[option]}'"
                )
        return super().parse_args(ctx, args)
