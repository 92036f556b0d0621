"""Integer graph -> hls4ml project -> C simulation.

::

    manifest = convert(graph, Path("project"), HlsConfig(io="stream"), model=Path("model.onnx"))
    built = build(manifest.project)                 # g++, reused while the sources stay the same
    layers = run(built, {"images_q": codes})        # {value name: int64 codes [event, *shape]}

A new operation is one function in `levelone.hls.operations`, listed in its `LOWERINGS`.
"""

from levelone.hls.config import HlsConfig, LayerChoice
from levelone.hls.csim import BuiltCsim, OutOfStepError, build, run, run_chunks
from levelone.hls.manifest import Manifest, read_manifest
from levelone.hls.project import convert, edited_files
from levelone.hls.toolchain import Compiler, find_compiler

__all__ = [
    "BuiltCsim",
    "Compiler",
    "HlsConfig",
    "LayerChoice",
    "Manifest",
    "OutOfStepError",
    "build",
    "convert",
    "edited_files",
    "find_compiler",
    "read_manifest",
    "run",
    "run_chunks",
]
