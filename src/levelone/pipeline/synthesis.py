"""`levelone synth`: an RTL project by free tools, an hls4ml project by Vitis HLS where it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from levelone.files import sha256, write_text
from levelone.hardware.body import DOCUMENT
from levelone.hls.body import BODY as HLS
from levelone.hls.vitis import run_vitis
from levelone.report.content import read_json
from levelone.rtl.nextpnr import Placements
from levelone.rtl.synthesis import FAMILY, synthesise
from levelone.verify import body_of

RESULT = "synthesis.json"


def synth_folder(
    project: Path, family: str | None = None, seeds: int | None = None, minutes: float | None = None
) -> dict[str, Any]:
    """Synthesise a project and keep the result in it, as ``synthesis.json``.

    Parameters
    ----------
    family
        Of an RTL project, by default `levelone.rtl.synthesis.FAMILY`; an hls4ml project says its part.
    seeds, minutes
        Placements to try, and the processor time of each; by default as `levelone.rtl.nextpnr.Placements`.

    Returns
    -------
    dict
        ``body``, and the figures: of `levelone.rtl.synthesis.Synthesis`, or of `levelone.hls.vitis.Report`.

    Raises
    ------
    LeveloneError
        If it is no project, or the tool is missing or refuses it.
    """
    given: dict[str, Any] = {"seeds": seeds, "minutes": minutes}
    placements = Placements(**{name: value for name, value in given.items() if value is not None})
    body = body_of(project).name
    chosen = FAMILY if family is None else family
    found = run_vitis(project) if body == HLS.name else synthesise(project, chosen, placements)
    result = {"body": body, "design": sha256(project / DOCUMENT), **found.to_dict()}
    write_text(project / RESULT, json.dumps(result, indent=1) + "\n")
    return result


def synthesis_of(project: Path) -> dict[str, Any] | None:
    """What `synth_folder` kept; None if there is nothing, or the project was generated anew since."""
    found = read_json(project / RESULT)
    if (
        found is None
        or not (project / DOCUMENT).is_file()
        or found.get("design") != sha256(project / DOCUMENT)
    ):
        return None
    return found
