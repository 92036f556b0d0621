"""A job on its way, and digests of what its stages read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from levelone.files import sha256
from levelone.pipeline.imports import import_digest
from levelone.pipeline.job import Job
from levelone.pipeline.state import code_digest
from levelone.recipe import digest


@dataclass(frozen=True)
class Run:
    """A job on its way: the stages' common argument.

    Attributes
    ----------
    job
        What to do.
    show
        Called with one line of text when there is news within a stage.
    force
        Nothing of an earlier attempt is to be used.
    """

    job: Job
    show: Callable[[str], None] = print
    force: bool = False

    def digest_of(self, *names: str) -> dict[str, str]:
        """Digests of files of the run folder; "absent" for those that are not there."""
        paths = {name: self.job.path(name) for name in names}
        return {name: sha256(path) if path.is_file() else "absent" for name, path in paths.items()}

    def recipe_digest(self, *sections: str) -> dict[str, str]:
        """Digests of recipe sections, without the place of the data: `data_digest` says what they are."""
        known = self.job.recipe.model_dump(mode="json", exclude={"data": {"file"}})
        return {f"recipe.{name}": digest(known[name]) for name in sections}

    def data_digest(self) -> dict[str, str]:
        path = self.job.data
        return {"data": sha256(path) if path.is_file() else "absent"}


def versions(*packages: str) -> dict[str, str]:
    """Versions of distributions; what is not installed fails where it is used, with advice."""
    found = {}
    for name in packages:
        try:
            found[f"{name} version"] = version(name)
        except PackageNotFoundError:
            found[f"{name} version"] = "not installed"
    return found


def code(*parts: str) -> dict[str, str]:
    """Digest of the source of parts of levelone."""
    return {"code of " + ", ".join(parts): code_digest(*parts)}


def system_code(run: Run, *parts: str) -> dict[str, str]:
    """Digests of the system's own modules (not of other systems) and of parts of levelone."""
    roots = (type(run.job.system).__module__, "levelone.zoo.kit.system")
    return {"code of the system": import_digest(roots, "levelone.zoo"), **(code(*parts) if parts else {})}
