"""`Reshape`: the same codes in the same order, as another view of them or as a copy."""

from __future__ import annotations

from math import gcd

from levelone.graph.ops import Concat, Dense, Reshape
from levelone.hls.spec import Body, LayerSpec, Site


def lower_reshape(op: Reshape, site: Site) -> list[LayerSpec]:
    """`Reshape`: another view of the same array; a copy where it leaves the top function or changes beats.

    A view cannot be a port of its own. In a stream, another shape is other beats, with one exception: a
    single dense or concatenating layer gathers the beats of a flattened tensor by itself. (hls4ml lets every
    layer read a flattened stream; an activation then reads past a beat's end. Its own repacking wants beats
    that divide each other.)
    """
    gathered = len(op.shape) == 1 and len(site.readers) == 1 and isinstance(site.readers[0], (Dense, Concat))
    if site.is_output or (site.stream and not gathered):
        return lower_copy(site)
    return [site.layer("Reshape", attributes={"target_shape": list(op.shape)})]


def lower_copy(site: Site) -> list[LayerSpec]:
    """The codes of the operand in row-major order, in beats of the result's shape."""
    x, out = site.operands[0], site.output
    constants = {"size": out.size, "together": gcd(x.shape[-1], out.shape[-1])}
    return [site.layer("Copy", body=Body("levelone_copy.h", "levelone::copy", constants))]
