"""What every section of a recipe is: immutable, and without unknown keys."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema


class Section(BaseModel):
    """A part of a recipe: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Within:
    """Rule of a key that is a range: two numbers, the lower one first, both within limits.

    Used as ``Annotated[tuple[float, float], Within(10, 10_000)]``.
    """

    lowest: float
    highest: float

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: tuple[float, float]) -> tuple[float, float]:
        low, high = value
        if not self.lowest <= low <= high <= self.highest:
            raise PydanticCustomError(
                "within", "input should be a lower and an upper end {rule}", {"rule": str(self)}
            )
        return value

    def __str__(self) -> str:
        return f"within {self.lowest:g} to {self.highest:g}"


def section_type(annotation: Any) -> type[BaseModel] | None:
    """The section type inside an annotation: ``Bits``, ``dict[str, Bits]``, ``Bits | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (dict, list, tuple, Union, types.UnionType):
        return next((found for arg in get_args(annotation) if (found := section_type(arg))), None)
    return None
