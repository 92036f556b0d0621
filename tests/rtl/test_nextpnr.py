"""nextpnr: where it is looked for, and its report."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from levelone.errors import LeveloneError
from levelone.rtl import nextpnr
from levelone.rtl.nextpnr import Placements

REPORT = {
    "fmax": {"$glbnet$clk$TRELLIS_IO_IN": {"achieved": 101.25, "constraint": 120.0}},
    "utilization": {"TRELLIS_COMB": {"available": 83640, "used": 9130}, "DCUA": {"available": 2, "used": 0}},
    "critical_paths": [
        {
            "from": "posedge clk",
            "to": "posedge clk",
            "path": [
                {"delay": 0.5, "from": {"cell": "x2"}, "to": {"cell": "x2"}},
                {"delay": 9.3, "from": {"cell": "x2"}, "to": {"cell": "product"}},
            ],
        },
        {
            "from": "<async>",
            "to": "posedge clk",
            "path": [{"delay": 20.0, "from": {"cell": "rst"}, "to": {"cell": "y"}}],
        },
    ],
}


def test_the_report_tells_of_paths_between_registers() -> None:
    found = nextpnr.parse_report(REPORT, "nextpnr")
    assert (found.fmax_mhz, found.start, found.end) == (101.25, "x2", "product")
    assert found.used == {"TRELLIS_COMB": 9130}


PLAYED = """#!/usr/bin/env python3
import json, sys
seed = int(sys.argv[sys.argv.index("--seed") + 1])
fmax = {1: 90.0, 2: 120.5, 3: 101.0, 4: 0}[seed]
while not fmax:
    pass
json.dump({"fmax": {"clk": {"achieved": fmax}}, "critical_paths": [], "utilization": {}},
          open(sys.argv[sys.argv.index("--report") + 1], "w"))
"""


@pytest.fixture
def played(tmp_path: Path) -> nextpnr.Nextpnr:
    """A program that reaches something with three seeds, never ends with the fourth, and refuses others."""
    program = tmp_path / "nextpnr"
    program.write_text(PLAYED)
    program.chmod(0o755)
    (tmp_path / "netlist.json").write_text('{"modules": {"network": {"ports": {}, "cells": {}}}}')
    return nextpnr.Nextpnr((str(program),), "nextpnr")


def test_the_best_of_several_placements_says_what_all_reached(
    played: nextpnr.Nextpnr, tmp_path: Path
) -> None:
    netlist, second = tmp_path / "netlist.json", 1 / 60
    found = nextpnr.route(played, netlist, 5.0, Placements(3))
    assert (found.fmax_mhz, found.reached_mhz) == (120.5, (90.0, 120.5, 101.0))
    found = nextpnr.route(played, netlist, 5.0, Placements(4, second))
    assert (found.fmax_mhz, found.reached_mhz) == (120.5, (90.0, 120.5, 101.0, None))
    with pytest.raises(LeveloneError, match="could not place"):
        nextpnr.route(played, netlist, 5.0, Placements(5, second))
    endless = nextpnr.Nextpnr((sys.executable, "-c", "while True: pass"), "nextpnr")
    with pytest.raises(LeveloneError, match=r"of 2 placements, none ended within 0\.0166667 minutes"):
        nextpnr.route(endless, netlist, 5.0, Placements(2, second))


def test_what_is_not_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nextpnr.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(nextpnr.shutil, "which", lambda name: None)
    assert nextpnr.find_nextpnr() is None
    monkeypatch.setenv(nextpnr.VARIABLE, "/nowhere/nextpnr")
    with pytest.raises(LeveloneError, match="/nowhere/nextpnr"):
        nextpnr.find_nextpnr()
