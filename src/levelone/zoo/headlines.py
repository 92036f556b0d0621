"""The headlines of any system: its own, or those that are declared here for it."""

from __future__ import annotations

from levelone.zoo.kit.headline import Headline
from levelone.zoo.kit.system import System


def headlines_of(system: System) -> tuple[Headline, ...]:
    """What a system says, and of muon, which says nothing, the improvement by which its study is judged."""
    found = system.headlines()
    return found if found or system.name != "muon" else _muon()


def _muon() -> tuple[Headline, ...]:
    from levelone.zoo.muon.panels import NAMES
    from levelone.zoo.muon.results import STUDY

    return (
        Headline(
            "the study's improvement of a tracker's relative resolution, %",
            (STUDY,),
            NAMES,
            trees="boosting_loss",
            difference=(),
            digits=1,
            percent=True,
            why_not={"classical": "the tracker alone is what the improvement is counted from"},
        ),
    )
