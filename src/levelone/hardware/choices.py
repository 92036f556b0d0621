"""What choices of hardware are made of: each body's configuration is a `Choices`, declared once.

It is a section of recipes, what `convert` takes, and what ``levelone.json`` stores. Recipes import it, so
nothing heavy is imported here.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Choices(BaseModel):
    """A configuration: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def spelt(pattern: str, expected: str) -> AfterValidator:
    """Rule of a text: it matches `pattern`; the message says what is `expected`."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise PydanticCustomError("spelling", "expected {what}", {"what": expected})
        return text

    return AfterValidator(check)


Part = Annotated[str, spelt(r"[A-Za-z0-9._-]+", "an FPGA part name")]
Clock = Annotated[float, Field(gt=0, lt=1e6)]
"""A period in ns."""
