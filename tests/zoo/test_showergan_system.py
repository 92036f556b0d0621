"""System showergan: cells, baselines and measures of known showers, exact integers, a tiny training."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from exact_layers import exact_codes
from scipy.special import ndtr

from levelone.data.opening import open_voxel_events
from levelone.errors import LeveloneError
from levelone.panels import Images, Lines, Rows, SideBySide
from levelone.recipe import load_recipe
from levelone.report.panels import draw
from levelone.simulate.lcd.generator import simulate_lcd
from levelone.simulate.lcd.section import LcdGenerate, ShowerGenerate
from levelone.train import evaluate, train_system
from levelone.zoo import find_system
from levelone.zoo.kit.control import CONTROL, LARGEST
from levelone.zoo.kit.events import Events, MemorySource
from levelone.zoo.kit.symmetry import SquareSymmetry
from levelone.zoo.showergan import SYSTEM as SHOWERGAN
from levelone.zoo.showergan.baselines import fit_cells, fit_library, rectified
from levelone.zoo.showergan.cells import codes, compressed, energies, threshold_roots, window
from levelone.zoo.showergan.profiles import Profiles
from levelone.zoo.showergan.quantities import PITCH_MM, cells_gev, lowest_bits, quantities, ring_densities
from levelone.zoo.showergan.results import SIMULATION, ShowerMeter, wasserstein
from levelone.zoo.showergan.score import pair_score, profile_distance
from levelone.zoo.showergan.section import GRAIN, GRID
from levelone.zoo.showergan.shape import SHAPE, shape_numbers, turned

MIP = 2.0


def recipe(*overrides: str):
    return load_recipe(SHOWERGAN.default_recipe, overrides)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("showergan") / "showers.h5"
    simulate_lcd(path, ShowerGenerate(events=256, seed=11))
    return path


def test_default_recipe_is_valid_and_meant_for_firmware():
    assert find_system("showergan") is SHOWERGAN
    SHOWERGAN.model_section(recipe())
    assert SHOWERGAN.reach(recipe()) == "firmware"
    assert SHOWERGAN.input_shapes(recipe("model.latent=5"))["latent"] == (5,)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.critic.loss=gan", r"model\.critic\.loss"),
        ("model.critic.units=[16, 0]", r"model\.critic\.units = \[16, 0\]: every layer needs a unit"),
        ("model.channels=[4, 4, 0, 4]", r"model\.channels = \[4, 4, 0, 4\]"),
        ("model.latnt=3", r"unknown key model\.latnt[\s\S]*did you mean 'latent'"),
        ("quant.layers.up3={weight = 4}", r"quant\.layers\.up3: the network has no layer"),
    ],
)
def test_wrong_keys_are_named(override, message):
    with pytest.raises(LeveloneError, match=message):
        SHOWERGAN.model_section(recipe(override))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            LcdGenerate(events=60, seed=3),
            r"'truth/particle', event \d+: [23] is neither 0 \(electron\) nor 1",
        ),
        (None, r"grid 'ecal' has shape \(27, 25, 25\), expected \(25, 25, 25\)"),
    ],
    ids=["pions", "another calorimeter"],
)
def test_showers_of_something_else_are_refused(told, message, data, tmp_path):
    path = tmp_path / "f.h5"
    if told is not None:
        simulate_lcd(path, told)
    else:
        path.write_bytes(data.read_bytes())
        with h5py.File(path, "r+") as raw:
            raw["grids/ecal"].attrs["shape"] = (27, 25, 25)
    with pytest.raises(LeveloneError, match=message):
        SHOWERGAN.check_data(recipe(), path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda f: f["truth/energy"].__setitem__(slice(None), -5),
            r"f\.h5: 'truth/energy', event \d+: -5 is",
        ),
        (lambda f: f["split"].__setitem__(slice(None), 0), r"f\.h5: the split 'validation' is empty"),
        (
            lambda f: f.attrs.__setitem__("provenance", '{"threshold_mip": "0"}'),
            r"threshold_mip = '0', which",
        ),
        (
            lambda f: f.attrs.__setitem__("provenance", '{"threshold_mip": NaN}'),
            r"threshold_mip = nan, which",
        ),
    ],
)
def test_files_that_no_simulation_writes_are_refused(spoil, message, data, tmp_path):
    path = tmp_path / "f.h5"
    path.write_bytes(data.read_bytes())
    with h5py.File(path, "r+") as raw:
        spoil(raw)
    with pytest.raises(LeveloneError, match=message):
        SHOWERGAN.check_data(recipe(), path)


def test_showers_without_their_faint_cells_are_refused(data):
    told = r"cells below 0\.5 signals .* model\.threshold_mip = 0\.4"
    with pytest.raises(LeveloneError, match=told):
        SHOWERGAN.check_data(recipe("model.threshold_mip=0.4"), data)
    SHOWERGAN.check_data(recipe("model.threshold_mip=0.5"), data)


def test_a_cell_is_the_root_above_threshold_and_back():
    root = threshold_roots(MIP)
    assert np.square(root[[0, 8, 9, 11]]) == pytest.approx(
        np.array([13.2, 13.2, 26.0, 26.0]) * 1e-3, rel=0.02
    )
    assert np.square(threshold_roots(0.5)) == pytest.approx(np.square(root) / 4)
    gev = np.outer([0, 0.5, 1.5, 80, 700], np.square(root)).astype(np.float32)
    cells = compressed(gev, MIP)
    assert not cells[:2].any()
    assert cells[4] == pytest.approx((np.sqrt(700) - 1) * root, rel=1e-5)
    back = energies(cells, MIP)
    assert back[2:] == pytest.approx(gev[2:], rel=1e-5)
    assert not back[:2].any()
    assert codes(np.array([0, GRAIN, 2.5])).tolist() == [0, 1, 640]


def test_the_window_is_the_middle_in_pairs_of_layers():
    ecal = np.zeros((1, 25, 25, 25), np.float32)
    ecal[0, 12, 12, 6:8] = 1, 2
    ecal[0, 8, 16, 23], ecal[0, 7, 12, 3], ecal[0, 12, 12, 24] = 5, 100, 100  # the last two are outside
    found = window(ecal)
    assert found.shape == (1, *GRID)
    assert found[0, 4, 4, 3] == 3
    assert found[0, 0, 8, 11] == 5
    assert found.sum() == 8


def test_random_numbers_are_the_events_own_and_fresh_in_training(data):
    some, more = (SHOWERGAN.load(recipe(), data, "test", limit) for limit in (5, 9))
    for name, values in some.inputs.items():
        assert np.array_equal(values, more.inputs[name][:5])
    assert abs(some.inputs["noise"].mean()) < 0.05
    assert some.inputs["noise"].std() == pytest.approx(1, abs=0.05)
    fresh = SHOWERGAN.augment(recipe(), some, np.random.default_rng(1))
    halves = {name: np.split(values, 2) for name, values in (fresh.inputs | fresh.truth).items()}
    for name, first in (("latent", len(SHAPE)), ("noise", 0)):
        assert not np.allclose(halves[name][0][:, first:], halves[name][1][:, first:])
    assert not np.allclose(halves["latent"][0], some.inputs["latent"])
    for name in ("condition", "shower", "shape", "given", "energy"):
        assert np.array_equal(*halves[name])
    assert np.array_equal(halves["condition"][0], some.inputs["condition"])
    assert np.array_equal(fresh.inputs["latent"][:, : len(SHAPE)], fresh.truth["shape"])
    assert np.array_equal(fresh.truth["given"][:, 2:], fresh.truth["shape"])
    shower = halves["shower"][0]
    assert shower.sum() == pytest.approx(some.truth["shower"].sum(), rel=1e-5)
    assert not np.array_equal(shower, some.truth["shower"])
    still = SHOWERGAN.augment(recipe("model.mirror=false"), some, np.random.default_rng(1))
    assert np.array_equal(still.truth["shower"][:5], some.truth["shower"])


def test_truth_is_what_the_file_holds(data):
    events = SHOWERGAN.load(recipe(), data, "train", limit=4)
    with open_voxel_events(data) as file:
        batch = next(file.batches("train", 4, grids=("ecal",), truth=("energy", "particle")))
    cells = window(batch.images["ecal"])
    kept = np.where(cells > np.square(threshold_roots(MIP)), cells, 0)
    assert energies(events.truth["shower"][:, 0], MIP) == pytest.approx(kept, rel=1e-4)
    assert 0.8 < np.count_nonzero(kept) / np.count_nonzero(cells) < 0.95
    given = events.truth["given"]
    assert np.square(given[:, 0]) * 64 == pytest.approx(batch.truth["energy"], rel=1e-5)
    assert np.array_equal(given[:, 1], batch.truth["particle"])
    assert ((batch.truth["energy"] >= 10) & (batch.truth["energy"] <= 100)).all()


def test_rectified_gaussians_have_the_wanted_moments():
    middle, deviation = np.array([-1.0, 0.0, 0.7, 4.0]), np.array([1.0, 0.5, 0.2, 0.1])
    over = middle / deviation
    density = np.exp(-(over**2) / 2) / np.sqrt(2 * np.pi)
    mean = deviation * (density + over * ndtr(over))
    square = deviation**2 * ((over**2 + 1) * ndtr(over) + over * density)
    found = rectified(mean, square)
    assert found[0] == pytest.approx(middle, abs=2e-3)
    assert found[1] == pytest.approx(deviation, rel=5e-3)


def source(events: int = 400) -> MemorySource:
    """Showers of one cell with 1 % of the energy, and one that is filled in half of them."""
    rng = np.random.default_rng(4)
    energy = rng.uniform(10, 100, events).astype(np.float32)
    gev = np.zeros((events, 1, *GRID), np.float32)
    gev[:, 0, 4, 4, 5] = energy / 100
    gev[:, 0, 0, 4, 5] = energy / 500 * (rng.random(events) < 0.5)
    noise = rng.standard_normal((events, 2, *GRID)).astype(np.float32)
    truth = {"shower": compressed(gev, MIP), "energy": energy, "particle": np.zeros(events, np.uint8)}
    return MemorySource({"noise": noise}, truth)


def test_the_library_scales_showers_to_the_energy():
    train = source()
    events = next(train.batches(400))
    made = energies(fit_library(train, MIP)(events)["shower"][:, 0], MIP)
    assert made[:, 4, 4, 5] == pytest.approx(events.truth["energy"] / 100, rel=1e-3)
    sides = made.sum((1, 3)) + made.sum((1, 2))[:, :9]
    assert (sides > 0).any()  # turned
    one = energies(fit_library(train.limited(1), MIP)(events)["shower"][:, 0], MIP)
    assert one[:, 4, 4, 5] == pytest.approx(events.truth["energy"] / 100, rel=1e-3)


def test_cells_have_the_mean_of_the_simulation_at_every_energy():
    train = source(1500)
    events = next(train.batches(1500))
    made = fit_cells(train)(events)["shower"]
    for low, high in ((10, 30), (70, 100)):
        chosen = (events.truth["energy"] > low) & (events.truth["energy"] < high)
        shower = events.truth["shower"][chosen, 0]
        assert made[chosen, 0, 4, 4, 5].mean() == pytest.approx(shower[:, 4, 4, 5].mean(), rel=0.05)
        sides = [made[chosen, 0, *cell, 5].mean() for cell in ((0, 4), (8, 4), (4, 0), (4, 8))]
        assert sum(sides) == pytest.approx(shower[:, 0, 4, 5].mean(), rel=0.3)  # turned: a quarter each
    assert made[:, 0, 2, 2].max() == 0  # never filled


def test_quantities_of_a_known_shower():
    cells = np.zeros((1, *GRID), np.float32)
    cells[0, 4, 4, 2], cells[0, 4, 6, 4] = 3.0, 1.0
    cells = cells_gev(codes(compressed(cells, MIP)), MIP)
    found = quantities(cells, np.array([5.0]))
    assert found["response"][0] == pytest.approx(0.8, rel=0.01)
    assert found["filled"].tolist() == [2]
    assert found["depth"][0] == pytest.approx(2.5, rel=0.01)
    assert found["length"][0] == pytest.approx(np.sqrt(0.75), rel=0.01)
    assert found["radius"][0] == pytest.approx(PITCH_MM * np.sqrt(0.75), rel=0.01)
    assert found["core"][0] == found["peak"][0] == found["early"][0] == pytest.approx(0.75, rel=0.01)
    rings = ring_densities(cells)
    assert rings[0] == pytest.approx(3, rel=0.01)
    assert rings[2] == pytest.approx(1 / 12, rel=0.01)


def test_a_shift_is_its_distance_and_bits_are_those_of_the_largest_cells():
    values = np.random.default_rng(1).normal(0, 2, 4000)
    assert wasserstein(values + 1, values) == pytest.approx(1 / values.std(), rel=1e-6)
    cells = np.zeros((1, *GRID), np.int16)
    cells[0, 1, 2, 3], cells[0, 4, 4, 4] = 6, 9
    bits = lowest_bits(cells)[0]
    assert bits[:3].tolist() == [1, 0, 0]
    assert bits[LARGEST : LARGEST + 3].tolist() == [0, 1, 0]


def test_profiles_of_equal_showers_are_near():
    torch.manual_seed(1)
    true, other = torch.rand(2, 256, 1, *GRID)
    given = 0.5 + torch.rand(256, 2)
    profiles = Profiles(MIP)
    same = profile_distance(profiles, other, true, given)
    assert same.shape == (256,)
    assert abs(same.mean().item()) < 1
    made = (1.1 * other).requires_grad_()
    apart = profile_distance(profiles, made, true, given).mean()
    assert apart.item() > 1.5 + same.mean().item()
    apart.backward()
    assert torch.isfinite(made.grad).all()
    empty = torch.zeros(8, 1, *GRID, requires_grad=True)
    profile_distance(profiles, empty, true[:8], given[:8]).mean().backward()
    assert torch.isfinite(empty.grad).all()


def test_shapes_are_normal_independent_numbers_that_turn_with_their_showers():
    rng = np.random.default_rng(5)
    n = 1200
    energy, particle = rng.uniform(10, 100, n), rng.integers(0, 2, n)
    depth = 5 + np.log(energy) / 3 + particle + rng.exponential(0.5, n)
    length = 2 + 0.1 * depth + rng.normal(0, 0.1, n)
    x, y = rng.uniform(-0.5, 0.5, (2, n))
    at = [np.arange(size)[None] for size in GRID]
    side = [np.exp(-np.square(a - 4 - middle[:, None]) / 2) for a, middle in ((at[0], x), (at[1], y))]
    along = np.exp(-np.square((at[2] - depth[:, None]) / length[:, None]) / 2)
    cells = np.einsum("na,nb,nc->nabc", *side, along)
    found = shape_numbers(energy, particle, cells)
    assert found.mean(0) == pytest.approx(np.zeros(4), abs=0.1)
    assert found.std(0) == pytest.approx(np.ones(4), abs=0.1)
    told = np.column_stack([found, energy, particle])
    assert np.abs(np.corrcoef(told, rowvar=False) - np.eye(6)).max() < 0.1
    assert np.corrcoef(found[:, 2], x)[0, 1] > 0.95
    way = SquareSymmetry.draw(n, rng)
    again = shape_numbers(energy, particle, way.of(cells[:, None])[:, 0])
    assert again == pytest.approx(turned(found, way), abs=0.15)


def test_the_score_is_best_for_who_draws_from_the_truth():
    torch.manual_seed(2)
    given = torch.full((1024, 6), 0.7)

    def draw(spread: float, shift: float = 0.0) -> torch.Tensor:
        return (0.3 + shift + spread * torch.randn(1024, 1, *GRID)).clamp(min=0)

    true = draw(0.1)[:512].repeat(2, 1, 1, 1, 1)

    def score(made: torch.Tensor) -> float:
        torch.manual_seed(3)
        return pair_score(Profiles(MIP), made, true, given).item()

    right = score(draw(0.1))
    wrong = (draw(0.05), draw(0.2), draw(0.1, 0.03), draw(0.0))
    assert all(score(made) > 1.01 * right for made in wrong)
    together = 0.3 + 0.1 * torch.randn(1024, 1, 1, 1, 1).expand(-1, 1, *GRID)
    assert score(together.clamp(min=0)) > 1.01 * right  # every cell alone is right


def test_a_grain_of_its_own_is_seen_by_the_leak_control(data):
    events = SHOWERGAN.load(recipe(), data, "train")
    meter = ShowerMeter(1, MIP)
    coarse = np.rint(events.truth["shower"] / (4 * GRAIN)) * (4 * GRAIN)
    meter.update(events, {"float": {"shower": coarse}, CONTROL: {}})
    assert meter.result()["models"][CONTROL]["auc_cells"]["value"] > 0.99


def test_reference_gives_the_modules_integers_at_every_layer(data, tmp_path):
    chosen = recipe("model.channels=[6, 5, 4, 8]", "model.latent=4", "model.noise=1")
    events = SHOWERGAN.load(chosen, data, "validation", limit=6)
    found = exact_codes(SHOWERGAN, chosen, events, tmp_path, moved=("block",))
    assert {"seed", "up1", "up2", "mix", "cells", "shower"} <= set(found)
    assert found["shower"].shape == (6, 1, *GRID)
    assert len(np.unique(found["up2"])) > 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_tiny_training_is_measured_and_shown(data, tmp_path):
    chosen = recipe(
        "model.channels=[6, 4, 4, 4]",
        "model.critic.units=[16]",
        "train.float_epochs=4",
        "train.quantised_epochs=1",
        "train.float_learning_rate=0.005",
        "train.batch_size=32",
    )
    curves = train_system(SHOWERGAN, chosen, data, tmp_path).curves
    losses = [epoch["validation_loss"] for epoch in curves["float"]["epochs"]]
    assert losses[-1] < 0.8 * losses[0]
    metrics = evaluate(SHOWERGAN, chosen, data, tmp_path)
    models = metrics["models"]
    assert set(models) == {SIMULATION, "float", "quantised", "cells", "library", CONTROL}
    response = {m: found["quantities"]["response"]["distance"] for m, found in models.items() if m != CONTROL}
    assert response["quantised"]["value"] > response["library"]["value"]
    assert models["quantised"]["from_float"]["value"] < 0.5
    with np.load(tmp_path / "scores.npz") as stored:
        kept = {name: stored[name] for name in stored.files}
    shown = SHOWERGAN.panels(metrics, kept)
    assert [type(panel) for panel in shown] == [Lines] * 4 + [SideBySide] * 2 + [Rows] * 4
    for panel in shown[:6]:
        draw(panel)
    assert [label.partition(",")[0] for label in shown[4].labels] == [
        ("electron", "photon")[code] for code in kept["shown_particle"]
    ]
    earlier = {name: values for name, values in kept.items() if name != "shown_particle"}
    assert all(
        label.endswith(" GeV") and "," not in label for label in SHOWERGAN.panels(metrics, earlier)[4].labels
    )
    assert "AUC" in SHOWERGAN.cards(metrics)[0].what
    examples = SHOWERGAN.examples(chosen, SHOWERGAN.golden(chosen, data, 16))
    assert isinstance(examples[0], Images)
    draw(examples[0])


@pytest.mark.parametrize("alone", ["float", "quantised"])
def test_what_is_measured_needs_one_network(alone):
    events = next(source(64).batches(64))
    given = Events(events.inputs, events.truth)
    meter = ShowerMeter(1, MIP)
    meter.update(given, {alone: {"shower": events.truth["shower"]}})
    found = meter.result()["models"][alone]
    assert found["quantities"]["response"]["distance"]["value"] == 0
    assert found["correlation"]["value"] == 0
