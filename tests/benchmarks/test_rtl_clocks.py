"""How many random vectors fit into some minutes."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.lib.common import Seconds

from benchmarks import rtl_clocks


@pytest.mark.parametrize("each", [2.0, 0.01, 0.0001])
@pytest.mark.parametrize("loading", [0.0, 20.0])
def test_vectors_fit_into_their_minutes(each: float, loading: float, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    class Body:
        def build(self, folder: Path) -> None:
            """Nothing to build."""

    def check(_: Path, vectors: int) -> None:
        calls.append(vectors)

    def timed(work) -> Seconds:
        """The first comparison loads what the others find."""
        work()
        took = each * calls[-1] + (loading if len(calls) == 1 else 0.1)
        return Seconds(took, took)

    monkeypatch.setattr(rtl_clocks, "BODY", Body())
    monkeypatch.setattr(rtl_clocks, "check_folder", check)
    monkeypatch.setattr(rtl_clocks, "timed", timed)
    found = rtl_clocks.fitting(Path(), 1)
    assert 0.5 * 60 < found * each <= 60 or found == rtl_clocks.MOST
    assert sum(calls) * each <= 60


def test_memory_limits_vectors_where_time_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Body:
        def build(self, folder: Path) -> None:
            """Nothing to build."""

    def timed(work) -> Seconds:
        work()
        return Seconds(1e-6, 1e-6)

    monkeypatch.setattr(rtl_clocks, "BODY", Body())
    monkeypatch.setattr(rtl_clocks, "check_folder", lambda _, vectors: asked.append(vectors))
    monkeypatch.setattr(rtl_clocks, "timed", timed)
    assert rtl_clocks.fitting(Path(), 10) == rtl_clocks.MOST
    assert max(asked) <= rtl_clocks.MOST
