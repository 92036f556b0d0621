"""Bodies of an operation as another distribution would bring them: a lowering and its header beside it."""

from __future__ import annotations

from pathlib import Path

from levelone.graph.ops import Relu
from levelone.hls.spec import Body, LayerSpec, Site

HERE = Path(__file__).parent


def lower_rectifier(op: Relu, site: Site) -> list[LayerSpec]:
    """The larger of the code and 0."""
    return [_rectifier(site, floor=0)]


def lower_wrong_rectifier(op: Relu, site: Site) -> list[LayerSpec]:
    """A fault: the larger of the code and 1."""
    return [_rectifier(site, floor=1)]


def lower_nothing(op: Relu, site: Site) -> list[LayerSpec]:
    """A fault: no layer."""
    return []


def _rectifier(site: Site, floor: int) -> LayerSpec:
    constants = {"size": site.output.size, "channels": site.output.shape[-1], "lowest": floor}
    body = Body("outside_rectifier.h", "outside::rectifier", constants, folder=HERE)
    return site.layer("Relu", body=body)
