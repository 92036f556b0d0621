"""Tests that run Geant4: skipped, with a reason, where the extra is not installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

needs_geant4 = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("geant4_pybind", "xraylib", "xpecgen")),
    reason="needs the extra: pip install 'levelone[geant4]'",
)
