"""hls4ml's C simulation as a body: what `levelone.verify` needs to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.hardware.body import Body, Generated
from levelone.hls.config import HlsConfig
from levelone.hls.csim import BuiltCsim, build
from levelone.hls.manifest import BODY as NAME
from levelone.hls.manifest import Manifest, read_manifest
from levelone.hls.names import project_name
from levelone.hls.project import convert

FIRMWARE = "firmware/"


@dataclass(frozen=True)
class HlsBody:
    """An hls4ml project, compiled with g++. See `levelone.hardware.body.Body`."""

    name: str = NAME
    title: str = "C simulation"
    config: ClassVar[type[HlsConfig]] = HlsConfig

    def write(
        self,
        graph: Graph,
        folder: Path,
        *,
        choices: HlsConfig | None = None,
        model: Path | None = None,
        extras: Mapping[str, bytes | Path] | None = None,
        golden: Mapping[str, Codes] | None = None,
    ) -> None:
        """See `levelone.hls.convert`; the project is called as the graph is."""
        name = project_name(graph.name)
        convert(graph, folder, choices, name=name, model=model, extras=extras, golden=golden)

    def read(self, folder: Path) -> Generated:
        """What `levelone.json` says, and which files it does not describe any more."""
        return generated(read_manifest(folder))

    def build(self, folder: Path) -> BuiltCsim:
        """See `levelone.hls.build`."""
        return build(folder)


def generated(manifest: Manifest) -> Generated:
    """What a project's document says of it as of any body's."""
    edited = tuple(manifest.edited)
    void = tuple(name for name in edited if name.startswith(FIRMWARE))
    model = manifest.document.model.sha256
    return Generated(manifest.project, model, manifest.values, edited, void, tuple(manifest.proofs))


BODY: Body = HlsBody()
