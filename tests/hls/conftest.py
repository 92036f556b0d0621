"""One compiled project of the small network per io mode, shared by the tests that do not change it."""

from pathlib import Path

import hls_graphs as graphs
import pytest

from levelone.graph import Graph
from levelone.hls import HlsConfig, Manifest, build, convert


@pytest.fixture(scope="session")
def network() -> Graph:
    return graphs.network()


@pytest.fixture(scope="session", params=["parallel", "stream"])
def project(
    request: pytest.FixtureRequest, network: Graph, tmp_path_factory: pytest.TempPathFactory
) -> Manifest:
    """Built, never to be changed: copy it first."""
    manifest = convert(network, tmp_path_factory.mktemp("project") / "tiny", HlsConfig(io=request.param))
    build(manifest.project)
    return manifest


@pytest.fixture
def fresh(network: Graph, tmp_path: Path) -> Manifest:
    """Not built, to be changed at will."""
    return convert(network, tmp_path / "tiny")
