"""Systems whose recipes say how far the network is carried."""

from __future__ import annotations

from typing import ClassVar

from levelone.recipe import Recipe
from levelone.zoo.kit.sections import Carried
from levelone.zoo.kit.system import Reach, System


class CarriedSystem(System):
    """A system whose `section` is a `Carried`; named in front of a base that says where events come from.

    `System` itself asks no section: those of other systems have no such key, and may not be valid yet.
    """

    section: ClassVar[type[Carried]]

    def reach(self, recipe: Recipe) -> Reach:
        return self.section.model_validate(recipe.model).reach
