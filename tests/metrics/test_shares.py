"""Shares of wrong entries with uncertainties over events."""

from __future__ import annotations

import numpy as np
import pytest

from levelone.metrics.shares import summarise


def test_shares_are_of_all_entries_and_errors_are_those_of_whole_events():
    rng = np.random.default_rng(1)
    entries = rng.integers(50, 150, 400).astype(float)
    rate = rng.choice([0.0, 0.2], 400)  # events differ by more than pixels do
    wrong = rng.binomial(entries.astype(int), rate).astype(float)
    rows = np.stack([np.stack([entries, wrong], 1), np.zeros((400, 2))], axis=1)
    models, deltas = summarise(
        {"a": rows, "b": rows}, ("all", "none"), replicas=400, seed=2, differences=(("a", "b"),)
    )
    found = models["a"]["all"]
    assert found["value"] == pytest.approx(wrong.sum() / entries.sum())
    residual = wrong - found["value"] * entries
    assert found["error"] == pytest.approx(np.sqrt((residual**2).sum()) / entries.sum(), rel=0.12)
    assert models["a"]["none"] is None
    assert deltas["a-b"]["all"] == {"value": 0.0, "error": 0.0}
