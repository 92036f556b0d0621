"""A generated project: compiled, run and compared with the exact reference."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from levelone.api.documents import Diagnosis, Document, Verdict
from levelone.panels import Rows
from levelone.pipeline.checks import check_folder
from levelone.pipeline.diagnosis import diff_folder
from levelone.report.words import proof_in_words
from levelone.verify import read_document


class Project(Document):
    """A folder with a generated project. `Model.convert` and `levelone.open` make one.

    It shows every value of the firmware with its type, its exact range, and how it was proven to fit.

    Attributes
    ----------
    folder
        Where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(read_document(folder))

    def csim(
        self,
        *,
        vectors: int | None = None,
        seed: int = 1,
        data: str | os.PathLike[str] | None = None,
        events: int = 10_000,
    ) -> Verdict:
        """Compile the C simulation with g++, run it, and compare every integer of every layer.

        Without `data` and `vectors`: the golden vectors in the project, then 1000 random ones. Where the
        project holds the trained module, that is compared as well.

        Parameters
        ----------
        vectors
            Compare on this many random vectors: corners, extreme sums, both sides of rounding steps.
        seed
            Of the random vectors.
        data
            HDF5 file of events of the network's own system: use its test events.
        events
            With `data`: this many at most.

        Returns
        -------
        Verdict
            True in an ``assert`` only if every integer was equal.

        Raises
        ------
        LeveloneError
            If the project cannot be built or run, or the vectors cannot be read.
        """
        source = None if data is None else Path(data)
        return Verdict(check_folder(self.folder, data=source, vectors=vectors, seed=seed, events=events))

    def diff(self, *, vectors: int | str | os.PathLike[str] | None = None, seed: int = 1) -> Diagnosis:
        """Find where the C simulation first differs from the reference, from which operands, and why.

        Parameters
        ----------
        vectors
            A number of random vectors, or an HDF5 file of vectors; by default those of `csim`.
        seed
            Of the random vectors.

        Returns
        -------
        Diagnosis

        Raises
        ------
        LeveloneError
            If there is nothing to compare with, or the project does not build or run.
        """
        return Diagnosis(
            diff_folder(self.folder, vectors=None if vectors is None else str(vectors), seed=seed)
        )

    def parts(self) -> Iterator[str | Rows]:
        """Every value of the firmware, and what is left to the host."""
        rows = tuple(
            (
                value["name"],
                value.get("op", "input"),
                " x ".join(str(n) for n in value["shape"]),
                f"{value['width']} {'signed' if value['signed'] else 'unsigned'}",
                f"{value['lo']} ... {value['hi']}",
                proof_in_words(value.get("proof")),
            )
            for value in (*self._content.get("inputs", ()), *self._content.get("layers", ()))
        )
        yield Rows("", "", ("value", "operation", "shape", "bits", "range", "proof"), rows)
        yield from self._content.get("left_off", ())
        yield str(self.folder)


def open(folder: str | os.PathLike[str]) -> Project:
    """Open a project that `Model.convert` or ``levelone convert`` wrote.

    Parameters
    ----------
    folder
        The folder with ``levelone.json``.

    Returns
    -------
    Project

    Raises
    ------
    LeveloneError
        If the folder is no such project, or of another version.
    """
    return Project(Path(folder))
