"""What generators can be told: every key is checked, and named where it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from levelone.errors import LeveloneError
from levelone.recipe import GenerateSection, parse_section
from levelone.simulate.bandgap.section import BandgapGenerate
from levelone.simulate.lartpc.section import LartpcGenerate
from levelone.simulate.lcd.section import LcdGenerate, ShowerGenerate
from levelone.simulate.muon.section import MuonGenerate
from levelone.simulate.next.section import NextGenerate
from levelone.simulate.nova.section import NovaGenerate
from levelone.simulate.pixelseed.section import PixelSeedGenerate
from levelone.simulate.pixelseed.sensors import SENSORS
from levelone.simulate.provenance import check_current, provenance
from levelone.simulate.qgjet.section import QGJetGenerate
from levelone.simulate.smlm.section import SmlmGenerate
from levelone.simulate.wjet.section import WJetGenerate

SECTIONS: tuple[type[GenerateSection], ...] = (
    BandgapGenerate,
    LartpcGenerate,
    LcdGenerate,
    MuonGenerate,
    NextGenerate,
    NovaGenerate,
    PixelSeedGenerate,
    QGJetGenerate,
    ShowerGenerate,
    SmlmGenerate,
    WJetGenerate,
)


def parsed(section: type[GenerateSection], **told: Any) -> GenerateSection:
    return parse_section(section, told, "recipe", at=("generate",))


@pytest.mark.parametrize("section", SECTIONS)
def test_every_number_has_a_default_and_every_generator_a_seed(section: type[GenerateSection]) -> None:
    options = parsed(section)
    assert options.events > 0
    assert options.seed == 1
    assert parsed(section, **options.model_dump(mode="json")) == options


@pytest.mark.parametrize(
    ("section", "told", "message"),
    [
        (MuonGenerate, {"events": 0}, "generate.events = 0: input should be greater than or equal to 1"),
        (MuonGenerate, {"seed": -1}, "generate.seed = -1: input should be greater than or equal to 0"),
        (MuonGenerate, {"seed": 1 << 63}, "generate.seed = 9223372036854775808: input should be less than"),
        (MuonGenerate, {"energy_gev": [1.0, 20.0]}, "energy_gev = [1.0, 20.0]: input should be a lower and"),
        (MuonGenerate, {"energy_gev": [1.0, 20.0]}, "an upper end within 10 to 10000"),
        (
            MuonGenerate,
            {"energy_gev": [200.0, 100.0]},
            "generate.energy_gev = [200.0, 100.0]: input should",
        ),
        (
            MuonGenerate,
            {"energy_gev": [float("nan")] * 2},
            "generate.energy_gev = [NaN, NaN]: input should",
        ),
        (MuonGenerate, {"energy_gev": [100.0]}, "generate.energy_gev"),
        (
            MuonGenerate,
            {"spectrum": "steep"},
            "generate.spectrum = \"steep\": input should be 'flat' or",
        ),
        (LcdGenerate, {"particles": ["kaon"]}, "generate.particles.0 = \"kaon\": input should be 'electron'"),
        (LcdGenerate, {"particles": []}, "generate.particles = []"),
        (LcdGenerate, {"energy_gev": [0.1, 5.0]}, "within 1 to 2000"),
        (NextGenerate, {"signal_fraction": 1.2}, "generate.signal_fraction = 1.2"),
        (NextGenerate, {"drift_mm": [5.0, 1.0]}, "generate.drift_mm = [5.0, 1.0]"),
        (
            NextGenerate,
            {"voxel_mm": [1.0, 0.0, 1.0]},
            "generate.voxel_mm.1 = 0.0: input should be greater",
        ),
        (NextGenerate, {"fwhm": -0.1}, "generate.fwhm = -0.1"),
        (PixelSeedGenerate, {"events": 2}, "generate.events = 2: input should be greater than or equal to 3"),
        (PixelSeedGenerate, {"pileup": -1.0}, "generate.pileup = -1.0"),
        (PixelSeedGenerate, {"pileup": float("nan")}, "generate.pileup = NaN"),
        (PixelSeedGenerate, {"geometry": "atlas"}, "generate.geometry = \"atlas\": input should be 'cms' or"),
        (PixelSeedGenerate, {"pile_up": 3}, "unknown key generate.pile_up\n  hint: did you mean 'pileup'?"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    section: type[GenerateSection], told: dict[str, Any], message: str
) -> None:
    with pytest.raises(LeveloneError) as caught:
        parsed(section, **told)
    assert message in str(caught.value)


def test_every_geometry_has_its_sensor() -> None:
    for name in SENSORS:
        assert parsed(PixelSeedGenerate, geometry=name).geometry == name


def test_a_file_says_the_command_that_makes_it_again() -> None:
    options = LcdGenerate(events=7, seed=3, particles=("pi0",))
    found = provenance("lcd", options, "numpy")
    assert found["command"] == (
        "levelone simulate lcd --events 7 --seed 3 --set 'generate.particles=[\"pi0\"]' "
        "--set 'generate.energy_gev=[10.0, 510.0]' --set 'generate.spectrum=\"flat\"' "
        "--set generate.material_x0=0.1 --set generate.noise_mip=0.1 --set generate.threshold_mip=0.5 "
        "--set generate.pion_hcal_share=0.1 -o FILE.h5"
    )
    assert (found["events"], found["seed"], found["particles"]) == (7, 3, ["pi0"])
    assert found["numpy"]


def test_events_of_an_older_generator_are_refused_with_what_to_do() -> None:
    class Newer(NextGenerate):
        version = NextGenerate.version + 1

    path, old = Path("old.h5"), provenance("next", NextGenerate(events=7), "numpy")
    check_current(path, old, NextGenerate)
    check_current(path, {"source": "an experiment's own file"}, Newer)
    with pytest.raises(
        LeveloneError, match=rf"old\.h5: made by version {NextGenerate.version} of the generator"
    ) as no:
        check_current(path, old, Newer)
    assert "levelone simulate next --events 7" in str(no.value)
    with pytest.raises(LeveloneError, match="version 1 of the generator"):
        check_current(path, {"system": "next"}, NextGenerate)  # from before there were versions
