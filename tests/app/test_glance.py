"""The table of headline figures, of a system of which nothing but its headline is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from levelone.panels import Rows
from levelone.pipeline.glance import Sample, geant4_reason, glance
from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.system import System

TITLES = {"boosting": "trees on all", "mass": "the mass"}
AREA = Headline("AUC", ("auc",), TITLES, classical="mass", digits=2)
OWN = "test events"


def system(*headlines: Headline, **published: Any) -> System:
    generator = SimpleNamespace(engines={})
    made = SimpleNamespace(
        name="toy", headlines=lambda: headlines, published=lambda: published, generator=generator
    )
    return cast(System, made)


def metrics(**areas: float) -> dict[str, Any]:
    models = {name: {"auc": {"value": area, "error": 0.01}} for name, area in areas.items()}
    pairs = {f"quantised-{name}": models["quantised"]["auc"]["value"] - area for name, area in areas.items()}
    return {
        "models": models,
        "differences": {pair: {"auc": {"value": d, "error": 0.02}} for pair, d in pairs.items()},
    }


ALL = metrics(float=0.9, quantised=0.88, boosting=0.86, mass=0.7, leak_control=0.5)


def made(*arguments: Any) -> Rows:
    found = glance(*arguments)
    assert found is not None
    return found


def test_a_row_for_everyone_and_the_paired_difference() -> None:
    other = Sample("other events", (metrics(quantised=0.8, boosting=0.81),))
    found = made(system(AREA, source="whose"), Sample(OWN, (ALL,)), other)
    assert found.head == ("figure", "model", OWN, "network minus it", "other events", "network minus it")
    assert found.rows == (
        ("AUC", "quantised network", "0.88 ± 0.01", "", "0.80 ± 0.01", ""),
        ("", "float twin", "0.90 ± 0.01", "-0.02 ± 0.02", "– (1)", ""),
        ("", "best trees: trees on all", "0.86 ± 0.01", "+0.02 ± 0.02", "0.81 ± 0.01", "-0.01 ± 0.02"),
        ("", "classical quantity: the mass", "0.70 ± 0.01", "+0.18 ± 0.02", "– (2)", ""),
        ("", "leak control", "0.50 ± 0.01", "+0.38 ± 0.02", "– (2)", ""),
        ("", "published (3)", "–", "", "", ""),
    )
    assert found.notes == (
        "the weights of float networks are not kept with a committed model",
        "not measured on these events",
        "whose",
    )


def test_events_that_nobody_measured_have_one_column_and_a_reason() -> None:
    own, none = Sample(OWN, (ALL,)), Sample("Geant4's events", reason=geant4_reason(system(AREA)))
    found = made(system(AREA), own, none)
    assert found.head[-1] == "Geant4's events"
    assert [row[-1] for row in found.rows] == ["– (1)"] * 5 + [""]
    assert found.notes == ("levelone makes no events of toy with Geant4", "nothing published is known")


def test_what_is_published_of_the_figure_or_said_in_words() -> None:
    number = Headline("AUC", ("auc",), TITLES, published="0.95")
    told = {"statement": "better than before", "source": "whose", "conditions": "their events"}
    found = made(system(number, AREA, **told), Sample(OWN, (ALL,)))
    last = [row for row in found.rows if row[1].startswith("published")]
    assert [row[2] for row in last] == ["0.95", "better than before"]
    assert {row[1] for row in last} == {"published (2) (3)"}
    assert found.notes[1] == "whose. their events"
    assert found.notes[2].endswith("it does not compare directly")


def test_a_reason_of_the_system_goes_first_and_a_ratio_is_called_one() -> None:
    why = {"trees": "there are none", "difference": "not paired"}
    none = Headline("AUC", ("auc",), TITLES, trees=None, why_not=cast(Any, why), difference=("x",))
    found = made(system(none), Sample(OWN, (ALL,)))
    assert found.rows[2][1:3] == ("best trees", "– (2)")
    assert found.notes[:2] == ("not paired", "there are none")
    ratio = Headline("AUC", ("auc",), TITLES, ratio=True)
    assert made(system(ratio), Sample(OWN, (ALL,))).rows[2][3] == "0.020 ± 0.020 times"


def test_what_the_first_metrics_lack_may_stand_in_others() -> None:
    own = Sample(OWN, ({"models": ALL["models"]}, {"differences": ALL["differences"]}))
    assert made(system(AREA), own).rows[2][2:] == ("0.86 ± 0.01", "+0.02 ± 0.02")


def test_the_best_trees_are_the_first_that_a_result_holds() -> None:
    two = Headline("AUC", ("auc",), {"boosting": "trees"}, trees=("more", "boosting"))
    assert made(system(two), Sample(OWN, (ALL,))).rows[2][1] == "best trees: trees"
    more = metrics(quantised=0.88, more=0.87, boosting=0.86)
    assert made(system(two), Sample(OWN, (more,))).rows[2][1] == "best trees: more"


def test_a_run_in_float_alone_is_about_that_network() -> None:
    found = made(system(AREA), Sample(OWN, ({"models": {"float": {}}},)))
    assert [row[1] for row in found.rows][:2] == ["float network", "best trees: trees on all"]


def test_no_headline_no_table() -> None:
    assert glance(system(), Sample(OWN, (ALL,))) is None
