"""The table of public models: its page is the committed results, and a file ends with a verdict or a word."""

from __future__ import annotations

import json

from benchmarks.public_models.page import PAGE, RESULTS, page, verdict


def test_the_page_is_what_the_command_makes_of_the_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(json.loads(RESULTS.read_text(encoding="utf-8")))


def test_what_is_said_of_a_file() -> None:
    read = {"stage": "read", "seconds": 1.0}
    csim = {"stage": "csim", "seconds": 2.0, "verdict": "exact", "vectors": 7, "reason": ""}
    assert verdict({"stages": [read, csim], "ended": ""}) == ("exact", "7 vectors")
    assert verdict({"stages": [read], "ended": "out of time"}) == ("not reached: time", "after read")
    assert verdict({"stages": [], "ended": "not tried"}) == ("not reached", "")
    refused = {"stage": "convert", "seconds": 1.0, "refused": "x: too wide"}
    assert verdict({"stages": [read, refused], "ended": ""}) == ("refused", "convert: x: too wide")
