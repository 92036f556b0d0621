"""The committed PixelSeed model and what an event of it looks like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import levelone

ROOT = Path(__file__).parents[2]
FILE = ROOT / "hls_projects" / "pixelseed" / "model.onnx"


@pytest.fixture(scope="session")
def model() -> levelone.Model:
    return levelone.read(FILE)


@pytest.fixture(scope="session")
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {
        "images": 20 * rng.random((40, 2, 4, 16), np.float32),
        "features": rng.normal(size=(40, 35)),
        "pair": np.eye(21)[rng.integers(0, 21, 40)],
    }


@pytest.fixture(scope="session")
def project(model: levelone.Model, tmp_path_factory: pytest.TempPathFactory) -> levelone.Project:
    return model.convert(tmp_path_factory.mktemp("api") / "project", clock_ns=5)
