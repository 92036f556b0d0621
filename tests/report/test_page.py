"""The page: self-contained, complete, honest about what is missing, safe against hostile text."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from levelone.panels import Card, Images, Rows, measured
from levelone.report.content import Content
from levelone.report.page import build_page
from levelone.report.tables import table

TABLE = Rows("Efficiency", "in %", ("model", "AUC"), (("quantised", "98.77 ± 0.12"),), (1,))
LONG = Rows("By region", "in %", ("region", "counts"), (("barrel-barrel", "1,234 / 5,678"),), folded=True)
IMAGES = Images("Doublets", "Two hits.", np.ones((2, 4, 4)), ("inner", "outer"), "ke")


def make_content() -> Content:
    layers = [
        {
            "name": "conv1",
            "op": "Conv",
            "shape": [4, 4, 8],
            "width": 13,
            "signed": True,
            "scale": ["1/64", "1/32"],
            "lo": -4096,
            "hi": 4095,
        },
        {
            "name": "logit",
            "op": "Dense",
            "shape": [1],
            "width": 9,
            "signed": True,
            "lo": -256,
            "hi": 255,
            "scale": ["1/3"],
        },
    ]
    port = {
        "name": "images_q",
        "shape": [16, 16, 2],
        "width": 4,
        "signed": False,
        "lo": 0,
        "hi": 15,
        "scale": ["1/4"],
    }
    verdict = [{"name": "conv1", "compared": 77_000, "mismatches": 0, "max_lsb": 0}]
    checked = {
        "name": "100 random vectors",
        "verdict": "exact",
        "vectors": 100,
        "layers": verdict,
        "outputs": [{"name": "logit", "compared": 100, "mismatches": 0, "max_lsb": 0}],
        "reason": "",
    }
    checked["bodies"] = [{"title": "C simulation", **copy.deepcopy(checked)}]
    epochs = [{"epoch": i, "train_loss": 1 / (i + 1), "validation_loss": 1 / (i + 1)} for i in range(3)]
    curve = {"epochs": epochs, "best_epoch": 2, "stopped": "epochs"}
    return Content(
        name="pixelseed",
        title="A title",
        command="levelone run pixelseed",
        recipe='system = "pixelseed"',
        metrics={
            "data": {"file": "events.h5"},
        },
        curves={"float": curve, "quantised": curve},
        panels=(TABLE, LONG),
        cards=(Card("81.84 ± 0.12", "% at 90 %"),),
        example_panels=(IMAGES,),
        project={"inputs": [port], "layers": layers},
        csim={"verdict": "exact", "sets": [checked], "bodies": checked["bodies"]},
        costs={"conv1": {"multiplications": 2048, "ebops": 16384}},
        stages={"train": 12.3},
        digests={"model.onnx": "ab" * 32},
        versions={"torch": "2.13.0"},
    )


@pytest.fixture
def content() -> Content:
    return make_content()


@pytest.fixture(scope="module")
def page() -> str:
    return build_page(make_content())


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "iframe", "object", "embed"}
        for key, value in attrs:
            if key in {"src", "href", "xlink:href", "action", "data"}:
                self.found.append(str(value))


def test_self_contained(page: str) -> None:
    links = Links()
    links.feed(page)
    assert links.found
    assert [link for link in links.found if not link.startswith(("data:", "#"))] == []
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []


@pytest.mark.parametrize(
    "expected",
    [
        "A title",
        "98.77 ± 0.12",
        "<b>81.84 ± 0.12</b>",
        "<h3>Efficiency</h3>",
        "<details><summary>By region</summary>",
        "1,234 / 5,678",
        "events.h5",
        "77,000",
        "-4,096",
        "16,384",
        "images_q",
        "barrel-barrel",
        "inner",
        "ab" * 32,
        "2.13.0",
        "system = &quot;pixelseed&quot;",
        "<span class=good>exact</span>",
        "prefers-color-scheme: dark",
    ],
)
def test_everything_is_on_the_page(page: str, expected: str) -> None:
    assert expected in page


def test_same_content_same_bytes(page: str, content: Content) -> None:
    assert build_page(content) == page


def test_a_mismatch_is_not_shown_as_exact(content: Content) -> None:
    content.csim["verdict"] = "mismatch"
    content.csim["sets"][0]["verdict"] = "mismatch"
    (body,) = content.csim["sets"][0]["bodies"]
    body["layers"][0]["mismatches"], body["outputs"][0]["mismatches"] = 3, 1
    page = build_page(content)
    assert "<span class=good>exact</span>" not in page
    assert "<b class=bad>mismatch</b>" in page


def test_what_a_reader_should_know_stands_there(content: Content) -> None:
    told = copy.deepcopy(content)
    told.csim["notes"] = ["input 'x': 3 of 4 values, from <60> to 300, saturate at its port"]
    assert "<p class=soft>Note: input &#x27;x&#x27;: 3 of 4 values, from &lt;60&gt; to 300," in build_page(
        told
    )


def test_a_layer_that_was_not_compared_is_not_exact(content: Content) -> None:
    content.csim["sets"][0]["bodies"][0]["layers"][0]["compared"] = 0
    assert "not compared" in build_page(content)


def test_every_body_has_a_column(content: Content) -> None:
    (body,) = content.csim["sets"][0]["bodies"]
    other = copy.deepcopy(body) | {"title": "RTL simulation", "outputs": []}
    other["layers"][0]["mismatches"] = 2
    content.csim["sets"][0]["bodies"].append(other)
    page = build_page(content)
    table = page[page.index("<h3>100 random vectors") :]
    assert "<th>C simulation</th><th>RTL simulation</th>" in table
    row = table[table.index("<code>conv1</code></td><td class=n>77,000") :].split("</tr>")[0]
    assert row.index(">exact<") < row.index(">mismatch<")
    row = table[table.index("output <code>logit</code>") :].split("</tr>")[0]
    assert row.index(">exact<") < row.index(">not compared<")


def clocked(content: Content) -> Content:
    """The same run with RTL, which differs in one layer, and an estimate for the hls4ml project."""
    checked = copy.deepcopy(content.csim["sets"][0])
    (body,) = checked["bodies"]
    body["title"] = "RTL simulation"
    body["layers"][0]["mismatches"] = 5
    checked["module"] = {"layers": [{"name": "conv1", "compared": 40, "mismatches": 0, "max_lsb": 0}]}
    timing = {
        "latency_clocks": {"logit": 450},
        "after_last_clocks": {"logit": 195},
        "clocks_per_event": 256,
        "planned_clocks_per_event": 255,
        "clock_ns": 4.0,
    }
    streams = [
        {"name": "images_q", "beats": [8, 8, 4], "first": 0, "last": 255, "planned_clocks": 255},
        {"name": "conv1", "beats": [0, 1, 2], "first": 60, "last": 257, "planned_clocks": 256},
    ]
    cosim = {
        "verdict": "mismatch",
        "sets": [checked],
        "bodies": checked["bodies"],
        "timing": timing,
        "clocks_per_event": 256,
        "latency_clocks": 450,
        "traffic": [{"gaps": 0.3, "stalls": 0.2, "resets": [1, 2], "problem": None}],
        "occupancy": {"events": 2, "clocks_per_bin": 200, "streams": streams, "bottleneck": "conv1"},
    }
    planned = {"clocks": 256, "multipliers": 30, "rom_bits": 1000, "buffer_bits": 77}
    rtl = {"layers": [{"name": "conv1", "op": "Conv", **planned}]}
    layer = {"name": "conv1", "operation": "Conv2D", "ticks": 256, "interval": 262, "stages": 6}
    latency = {
        "io": "stream",
        "style": "dataflow",
        "clock_ns": 2.78,
        "interval": 262,
        "latency": 328,
        "latency_ns": 911.8,
        "bottleneck": "conv1",
        "layers": [layer | {"begins": 0, "ends": 261}],
    }
    return replace(content, cosim=cosim, rtl=rtl, latency=latency)


def test_who_gives_the_reference_s_integers_stands_side_by_side(content: Content) -> None:
    page = build_page(clocked(content))
    assert "<th>trained module</th><th>C simulation</th><th>RTL simulation</th>" in page
    row = page[page.index("<td><code>conv1</code></td><td><span class=good>equal") :].split("</tr>")[0]
    marks = re.findall(r">(equal|[\d,]+ of [\d,]+ differ|not compared)<", row)
    assert marks == ["equal", "equal", "5 of 77,000 differ"]
    row = page[page.index("output <code>logit</code></td><td><span class=soft>not compared") :]
    assert row.split("</tr>")[0].count(">equal<") == 2


def test_a_design_that_stands_still_has_no_clocks(content: Content) -> None:
    known = clocked(content)
    assert known.cosim is not None
    none = dict.fromkeys(("timing", "clocks_per_event", "latency_clocks", "occupancy"))
    told = {"reason": "the design stands still: layer conv1 gave 0 of 4 beats", "traffic": []}
    page = build_page(replace(known, cosim=known.cosim | none | told))
    assert "No clocks: the design stands still: layer conv1 gave 0 of 4 beats." in page
    assert "clocks per event in RTL" not in page


def test_clocks_are_called_what_they_are(content: Content) -> None:
    page = build_page(clocked(content))
    assert "Clocks per event: 256 measured, 255 planned" in page
    measured = page[page.index("RTL, output <code>logit</code>") :].split("</tr>")[0]
    assert re.findall(r">([\w.,]+)</td>", measured) == ["measured", "256", "450", "195", "4", "1,800"]
    estimated = page[page.index("hls4ml, io_stream") :].split("</tr>")[0]
    assert re.findall(r">([\w.,]*)</td>", estimated) == ["estimated", "262", "328", "", "2.78", "912"]
    assert "Bottleneck: conv1 (orange), 256 clocks per event" in page
    assert "levelone synth counts cells" in page and "Estimated, io_stream, dataflow" in page


def test_cells_are_those_of_synthesis(content: Content) -> None:
    total = {"lut": 5000, "dsp": 0, "flip_flops": 7}
    synthesis = {"kind": "synthesised", "family": "ecp5", "tool": "Yosys 1", "total": total}
    synthesis["layers"] = {"conv1": total, "(ports and wires)": dict.fromkeys(total, 0)}
    page = build_page(replace(clocked(content), synthesis=synthesis))
    assert "the others are synthesised for ecp5 by Yosys 1" in page
    assert (
        "<th class=n>lut</th><th class=n>flip flops</th></tr>" in page
    )  # what there is none of has no column
    assert "<td class=n>77</td><td class=n>5,000</td><td class=n>7</td>" in page
    assert "alkaid" not in page


def test_look_up_tables_stand_beside_those_that_were_expected(content: Content) -> None:
    total = {"lut": 110}
    synthesis = {"kind": "synthesised", "family": "xcup", "tool": "Yosys 1", "total": total, "layers": {}}
    one = {"planned": 90, "by_alkaid": 1080, "counted": 100, "planned_ratio": 0.9, "alkaid_ratio": 10.8}
    none = {"planned": 9, "by_alkaid": 9, "counted": 0, "planned_ratio": None, "alkaid_ratio": None}
    synthesis["estimates"] = [one | {"layers": ["conv1", "act1"]}, none | {"layers": []}]
    page = build_page(replace(clocked(content), synthesis=synthesis))
    rows = page[page.index("<code>conv1</code>, <code>act1</code>") :].split("</tr>")
    numbers = [re.findall(r"<td class=n>([\d.,]*)</td>", row) for row in rows[:2]]
    assert numbers == [["90", "1,080", "100", "0.90", "10.80"], ["9", "9", "0", "", ""]]
    assert "all, ports included" in rows[1]


def test_missing_parts_are_named(content: Content) -> None:
    page = build_page(Content(content.name, content.title, content.command, content.recipe))
    for what in ("examples", "learning curves", "metrics", "verdicts", "project", "RTL"):
        assert f"No {what} in this run folder" in page


def test_text_from_files_is_escaped() -> None:
    assert "<script>" not in build_page(Content("x", "<script>", "<script>", "<script>"))
    assert table(("a",), [("<b>",)]).count("&lt;b&gt;") == 1


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        ({"value": 0.98765, "error": 0.012}, {}, "0.99 ± 0.01"),
        ({"value": 0.98765, "error": 0.0012}, {}, "0.9877 ± 0.0012"),
        ({"value": -0.00015627, "error": 2.1e-6}, {"percent": True, "sign": True}, "-0.01563 ± 0.00021"),
        ({"value": 99.9, "error": 0.0049}, {}, "99.9000 ± 0.0049"),
        ({"value": 99.9, "error": 0.0051}, {}, "99.90 ± 0.01"),
        ({"value": 1.0, "error": 0.0}, {"percent": True}, "100.00 ± 0"),
        ({"value": 0.98765, "error": 0.0012}, {"percent": True}, "98.77 ± 0.12"),
        ({"value": 0.001}, {"percent": True, "sign": True}, "+0.10"),
        ({"value": None}, {}, "–"),
        (None, {}, "–"),
    ],
)
def test_measured(value, options, text: str) -> None:
    assert measured(value, 2, **options) == text
