"""Vivado's reports, as a script writes them that plays Vivado: levelone has never run Vivado itself."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
import pytest
from onnx_models import Model, weights

from levelone.errors import LeveloneError
from levelone.pipeline.converting import convert_with
from levelone.rtl.config import RtlConfig
from levelone.rtl.synthesis import ELSEWHERE, synthesise
from levelone.rtl.vivado import parse_reports

UTILISATION = """\
| Tool Version : Vivado v.2023.2 (lin64) Build 4029153
| Command      : report_utilization -hierarchical -file utilisation_routed.txt

1. Utilization by Hierarchy
---------------------------
+------------------------------------------------------------------------------------------+
|      Instance    | Module | Total LUTs | Logic LUTs | LUTRAMs | SRLs | FFs | RAMB36 | RAMB18 | DSP Blocks |
+------------------------------------------------------------------------------------------+
| levelone_network       | (top) | 130 | 120 | 8 | 2 | 300 | 1 | 1 | 3 |
|   (levelone_network)   | (top) | 10 | 10 | 0 | 0 | 12 | 0 | 0 | 0 |
|   u_fc_mac             | levelone_mac | 90 | 90 | 0 | 0 | 200 | 1 | 0 | 3 |
|     tree               | levelone_tree | 40 | 40 | 0 | 0 | 100 | 0 | 0 | 0 |
|   u_y                  | levelone_scale | 30 | 20 | 8 | 2 | 88 | 0 | 1 | 0 |
+------------------------------------------------------------------------------------------+
"""
TIMING = """\
------------------------------------------------------------------------------------------------
| Design Timing Summary  ||
| ---------------------  ||
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)
    -------      -------  ---------------------  -------------------      -------
     -0.714      -12.100                     31                 2040        0.021
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    m = Model(x=(3,))
    x = m.quant("x", 0.25, 3)
    x = m.quant(m.add("MatMul", x, m.weight(weights(3, 2), 0.125), out="fc"), 0.3, 3, out="y")
    onnx.save(m.build(x), tmp_path / "dense.onnx")
    convert_with("rtl", tmp_path / "dense.onnx", tmp_path / "dense", RtlConfig(clock_ns=4.0))
    return tmp_path / "dense"


def actor(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A program called vivado on PATH."""
    folder.mkdir()
    program = folder / "vivado"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_its_numbers_replace_estimates(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "utilisation").write_text(UTILISATION)
    (tmp_path / "timing").write_text(TIMING)
    before = sorted(project.rglob("*"))
    actor(
        tmp_path / "bin",
        monkeypatch,
        f"test -f vivado.tcl || exit 3\ncp {tmp_path}/utilisation utilisation_routed.txt\n"
        f"cp {tmp_path}/timing timing_routed.txt",
    )
    found = synthesise(project)
    assert (found.kind, found.tool) == ("routed", "Vivado v.2023.2")
    assert (found.total.lut, found.total.flip_flops, found.total.block_ram, found.total.dsp) == (
        120,
        300,
        2,
        3,
    )
    assert (found.layers["fc"].lut, found.layers["y"].lut, found.layers[ELSEWHERE].lut) == (90, 20, 10)
    assert found.timing is not None
    assert found.timing.kind == "routed"
    assert found.timing.fmax_mhz == pytest.approx(1000 / 4.714)
    assert "xcvu13p" in found.timing.basis
    assert sorted(project.rglob("*")) == before


def test_its_failure_is_one_message(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    actor(tmp_path / "bin", monkeypatch, "echo 'ERROR: [Common 17-345] no license'; exit 1")
    with pytest.raises(LeveloneError, match="no license"):
        synthesise(project)


@pytest.mark.parametrize(
    ("utilisation", "timing", "message"),
    [
        ("", TIMING, "no table of instances"),
        (UTILISATION.replace("DSP Blocks", "Other things"), TIMING, "no column DSP48 Blocks"),
        (UTILISATION, "", "could not be read"),
    ],
)
def test_a_report_of_another_form_is_refused(utilisation: str, timing: str, message: str) -> None:
    with pytest.raises(LeveloneError, match=message):
        parse_reports(utilisation, timing)
