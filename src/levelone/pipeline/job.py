"""What to run: the system, its checked recipe, its data file, its run folder; all settled before any work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from levelone.errors import LeveloneError
from levelone.files import write_text
from levelone.recipe import (
    GenerateSection,
    Problem,
    Recipe,
    RecipeError,
    blamed_on,
    dump_recipe,
    overridden,
)
from levelone.rtl.verilator import find_verilator
from levelone.zoo import find_system, read_recipe
from levelone.zoo.kit.system import System

RECIPE = "recipe.toml"
EVENTS = "events.h5"
GENERATE = "generate"
SAMPLE = "sample"
"""As ``data.file`` of a recipe: the file that ships with levelone, or else events that the run makes."""


@dataclass(frozen=True)
class Job:
    """One run of one system.

    Attributes
    ----------
    system
        From the zoo.
    recipe
        Checked by the system too; its `[model]` section has every default written out.
    data
        The HDF5 file of events; `plan` makes sure that it exists, unless a stage of the run makes it.
    folder
        The run folder.
    generated
        The run makes its data file itself, as the recipe's `[generate]` section says.
    left_out
        What the system's own recipe asks for and this machine lacks, in one sentence; empty if nothing.
    """

    system: System
    recipe: Recipe
    data: Path
    folder: Path
    generated: bool = False
    left_out: str = ""

    def path(self, name: str) -> Path:
        """A file of the run folder."""
        return self.folder / name


def plan(
    name: str,
    *,
    recipe: Path | None = None,
    overrides: Iterable[str] = (),
    data: Path | None = None,
    folder: Path | None = None,
) -> Job:
    """Settle what a command will do.

    Parameters
    ----------
    name
        A system, or ``package.module:SYSTEM``.
    recipe
        Recipe file; the system's own by default.
    overrides
        ``key=value`` changes of the recipe. One in its `[generate]` section asks for new events: the run
        makes them itself, as ``events.h5``. So it does when neither `data` nor the recipe names a file, and
        the recipe has that section or the system no sample.
    data
        HDF5 file, instead of the recipe's.
    folder
        Run folder; by default ``runs/`` and the name of the system.

    Raises
    ------
    LeveloneError
        If the system, the recipe or the data file is not usable.
    """
    overrides = tuple(overrides)
    system = find_system(name)
    source = system.default_recipe if recipe is None else recipe
    checked = _read(name, system, source, overrides)
    left_out = ""
    if recipe is None and not any(overridden(told).split(".")[0] == "rtl" for told in overrides):
        checked, left_out = _without_tools(checked)
    told = next((key for key in map(overridden, overrides) if key.split(".")[0] == GENERATE), None)
    if told is not None and data is not None:
        raise LeveloneError(
            f"{told} says how events are made, but --data names existing ones: give only one of them"
        )
    folder, given = folder or Path("runs") / system.name, data is not None
    sample = data is None and checked.data.file == SAMPLE
    generated = told is not None or (sample and bool(checked.generate or system.sample_file() is None))
    with blamed_on(str(source), overrides):
        if generated:
            data = folder / EVENTS
            checked = checked.model_copy(
                update={GENERATE: system.generator.options(checked).model_dump(mode="json")}
            )
        elif data is not None:
            checked = checked.model_copy(update={GENERATE: {}})
        if data is not None:
            changed = checked.data.model_copy(update={"file": str(data)})
            checked = checked.model_copy(update={"data": changed})
        job = replace(_job(system, checked, folder), generated=generated, left_out=left_out)
        if not generated and not job.data.is_file():
            missing = f"data file {job.data} {'is no file' if job.data.exists() else 'does not exist'}"
            hint = "levelone simulate makes one; without --data the sample that ships with levelone is used"
            if given:
                raise LeveloneError(missing, hint=hint)
            raise RecipeError([Problem("data.file", missing)], hint=hint)
    return job


def _without_tools(recipe: Recipe) -> tuple[Recipe, str]:
    """The recipe without the RTL that nobody asked for, if nothing here simulates it; and why."""
    if recipe.rtl is None:
        return recipe, ""
    try:
        find_verilator()
    except LeveloneError as error:
        return recipe.model_copy(update={"rtl": None}), f"no RTL: {error.message} ({error.hint})"
    return recipe, ""


def plan_events(
    name: str, *, recipe: Path | None = None, overrides: Iterable[str] = ()
) -> tuple[System, GenerateSection]:
    """What ``levelone simulate`` will do: the system, and what its generator is told.

    Raises
    ------
    LeveloneError
        If the system or the recipe is not usable, or an override is of another section.
    """
    overrides = tuple(overrides)
    for key in map(overridden, overrides):
        if key.split(".")[0] != GENERATE:
            raise LeveloneError(
                f"--set {key}: making events reads the section [{GENERATE}] alone",
                hint=f"--set {GENERATE}.KEY=VALUE",
            )
    system = find_system(name)
    source = system.default_recipe if recipe is None else recipe
    checked = _read(name, system, source, overrides)
    with blamed_on(str(source), overrides):
        return system, system.generator.options(checked)


def open_run(folder: Path) -> Job:
    """The job of an existing run folder.

    Raises
    ------
    LeveloneError
        If `folder` is not a run folder.
    """
    path = folder / RECIPE
    if not path.is_file():
        raise LeveloneError(
            f"{folder} is not a run folder: there is no {RECIPE} in it",
            hint="make one with: levelone run pixelseed --out FOLDER",
        )
    system, recipe = read_recipe(path)
    with blamed_on(str(path)):
        return _job(system, recipe, folder)


def save_recipe(job: Job) -> None:
    """Write the recipe in full into the run folder, so that the folder says how it was made."""
    text = dump_recipe(job.recipe)
    path = job.path(RECIPE)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def _read(name: str, system: System, source: Path, overrides: Iterable[str]) -> Recipe:
    """A recipe that is for the system, and remembers how that was found."""
    checked = system.read_recipe(source, overrides)
    if checked.system not in (name, system.name):
        wrong = Problem("system", f"the recipe is for system {checked.system!r}, not {name!r}")
        with blamed_on(str(source), overrides):
            raise RecipeError([wrong], hint=f"levelone run {checked.system} --recipe {source}")
    return checked.model_copy(update={"system": name})


def _job(system: System, recipe: Recipe, folder: Path) -> Job:
    model = system.model_section(recipe)  # checks it and fills in the defaults
    recipe = recipe.model_copy(update={"model": model.model_dump(mode="json")})
    if recipe.generate:
        system.generator.options(recipe)
    sample = system.sample_file() or folder / EVENTS
    return Job(system, recipe, sample if recipe.data.file == SAMPLE else Path(recipe.data.file), folder)
