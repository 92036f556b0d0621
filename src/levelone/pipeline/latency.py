"""What an hls4ml project is estimated to take, from what it was generated with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.hls.body import BODY, generated
from levelone.hls.latency import estimate
from levelone.hls.manifest import read_manifest
from levelone.pipeline.job import RECIPE
from levelone.verify import body_of, read_graph


def project_latency(folder: Path) -> dict[str, Any]:
    """`levelone inspect PROJECT --latency`: clocks of every layer and in total, estimated.

    Parameters
    ----------
    folder
        An hls4ml project, or a run folder that holds one.

    Returns
    -------
    dict
        As `levelone.hls.latency.Latency.to_dict`, and ``project`` and ``edited_files``: generated files that
        were changed since, which the estimate knows nothing of.

    Raises
    ------
    LeveloneError
        If it is no such folder, or has a layer whose loops are unknown.
    """
    project = folder / "project" if (folder / RECIPE).is_file() else folder
    body = body_of(project)
    if body.name != BODY.name:
        raise LeveloneError(
            f"{project} is a project of body {body.name}: only the clocks of hls4ml projects are estimated",
            hint=f"levelone cosim {project} measures them",
        )
    manifest = read_manifest(project)
    document, told = manifest.document, generated(manifest)
    reuse = {layer.name: layer.reuse_factor for layer in document.layers}
    found = estimate(read_graph(told), document.hls, reuse).to_dict()
    return found | {"project": str(project), "edited_files": list(told.edited)}
