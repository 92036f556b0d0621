"""The report of Vitis HLS, in its own form; the tool itself is not here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from levelone.errors import LeveloneError
from levelone.graph import read_qonnx
from levelone.hls import convert
from levelone.hls.vitis import read_report, run_vitis

MODEL = Path(__file__).parents[2] / "hls_projects" / "pixelseed" / "model.onnx"
TOP = """\
<?xml version="1.0" encoding="utf-8"?>
<profile>
  <ReportVersion><Version>2023.2</Version></ReportVersion>
  <UserAssignments>
    <unit>ns</unit>
    <ProductFamily>virtexuplus</ProductFamily>
    <Part>xcvu13p-flga2577-2-e</Part>
    <TopModelName>pixelseed</TopModelName>
    <TargetClockPeriod>2.78</TargetClockPeriod>
    <ClockUncertainty>0.75</ClockUncertainty>
    <FlowTarget>vivado</FlowTarget>
  </UserAssignments>
  <PerformanceEstimates>
    <PipelineType>yes</PipelineType>
    <SummaryOfTimingAnalysis>
      <unit>ns</unit>
      <EstimatedClockPeriod>2.021</EstimatedClockPeriod>
    </SummaryOfTimingAnalysis>
    <SummaryOfOverallLatency>
      <unit>clock cycles</unit>
      <Best-caseLatency>31</Best-caseLatency>
      <Average-caseLatency>31</Average-caseLatency>
      <Worst-caseLatency>{latency}</Worst-caseLatency>
      <Best-caseRealTimeLatency>86.180 ns</Best-caseRealTimeLatency>
      <PipelineInitiationInterval>1</PipelineInitiationInterval>
      <Interval-min>1</Interval-min>
      <Interval-max>{interval}</Interval-max>
    </SummaryOfOverallLatency>
    <SummaryOfLoopLatency></SummaryOfLoopLatency>
  </PerformanceEstimates>
  <AreaEstimates>
    <Resources>
      <DSP>12</DSP>
      <FF>20543</FF>
      <LUT>65432</LUT>
      <BRAM_18K>0</BRAM_18K>
      <URAM>0</URAM>
    </Resources>
    <AvailableResources>
      <BRAM_18K>5376</BRAM_18K>
      <DSP>12288</DSP>
      <FF>3456000</FF>
      <LUT>1728000</LUT>
      <URAM>1280</URAM>
    </AvailableResources>
  </AreaEstimates>
</profile>
"""


def test_the_report_of_a_design_and_of_its_functions(tmp_path: Path) -> None:
    (tmp_path / "pixelseed_csynth.xml").write_text(TOP.format(latency=31, interval=1))
    (tmp_path / "dense_latency_csynth.xml").write_text(TOP.format(latency="undef", interval="undef"))
    found = read_report(tmp_path, "pixelseed")
    assert (found.tool, found.part, found.target_ns) == ("Vitis HLS 2023.2", "xcvu13p-flga2577-2-e", 2.78)
    assert (found.estimated_ns, found.latency_best, found.latency_worst) == (2.021, 31, 31)
    assert (found.interval_min, found.interval_max) == (1, 1)
    assert found.resources == {"BRAM_18K": 0, "DSP": 12, "FF": 20543, "LUT": 65432, "URAM": 0}
    assert found.available["LUT"] == 1728000
    told = json.loads(json.dumps(found.to_dict()))
    assert told["kind"] == "scheduled by Vitis HLS"
    assert told["modules"] == {"dense_latency": {"latency_worst": None, "interval_max": None}}


@pytest.mark.parametrize("text", ["<profile>", "<profile/>", TOP.replace(">2.78<", ">soon<")])
def test_other_reports_are_refused_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "x_csynth.xml").write_text(text)
    with pytest.raises(LeveloneError, match=r"x_csynth\.xml"):
        read_report(tmp_path, "x")


SCRIPT = """\
#!/bin/sh
mkdir -p {name}_prj/solution1/syn/report
cp build_opt.tcl seen.tcl
cp "{report}" {name}_prj/solution1/syn/report/{name}_csynth.xml
"""


def test_the_tool_is_run_on_path_and_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    manifest = convert(read_qonnx(MODEL), project)
    tools = tmp_path / "bin"
    tools.mkdir()
    path = "/usr/bin:/bin"
    monkeypatch.setenv("PATH", path)
    with pytest.raises(LeveloneError, match="Vitis HLS was not found") as caught:
        run_vitis(project)
    assert "settings64.sh" in str(caught.value.hint)
    # in its place, a program that leaves a report where Vitis HLS does
    (tmp_path / "report.xml").write_text(TOP.format(latency=31, interval=1))
    program = tools / "vitis_hls"
    program.write_text(SCRIPT.format(name=manifest.name, report=tmp_path / "report.xml"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{path}")
    assert run_vitis(project).latency_worst == 31
    assert "csim 0" in (project / "seen.tcl").read_text() and "synth 1" in (project / "seen.tcl").read_text()
    assert manifest.edited == []
    program.write_text("#!/bin/sh\necho no licence\nexit 1\n")
    with pytest.raises(LeveloneError, match=r"could not synthesise .*\nno licence"):
        run_vitis(project)
