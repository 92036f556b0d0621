"""The page: self-contained, complete, honest about what is missing, safe against hostile text."""

from __future__ import annotations

import copy
import re
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
    table = build_page(content)
    assert "<th>C simulation</th><th>RTL simulation</th>" in table
    row = table[table.index("<code>conv1</code></td><td class=n>77,000") :].split("</tr>")[0]
    assert row.index(">exact<") < row.index(">mismatch<")
    row = table[table.index("output <code>logit</code>") :].split("</tr>")[0]
    assert row.index(">exact<") < row.index(">not compared<")


def test_missing_parts_are_named(content: Content) -> None:
    page = build_page(Content(content.name, content.title, content.command, content.recipe))
    for what in ("examples", "learning curves", "metrics", "verdicts", "project"):
        assert f"No {what} in this run folder" in page


def test_text_from_files_is_escaped() -> None:
    assert "<script>" not in build_page(Content("x", "<script>", "<script>", "<script>"))
    assert table(("a",), [("<b>",)]).count("&lt;b&gt;") == 1


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        ({"value": 0.98765, "error": 0.0012}, {}, "0.99 ± 0.00"),
        ({"value": 0.98765, "error": 0.0012}, {"percent": True}, "98.77 ± 0.12"),
        ({"value": 0.001}, {"percent": True, "sign": True}, "+0.10"),
        ({"value": None}, {}, "–"),
        (None, {}, "–"),
    ],
)
def test_measured(value, options, text: str) -> None:
    assert measured(value, 2, **options) == text
