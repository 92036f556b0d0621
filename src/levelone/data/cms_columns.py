"""Which column of a CMS Open Data frame holds what: the spellings, and what to say if one is missing."""

from __future__ import annotations

from pathlib import Path

from levelone.data.detector import IMAGE_SIZE
from levelone.data.pandas_hdf import Frame
from levelone.errors import LeveloneError, listed, plain

PIXELS = IMAGE_SIZE * IMAGE_SIZE
EVENT = ("run", "lumi", "evt")
SIDES = ("in", "out")

# Spellings of each quantity: the published files, then the older text dumps.
_REQUIRED = {"x": ("{in}X",), "y": ("{in}Y",), "z": ("{in}Z",), "barrel": ("{in}IsBarrel", "isBarrel{In}")}
_OPTIONAL = {
    "sequence": ("{in}DetSeq", "detSeq{In}"),
    "layer": ("{in}Layer", "layer{In}"),
    "disk": ("{in}Disk", "disk{In}"),
    "size_x": ("{in}ClustSizeX", "{i}CSizeX"),
    "size_y": ("{in}ClustSizeY", "{i}CSizeY"),
    "overflow_x": ("{in}OverFlowX", "{i}OverFlowX"),
    "overflow_y": ("{in}OverFlowY", "{i}OverFlowY"),
}


def _spellings(side: str) -> dict[str, list[str]]:
    """Possible column names of each quantity of one hit."""
    words = {"in": side, "In": side.capitalize(), "i": side[0]}
    return {name: [text.format(**words) for text in texts] for name, texts in (_REQUIRED | _OPTIONAL).items()}


def cms_columns(path: Path, frame: Frame) -> dict[str, dict[str, str]]:
    """Actual column name of each quantity of both hits; optional ones that are absent are left out.

    Raises
    ------
    LeveloneError
        Naming every column that is missing, or that is there but holds no numbers.
    """
    names: dict[str, dict[str, str]] = {}
    wanted = ["label", "evt"]
    known = {*wanted, *EVENT}
    for side in SIDES:
        spellings = _spellings(side)
        present = {
            name: [text for text in texts if text in frame.places] for name, texts in spellings.items()
        }
        names[side] = {name: texts[0] for name, texts in present.items() if texts}
        wanted += [texts[0] for name, texts in spellings.items() if name in _REQUIRED and not present[name]]
        if not names[side].keys() & {"sequence", "layer"}:
            wanted.append(f"{side}DetSeq")
        pixels = [f"{side}Pix{pixel}" for pixel in range(1, PIXELS + 1)]
        wanted += pixels
        known |= {*pixels, *(text for texts in spellings.values() for text in texts)}
    useless = {
        name: held for name, held in frame.others.items() if name in known and name not in frame.places
    }
    missing = [name for name in wanted if name not in frame.places and name not in useless]
    wrong = [f"{_the(missing)} missing from the data frame"] if missing else []
    for held in dict.fromkeys(useless.values()):
        these = [name for name in useless if useless[name] == held]
        wrong.append(f"{_the(these)} there, but as {held}, not numbers")
    if wrong:
        first = plain(next(iter(useless))) if useless else ""
        hint = (
            f"in pandas: frame.astype({{{first!r}: 'float64', ...}}), and save it again" if useless else None
        )
        raise LeveloneError(f"{path}: {'; '.join(wrong)}", hint=hint)
    return names


def _the(names: list[str]) -> str:
    return f"columns {_quoted(names)} are" if len(names) > 1 else f"column {_quoted(names)} is"


def _quoted(names: list[str]) -> str:
    return listed(f"'{name}'" for name in names)
