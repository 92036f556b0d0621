"""Pictures for README and docs, from a finished run: ``scripts/pictures RUN FOLDER``."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from levelone.errors import LeveloneError
from levelone.files import atomic_path
from levelone.panels import Rows
from levelone.report.content import Content
from levelone.report.panels import draw
from levelone.report.svg import INK, STYLE


def write_pictures(content: Content, folder: Path) -> list[Path]:
    """Write every panel that is drawn as ``SYSTEM-TITLE.svg``; returns the paths.

    Raises
    ------
    LeveloneError
        If the run has no results yet.
    """
    if not content.panels:
        raise LeveloneError("the run has no results to draw", hint=f"levelone run {content.name} first")
    shown = (*content.example_panels, *content.panels)
    drawn = {panel.title: draw(panel) for panel in shown if not isinstance(panel, Rows)}
    return [_save(figure, folder / f"{content.name}-{_slug(title)}.svg") for title, figure in drawn.items()]


def _slug(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def _save(figure: Figure, path: Path) -> Path:
    figure.patch.set_facecolor("white")
    style = STYLE | {"svg.fonttype": "path", "savefig.facecolor": "white"}
    with mpl.rc_context(style), atomic_path(path) as scratch:
        FigureCanvasSVG(figure).print_svg(str(scratch), metadata={"Date": None, "Creator": None})
        scratch.write_text(scratch.read_text(encoding="utf-8").replace(INK, "#1f2328"), encoding="utf-8")
    return path
