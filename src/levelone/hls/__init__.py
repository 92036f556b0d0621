"""Integer graph -> hls4ml project -> C simulation.

::

    manifest = convert(graph, Path("project"), HlsConfig(io="stream"), model=Path("model.onnx"))
    built = build(manifest.project)                 # g++, reused while the sources stay the same
    layers = run(built, {"images_q": codes})        # {value name: int64 codes [event, *shape]}

A new operation is one function in `levelone.hls.operations`, listed in its `LOWERINGS`. What is named here is
imported when it is asked for: a recipe needs no more than `levelone.hls.config`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from levelone.hls.config import HlsConfig, LayerChoice
    from levelone.hls.csim import BuiltCsim, build, run, run_chunks
    from levelone.hls.manifest import Manifest, read_manifest
    from levelone.hls.project import convert
    from levelone.hls.toolchain import Compiler, find_compiler

_HOMES = {
    "config": ("HlsConfig", "LayerChoice"),
    "csim": ("BuiltCsim", "build", "run", "run_chunks"),
    "manifest": ("Manifest", "read_manifest"),
    "project": ("convert",),
    "toolchain": ("Compiler", "find_compiler"),
}
__all__ = [
    "BuiltCsim",
    "Compiler",
    "HlsConfig",
    "LayerChoice",
    "Manifest",
    "build",
    "convert",
    "find_compiler",
    "read_manifest",
    "run",
    "run_chunks",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
