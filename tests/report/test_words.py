"""Numbers with their words."""

from __future__ import annotations

from typing import Any

from levelone.api.latency import Latency
from levelone.report.hardware import beats_caption, estimate
from levelone.report.words import counted

LATENCY: dict[str, Any] = {
    "layers": [],
    "interval": 1,
    "latency": 1024,
    "latency_ns": 2847.0,
    "clock_ns": 2.78,
    "bottleneck": "conv1",
    "io": "parallel",
    "style": "pipeline",
    "edited_files": [],
}


def test_one_is_one_and_all_others_are_many() -> None:
    assert [counted(number, "clock") for number in (0, 1, 2048)] == ["0 clocks", "1 clock", "2,048 clocks"]
    assert counted(2, "sum or product", "sums and products") == "2 sums and products"


def test_clocks_are_counted_alike_in_text_and_on_the_page() -> None:
    told = [part for part in Latency(LATENCY).parts() if isinstance(part, str)]
    assert told[0].startswith("estimated: 1 clock per event") and "; 1,024 clocks (2,847 ns" in told[0]
    page = estimate(LATENCY)
    assert "pipeline: 1 clock per event" in page and "; 1,024 clocks until" in page
    streams = [{"name": "conv1", "planned_clocks": 1}]
    assert beats_caption({"events": 3, "streams": streams, "bottleneck": "conv1"}).endswith(
        ", 1 clock per event."
    )
