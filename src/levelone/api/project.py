"""A generated project: compiled, run and compared with the exact reference."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike, NDArray

from levelone.api.arrays import named
from levelone.api.documents import Diagnosis, Document, Verdict
from levelone.api.latency import Latency
from levelone.panels import Rows
from levelone.pipeline.checks import check_folder
from levelone.pipeline.diagnosis import diff_folder
from levelone.pipeline.emulation import input_shapes
from levelone.pipeline.latency import project_latency
from levelone.report.words import proof_in_words
from levelone.verify import body_of, read_document, read_graph


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
        *beside: Project,
        vectors: int | None = None,
        seed: int = 1,
        data: str | os.PathLike[str] | ArrayLike | Mapping[str, ArrayLike] | None = None,
        events: int = 10_000,
    ) -> Verdict:
        """Compile the simulation (hls4ml's: with g++), run it, and compare every integer of every layer.

        Without `data` and `vectors`: the golden vectors in the project, then 1000 random ones (fewer of
        large networks). Where the project holds the trained module, that is compared as well.

        Parameters
        ----------
        beside
            Projects of other bodies, made from the same model: compared on the same vectors.
        vectors
            Compare on this many random vectors: corners, extreme sums, both sides of rounding steps; with
            `data`, on these and those.
        seed
            Of the random vectors.
        data
            Compare on these events: the path of an HDF5 file of the network's own system, whose test events
            are used; or real numbers as `Model.emulate` takes them, an array of shape (events, ...) if there
            is one input, else a mapping from input name to array.
        events
            With a file: this many at most.

        Returns
        -------
        Verdict
            True in an ``assert`` only if every integer was equal.

        Raises
        ------
        LeveloneError
            If the project cannot be built or run, or the vectors cannot be read.
        """
        others = [project.folder for project in beside]
        events_of = None if data is None else self._events(data)
        return Verdict(
            check_folder(self.folder, *others, data=events_of, vectors=vectors, seed=seed, events=events)
        )

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

    def latency(self) -> Latency:
        """Clocks of every layer and in total, estimated from the loops of an hls4ml project.

        Returns
        -------
        Latency

        Raises
        ------
        LeveloneError
            If the project is of another body, or a layer's loops are unknown.
        """
        return Latency(project_latency(self.folder))

    def _events(
        self, data: str | os.PathLike[str] | ArrayLike | Mapping[str, ArrayLike]
    ) -> Path | dict[str, NDArray[Any]]:
        if isinstance(data, str | os.PathLike):
            return Path(data)
        return named((data,), tuple(input_shapes(read_graph(body_of(self.folder).read(self.folder)))))

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
        if rows:
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
