"""System bandgap: events, features and errors on known maps, both networks to the last integer."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from exact_layers import exact_codes
from sklearn.kernel_approximation import Nystroem

from levelone.errors import LeveloneError
from levelone.graph import quantise_inputs, read_qonnx
from levelone.hls import HlsConfig, convert
from levelone.panels import Lines, Rows, SideBySide
from levelone.pipeline.checks import VectorSet, compare
from levelone.recipe import load_recipe
from levelone.report.panels import draw
from levelone.simulate.bandgap.generator import simulate_bandgap
from levelone.simulate.bandgap.section import BandgapGenerate
from levelone.simulate.bandgap.sheet import stretch
from levelone.zoo import find_system
from levelone.zoo.bandgap import SYSTEM as BANDGAP
from levelone.zoo.bandgap.baselines import fit_kernel
from levelone.zoo.bandgap.features import EACH, SCALES, blind, patches, plate, quantities
from levelone.zoo.bandgap.loss import squared_error
from levelone.zoo.bandgap.results import DISTANCES, FLOOR, NEAR, PARTS
from levelone.zoo.bandgap.section import MIDDLE_EV, UNIT_EV, UNIT_PM
from levelone.zoo.kit.control import CONTROL
from levelone.zoo.kit.events import Events, MemorySource

DENSE = (
    'model.architecture="dense"',
    "model.enter=3",
    "model.growth=2",
    "model.dilations=[1, 2]",
    "model.mix=4",
)


def recipe(*overrides: str):
    return load_recipe(BANDGAP.default_recipe, overrides)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bandgap") / "bandgap.h5"
    simulate_bandgap(path, BandgapGenerate(events=192, seed=11))
    return path


def test_default_recipe_is_valid_and_meant_for_firmware():
    assert find_system("bandgap") is BANDGAP
    BANDGAP.model_section(recipe())
    BANDGAP.model_section(recipe(*DENSE))
    assert BANDGAP.reach(recipe()) == "firmware"
    assert BANDGAP.input_shapes(recipe("model.pixels=64")) == {"topography": (1, 64, 64)}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.pixels=48", r"model\.pixels = 48"),
        ('model.architecture="resnet"', r"model\.architecture"),
        ("model.dilations=[]", r"model\.dilations"),
        ("quant.layers.conv1={weight = 4}", r"quant\.layers\.conv1: the network has no layer"),
        ("quant.inputs.image=4", r"quant\.inputs\.image: the network has no input"),
    ],
)
def test_wrong_keys_are_named(override, message):
    with pytest.raises(LeveloneError, match=message):
        BANDGAP.model_section(recipe(override))


def test_heights_enter_the_network_and_measured_gaps_are_wanted(data):
    events = BANDGAP.load(recipe(), data, "train", limit=20)
    with h5py.File(data) as raw:
        rows = np.flatnonzero(raw["split"][:] == 0)[:20]
        height, gap = raw["images/topography"][:][rows], raw["maps/gap"][:][rows]
    assert np.array_equal(events.inputs["topography"] * UNIT_PM, height)
    assert events.truth["wanted"] * UNIT_EV + MIDDLE_EV == pytest.approx(gap[:, :1], abs=1e-6)
    assert sum(BANDGAP.check_data(recipe(), data).values()) == 192


@pytest.mark.parametrize(
    ("spoil", "overrides", "message"),
    [
        (lambda f: f["maps/gap"].__setitem__((0, 0, 3, 4), 1e38), (), "is not within 20 eV of zero"),
        (lambda f: f["maps/gap"].attrs.__setitem__("unit", "meV"), (), "'maps/gap': its unit is 'meV', but"),
        (lambda f: f.__delitem__("maps/gap"), (), "has no map 'gap', which system bandgap reads"),
        (
            lambda f: None,
            ("model.pixel_nm=0.4",),
            r"its cell is \(0\.5, 0\.5\), but system bandgap reads \(0\.4",
        ),
        (
            lambda f: None,
            ("model.pixels=64",),
            r"topography': its shape is \(1, 32, 32\), but system bandgap reads \(1, 64",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused(spoil, overrides, message, data, tmp_path):
    path = tmp_path / "f.h5"
    path.write_bytes(data.read_bytes())
    with h5py.File(path, "r+") as raw:
        spoil(raw)
        raw["split"][0] = 0
    with pytest.raises(LeveloneError, match=message):
        BANDGAP.check_data(recipe(*overrides), path)


def test_turned_images_have_turned_gaps(data):
    batch = BANDGAP.load(recipe(), data, "train", limit=24)
    assert BANDGAP.augment(recipe("model.symmetries=false"), batch, np.random.default_rng(1)) is batch
    turned = BANDGAP.augment(recipe(), batch, np.random.default_rng(1))
    changed = 0
    for number in range(24):
        pair = np.stack([batch.inputs["topography"][number, 0], batch.truth["wanted"][number, 0]])
        after = np.stack([turned.inputs["topography"][number, 0], turned.truth["wanted"][number, 0]])
        ways = [np.rot90(each, k, (1, 2)) for each in (pair, pair[:, ::-1]) for k in range(4)]
        assert sum(np.array_equal(way, after) for way in ways) == 1
        changed += not np.array_equal(pair, after)
    assert changed > 12


def test_what_trees_are_told():
    y, x = (np.indices((32, 32)) - 16) * 0.5
    height = (0.002 * x**2 + 0.001 * y**2 + 0.01 * x).astype(np.float32)  # nm
    events = Events({"topography": (height * 1000 / UNIT_PM)[None, None]}, {"event": np.array([17])})
    told = quantities(events, 0.5, 4.0).reshape(32, 32, -1)
    assert told.shape[-1] == 29
    first = dict(zip(EACH, told[16, 16], strict=False))
    assert first["slope squared"] == pytest.approx(1e-4, rel=1e-3)
    assert first["Laplacian"] == pytest.approx(0.006, rel=1e-3)
    assert first["Gaussian curvature"] == pytest.approx(0.004 * 0.002, rel=1e-3)
    above, below = told[16, 16, len(EACH) * len(SCALES) :][:2]
    assert above == pytest.approx(0.002 * 0.25 + 0.001 * 0.25 + 0.01 * 0.5, rel=1e-3)
    assert below == pytest.approx(-(0.002 * 0.25 - 0.01 * 0.5), rel=1e-3)
    assert patches(events)[16 * 32 + 16, 112] == pytest.approx(height[16, 16])
    assert blind(events).shape == (1024, 8)


def test_plate_theory_is_the_generators_on_a_mirrored_image():
    rng = np.random.default_rng(2)
    height = rng.normal(size=(1, 8, 8))
    whole = np.block([[height[0], height[0][:, ::-1]], [height[0][::-1], height[0][::-1, ::-1]]])
    for grip in (4.0, 20.0):
        found = plate(height, 1e-6, 0.5, grip)[0]
        assert found == pytest.approx(stretch(whole, 0.5, grip)[:8, :8], rel=1e-4)


def test_baselines_are_told_the_grip_of_the_recipe(data, tmp_path, monkeypatch):
    told = []

    def quantities(events, pixel_nm, grip_nm):
        told.append((pixel_nm, grip_nm))
        return patches(events)[:, ::40]

    monkeypatch.setattr("levelone.zoo.bandgap.baselines.quantities", quantities)
    chosen = recipe("generate.grip_nm=9")
    BANDGAP.fit_baselines(chosen, BANDGAP.source(chosen, data, "train", limit=90))
    assert set(told) == {(0.5, 9.0)}
    with pytest.raises(LeveloneError, match=r"made with a grip of 4 nm, but generate\.grip_nm = 9, which"):
        BANDGAP.check_data(chosen, data)


def test_the_kernel_is_as_wide_as_images_want_it_of_which_nothing_was_fitted(monkeypatch):
    """All pixels of an image look alike and have one answer, half of it chance; narrow kernels learn it."""
    rng = np.random.default_rng(3)
    look = rng.normal(size=(80, 1, 1, 1)) * np.ones((1, 8, 8))
    answer = look + rng.normal(size=(80, 1, 1, 1))
    widths = []

    def nystroem(gamma, **rest):
        widths.append(gamma)
        return Nystroem(gamma=gamma, **rest)

    def quantities(events, pixel_nm, grip_nm):
        return events.inputs["topography"].reshape(-1, 1)

    monkeypatch.setattr("levelone.zoo.bandgap.baselines.quantities", quantities)
    monkeypatch.setattr("levelone.zoo.bandgap.baselines._WIDTHS", (1e6, 0.1))
    monkeypatch.setattr("sklearn.kernel_approximation.Nystroem", nystroem)
    train = MemorySource({"topography": look.astype(np.float32)}, {"wanted": answer.astype(np.float32)})
    fit_kernel(train, 0.5, 4.0, 1)
    assert widths == [1e6, 0.1, 0.1]


def test_loss_is_the_mean_square_of_every_image():
    answer, wanted = torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    answer[1, 0, 2, 3] = 4.0
    assert squared_error(answer, wanted).tolist() == [0, 1]


def test_errors_of_known_answers_and_of_everything_classical(data):
    chosen = recipe()
    train = BANDGAP.source(chosen, data, "train")
    batch = BANDGAP.load(chosen, data, "test")
    measured, true = np.moveaxis(batch.truth["gap"], 1, 0)
    off = {"gap": ((measured + 0.02 - MIDDLE_EV) / UNIT_EV)[:, None]}
    perfect = {"gap": ((true - MIDDLE_EV) / UNIT_EV)[:, None]}
    baselines = BANDGAP.fit_baselines(chosen, train)
    control = BANDGAP.leak_control(chosen, train)
    assert control is not None
    outputs = {"float": perfect, "quantised": off, CONTROL: control.predictor(batch)}
    outputs |= {name: predict(batch) for name, predict in baselines.items()}
    meter = BANDGAP.meter(chosen, train)
    for rows in (slice(0, 16), slice(16, None)):
        part = Events(
            {name: a[rows] for name, a in batch.inputs.items()}, {n: a[rows] for n, a in batch.truth.items()}
        )
        meter.update(part, {name: {"gap": found["gap"][rows]} for name, found in outputs.items()})
    metrics = meter.result()
    models = {name: found["rmse_mev"] for name, found in metrics["models"].items()}
    for part in PARTS[:-1]:
        assert models["quantised"][part]["value"] == pytest.approx(20, abs=1e-3)
        assert models["float"][part]["value"] == pytest.approx(models[FLOOR][part]["value"])
    assert models["float"]["true"]["value"] == pytest.approx(0, abs=1e-3)
    assert models[FLOOR]["all"]["value"] == pytest.approx(15, rel=0.02)
    assert metrics["models"][FLOOR]["pixels"]["true"] == len(batch) * 1024
    spread = 1000 * measured.std()
    for name in ("filter", "kernel", "boosting"):
        assert models[name]["all"]["value"] < spread, name
    assert models[CONTROL]["all"]["value"] > 0.95 * spread
    shown = BANDGAP.panels(metrics, meter.kept())
    assert [type(panel) for panel in shown] == [SideBySide, Lines, Lines, Lines, Rows, Rows]
    for panel in shown[:2]:
        draw(panel)
    maps, near = shown[0], shown[1 + list(NEAR).index("defect")]
    assert isinstance(maps, SideBySide) and (maps.axes.x, maps.cell) == ("x (nm)", (0.5, 0.5))
    assert isinstance(near, Lines)
    series = {curve.label: curve for curve in near.series}
    assert series["quantised"].y == pytest.approx(20, abs=1e-3)
    assert series["quantised"].error == pytest.approx(0, abs=1e-3)  # wrong by the same everywhere
    away = batch.truth["surface"][:, NEAR["defect"]]
    value, error = bootstrapped(1000 * (true - measured), (away >= DISTANCES[4]) & (away < DISTANCES[5]))
    noise = series["float"]
    assert noise.y[4] == pytest.approx(value, rel=1e-3) and noise.error is not None
    assert noise.error[4] == pytest.approx(error, rel=0.25)
    earlier = {name: found for name, found in meter.kept().items() if not name.startswith("distance/")}
    shown = BANDGAP.panels({"models": metrics["models"], "differences": metrics["differences"]}, earlier)
    assert [type(panel) for panel in shown] == [SideBySide, Rows, Rows]  # of a run before these were kept
    assert isinstance(shown[0], SideBySide) and shown[0].axes.x == "x (pixels)"
    assert "meV rms error" in BANDGAP.cards(metrics)[0].what
    assert isinstance(BANDGAP.examples(chosen, batch)[0], SideBySide)


def bootstrapped(error: np.ndarray, chosen: np.ndarray) -> tuple[float, float]:
    """Root mean square of chosen pixels, and its standard deviation over images drawn one by one."""
    rng, drawn = np.random.default_rng(5), []
    for _ in range(300):
        images = rng.integers(0, len(error), len(error))
        drawn.append(np.sqrt(np.mean(np.square(error[images][chosen[images]]))))
    return float(np.sqrt(np.mean(np.square(error[chosen])))), float(np.std(drawn))


@pytest.mark.parametrize(
    ("overrides", "layers"),
    [
        (("model.channels=[2, 3, 4]",), {"enter", "block0", "down2", "repeat1", "join0", "gap"}),
        (DENSE, {"enter", "act0", "conv2", "join2", "mix", "gap"}),
    ],
    ids=["unet", "dense"],
)
def test_reference_gives_the_modules_integers_at_every_layer(overrides, layers, data, tmp_path):
    chosen = recipe(*overrides)
    codes = exact_codes(BANDGAP, chosen, BANDGAP.load(chosen, data, "validation", limit=4), tmp_path)
    assert layers <= set(codes)
    assert codes["gap"].shape[1:] == (1, 32, 32)
    assert len(np.unique(codes["gap"])) > 10


@pytest.mark.slow  # compiles
def test_a_tiny_dense_block_is_exact_in_csim(data, tmp_path):
    """Dilated convolutions and channels side by side; the committed model is a U-Net."""
    chosen = recipe(*DENSE)
    events = BANDGAP.load(chosen, data, "train", limit=20)
    exact_codes(BANDGAP, chosen, events, tmp_path)  # of the reference, with which csim is compared
    graph = read_qonnx(tmp_path / "m.onnx")
    convert(graph, tmp_path / "project", HlsConfig(io="stream"), name="bandgap", model=tmp_path / "m.onnx")
    vectors = VectorSet("events", quantise_inputs(graph, events.inputs), None)
    result = compare([tmp_path / "project"], graph, [vectors], [])
    assert result["verdict"] == "exact", result["first_mismatch"] or result["reason"]
    assert {"conv2", "join2", "gap"} <= {e["name"] for e in result["layers"] if e["compared"]}
