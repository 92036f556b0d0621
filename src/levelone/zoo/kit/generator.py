"""How a system's event file is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from levelone.recipe import GenerateSection, Recipe, parse_section
from levelone.simulate.provenance import check_current


@dataclass(frozen=True)
class Generator:
    """A function that makes events of a system, imported when it is needed.

    Attributes
    ----------
    module, function
        Called as ``function(path, options, progress)``: writes `path`, tells `progress` how many events are
        done and of how many, and returns a dataclass of facts. The same options give the same events.
    section
        Class of `options`: the ``[generate]`` section of the system's recipes.
    packages
        Distributions that the events depend on besides levelone's own code: another version makes them anew.
    engines
        What makes events in its place, by the value of the section's key `engine`.
    """

    module: str
    function: str
    section: type[GenerateSection]
    packages: tuple[str, ...] = ()
    engines: Mapping[str, Generator] = field(default_factory=dict)

    def options(self, recipe: Recipe) -> GenerateSection:
        """The checked ``[generate]`` section of a recipe, with every default.

        Raises
        ------
        LeveloneError
            If a key is unknown or wrong.
        """
        return parse_section(self.section, recipe.generate, at=("generate",))

    def chosen(self, options: GenerateSection) -> Generator:
        """What makes events of these options: itself, or another engine."""
        return self.engines.get(getattr(options, "engine", ""), self)

    def make(
        self, path: Path, options: GenerateSection, progress: Callable[[int, int], None] | None = None
    ) -> Any:
        """Make an event file; the generator's dataclass of facts.

        Raises
        ------
        LeveloneError
            If a tool that the generator needs is not installed, or the file cannot be written.
        """
        maker = self.chosen(options)
        return getattr(import_module(maker.module), maker.function)(path, options, progress)

    def check_current(self, path: Path, provenance: Mapping[str, Any]) -> None:
        """Refuse the events of `path` if an older version of the generator made them.

        Raises
        ------
        LeveloneError
            If they are older; see `levelone.simulate.provenance.check_current`.
        """
        check_current(path, provenance, self.section)


def geant4_engine(module: str, function: str, section: type[GenerateSection]) -> dict[str, Generator]:
    """`Generator.engines` of a system whose events Geant4 can make, too."""
    return {"geant4": Generator(module, function, section, packages=("numpy", "h5py", "geant4-pybind"))}
