"""The muon system: published sizes, the ablations, and exactness of what is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from metered import metered
from scipy.stats import spearmanr
from torch import nn

from levelone.errors import LeveloneError
from levelone.graph import execute, from_onnx_layout, quantise_inputs, read_qonnx
from levelone.panels import Lines
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.export import export_qonnx
from levelone.quant.grids import linear_layers
from levelone.quant.layers import FloatLayers
from levelone.quant.norm import RunningBatchNorm
from levelone.quant.words import MaxPool
from levelone.recipe import load_recipe
from levelone.simulate.muon.generator import simulate_muon
from levelone.simulate.muon.section import MuonGenerate
from levelone.train.codes import layer_codes
from levelone.zoo.kit.control import CONTROL
from levelone.zoo.kit.events import Events, MemorySource
from levelone.zoo.muon import SYSTEM as MUON
from levelone.zoo.muon import baselines
from levelone.zoo.muon.features import COURSE, FEATURES, high_level
from levelone.zoo.muon.networks.baseline import MuonBaseline
from levelone.zoo.muon.networks.full import MuonFull, block_channels
from levelone.zoo.muon.panels import NAMES
from levelone.zoo.muon.section import ABLATIONS, GRID, MuonModel

FULL = MUON.default_recipe.with_name("full.toml")
BASELINE = MUON.default_recipe.with_name("baseline.toml")


def shapes_of(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Result of every layer for one event of zeros, without the batch axis."""
    shapes = {}
    handles = [
        layer.register_forward_hook(lambda _, __, out, name=name: shapes.update({name: tuple(out.shape[1:])}))
        for name, layer in network.named_children()
    ]
    with torch.no_grad():
        network.eval()(*(torch.zeros(1, *shape) for shape in network.input_shapes.values()))
    for handle in handles:
        handle.remove()
    return shapes


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def full(**keys) -> MuonFull:
    section = MuonModel(architecture="full", dense=(80, 80, 80), **keys)
    return MuonFull(FloatLayers(), section, features=len(FEATURES))


def test_baseline_has_the_published_sizes() -> None:
    network = MuonBaseline(FloatLayers(), MuonModel())
    shapes = shapes_of(network)
    assert shapes["conv1"] == (8, 25, 16, 16)
    assert shapes["conv2"] == (12, 13, 8, 8)
    assert shapes["conv3"] == (18, 7, 4, 4)
    assert shapes["conv4"] == (27, 4, 2, 2)
    assert shapes["flat"] == (432,)
    assert (shapes["fc1"], shapes["fc2"], shapes["energy"]) == ((216,), (108,), (1,))
    convolutions = 27 * (1 * 8 + 8 * 12 + 12 * 18 + 18 * 27)  # no bias
    assert parameters(network) == convolutions + 433 * 216 + 217 * 108 + 109 == 138_835


@pytest.mark.parametrize("extra", [1, 2])
def test_deeper_adds_stride_one_convolutions(extra) -> None:
    network = MuonBaseline(FloatLayers(), MuonModel(n_layers_per_res=extra))
    shapes = shapes_of(network)
    for number in range(1, 5):
        for layer in range(2, extra + 2):
            assert shapes[f"conv{number}_{layer}"] == shapes[f"conv{number}"]
    assert parameters(network) == 138_835 + extra * 27 * sum(c * c for c in (8, 12, 18, 27))


def test_full_has_twelve_blocks_and_98_aggregated_features() -> None:
    network = full()
    shapes = shapes_of(network)
    assert sum(name.endswith("_conv1") for name in shapes) == 12
    assert [shapes[f"b{b}_out"] for b in (3, 6, 9, 12)] == [
        (11, 26, 17, 17),
        (19, 14, 9, 9),
        (31, 8, 5, 5),
        (49, 5, 3, 3),
    ]
    assert shapes["flat"] == (98,)
    assert shapes["joined"] == (98 + len(FEATURES),)
    assert int(np.prod(GRID)) == 51_200


def test_energy_path_carries_all_the_energy_to_the_end() -> None:
    network = full().eval()
    sums = {}
    for b in (1, 4, 7, 10):
        network.get_submodule(f"b{b}_energy").register_forward_hook(
            lambda _, __, out, b=b: sums.update({b: out.sum(dim=(1, 2, 3, 4))})
        )
    x = torch.rand(2, 1, *GRID, generator=torch.Generator().manual_seed(1)).mul(8).round()  # sums are exact
    with torch.no_grad():
        network(x, torch.zeros(2, len(FEATURES)))
    for total in sums.values():
        assert torch.equal(total, x.sum(dim=(1, 2, 3, 4)))
    assert len(sums) == 4
    filters = [p for name, p in network.named_parameters() if "energy" in name and not p.requires_grad]
    assert len(filters) == 4 and all(torch.equal(p, torch.ones(1, 1, 2, 2, 2)) for p in filters)


def test_without_the_energy_path_the_grids_keep_their_channels() -> None:
    assert block_channels(MuonModel(architecture="full")) == [8, 9, 10, 16, 17, 18, 28, 29, 30, 46, 47, 48]
    assert block_channels(MuonModel(architecture="full", ablation="no_energy"))[2::3] == [11, 19, 31, 49]


@pytest.mark.parametrize("ablation", list(ABLATIONS))
@pytest.mark.parametrize("quantised", [False, True])
def test_the_coarse_network_is_the_full_one_on_sums_of_cells(ablation, quantised) -> None:
    """What its front gives, by hand; and the rest of it, of that, gives what the whole gives."""
    recipe = load_recipe(MUON.default_recipe.with_name("ablation.toml"), [f"model.ablation={ablation}"])
    torch.manual_seed(6)
    network = (MUON.build_quantised if quantised else MUON.build_float)(recipe)
    cells = torch.randint(0, 9, (3, 1, *GRID)).float()
    inputs = [
        x
        for x in (cells, torch.rand(3, len(FEATURES)))
        if tuple(x.shape[1:]) in network.input_shapes.values()
    ]
    if quantised:
        calibrate(network, inputs)
    network.eval()
    with torch.no_grad():
        front = network.front(*inputs)
        assert torch.equal(network(*inputs), network.behind(*front.values()))
    assert not any(value.requires_grad for value in network.front(*inputs).values())
    assert list(front) == (["features_q"] if ablation == "no_cnn" else ["coarse_energy_q", "features_q"])
    if ablation == "no_cnn":
        return
    parts = [cells[:, :, z::2, y::2, x::2] for z in (0, 1) for y in (0, 1) for x in (0, 1)]
    assert torch.equal(front["coarse_energy_q"], torch.stack(parts).sum(dim=0))
    assert shapes_of(network)["b1_conv1"][1:] == (13, 9, 9)


@pytest.mark.parametrize("ablation", list(ABLATIONS))
def test_each_ablation_leaves_out_what_it_says_and_trains(ablation) -> None:
    torch.manual_seed(2)
    network = full(ablation=ablation, blocks=2)
    modules = list(network.modules())
    present = {
        "no_bn": any(isinstance(m, RunningBatchNorm | nn.BatchNorm3d) for m in modules),
        "nominal_bn": any(isinstance(m, RunningBatchNorm) for m in modules),
        "no_identity": any(name.endswith("_add") for name, _ in network.named_children()),
        "no_energy": any(name.endswith("_energy") for name, _ in network.named_children()),
        "no_se": any(isinstance(m, nn.Sigmoid) for m in modules),
        "no_pooling": any(isinstance(m, MaxPool) for m in modules),
        "no_cnn": any(isinstance(m, nn.Conv3d) for m in modules),
    }
    for name, there in present.items():
        gone = name == ablation or ablation == "no_cnn" or (name, ablation) == ("nominal_bn", "no_bn")
        assert there is not gone, name
    inputs = [torch.rand(2, *shape) for shape in network.input_shapes.values()]
    network.train()
    loss = MUON.event_loss(
        load_recipe(MUON.default_recipe), (network(*inputs),), {"energy": torch.rand(2) * 4e3 + 100}
    )
    assert loss.shape == (2,)
    loss.sum().backward()
    untouched = [n for n, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert untouched == []


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (("model.ablation=no_se",), "leaves a part out of the full architecture"),
        (("model.architecture=full",), "the energy path sums energies"),
        (
            ("model.architecture=full", "model.response=linear", "model.sums=4"),
            "model.sums is for the baseline",
        ),
        (("model.sums=0",), "model.ordered: there are no sums to be put in order"),
        (("model.sums=0", "model.ordered=false"), "quant.inputs.sums: the network has no input of that name"),
        (
            ("model.architecture=full", "model.response=linear", "model.sums=0", "model.ordered=false"),
            "model.course is for the baseline",
        ),
        (
            (
                "model.architecture=full",
                "model.response=linear",
                *("model.sums=0", "model.ordered=false", "model.course=false", "model.mirror=false"),
                *("model.pool=1", "model.local=true"),
            ),
            "model.local is for the baseline",
        ),
        (("model.coarse=true",), "model.coarse is for the full architecture"),
        (("model.channels=[4,0]",), r"model\.channels = \[4, 0\]: every layer needs a channel"),
        (("quant.layers.conv9.weight=4",), "no layer of that name"),
        (("model.depth=3",), "depth"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(override, message) -> None:
    with pytest.raises(LeveloneError, match=message):
        MUON.model_section(load_recipe(MUON.default_recipe, override))


PUBLISHED = {
    "baseline": ("baseline.toml",),
    "deeper": ("baseline.toml", "model.n_layers_per_res=2"),
    "full": ("full.toml",),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PUBLISHED))
def test_published_networks_take_a_step(name, events, tmp_path) -> None:
    """Whole size, in float and quantised."""
    file, *overrides = PUBLISHED[name]
    recipe = load_recipe(MUON.default_recipe.with_name(file), overrides)
    torch.manual_seed(3)
    twin, network = MUON.build_float(recipe), MUON.build_quantised(recipe)
    batch = MUON.load(recipe, events, "train", limit=2)
    inputs = [torch.from_numpy(x) for x in batch.inputs.values()]
    truth = {"energy": torch.from_numpy(batch.truth["energy"])}
    twin.train()(*inputs)
    fold_into(twin.eval(), network)
    calibrate(network, inputs)
    for module in (twin, network):
        module.train()
        trained = {n: p for n, p in module.named_parameters() if p.requires_grad}
        before = {n: p.detach().clone() for n, p in trained.items()}
        optimiser = torch.optim.SGD(trained.values(), lr=1e-3)
        MUON.event_loss(recipe, (module(*inputs),), truth).mean().backward()
        assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in trained.values())
        optimiser.step()
        weights = [n for n in trained if n.endswith("weight") and trained[n].ndim > 1]
        moved = [n for n in weights if not torch.equal(before[n], trained[n])]
        assert len(moved) > len(weights) // 2
    if name != "full":  # a smaller full one is exported, and compared, below
        examples = {n: x[:1] for n, x in zip(batch.inputs, inputs, strict=True)}
        path = export_qonnx(network.eval(), examples, tmp_path / "m.onnx", outputs=MUON.outputs)
        assert read_qonnx(path).outputs == MUON.outputs


@pytest.mark.parametrize("ablation", list(ABLATIONS))
def test_each_ablation_is_one_switch_on_the_published_recipe(ablation) -> None:
    published = MUON.default_recipe.with_name("full.toml")
    recipe = load_recipe(published, [f"model.ablation={ablation}"])
    assert MUON.model(recipe).ablation == ablation
    if ablation == "none":
        network = MUON.build_quantised(recipe)
        assert int(network.b4_energy_q.act_quant.bit_width()) == 16
        assert int(network.b4_q.act_quant.bit_width()) == 8


@pytest.fixture(scope="module")
def events(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("muon") / "events.h5"
    simulate_muon(path, MuonGenerate(events=640, seed=3))
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "overrides"),
    [
        (MUON.default_recipe, ()),
        (BASELINE, ("model.channels=[4,6,8,8]", "model.dense=[24]", "model.norm=running")),
        (BASELINE, ("model.channels=[4,6,8,8]", "model.dense=[24]", "model.aggregate=true")),
        (FULL, ("model.blocks=1", "quant.inputs.features=10")),
        (FULL, ("model.blocks=1", "model.coarse=true", "quant.inputs.features=10")),
    ],
    ids=["compact", "running", "aggregate", "full", "coarse"],
)
def test_reference_equals_the_exported_network_at_every_layer(file, overrides, events, tmp_path) -> None:
    recipe = load_recipe(file, overrides)
    torch.manual_seed(5)
    twin, network = MUON.build_float(recipe), MUON.build_quantised(recipe)
    batch = MUON.load(recipe, events, "train", limit=32)
    inputs = [torch.from_numpy(x) for x in batch.inputs.values()]
    twin.train()(*inputs)  # statistics of the normalisations
    fold_into(twin.eval(), network)
    calibrate(network, inputs)
    network.eval()
    path = export_qonnx(
        network, {name: x[:1] for name, x in zip(batch.inputs, inputs, strict=True)}, tmp_path / "m.onnx",
        outputs=MUON.outputs,
    )  # fmt: skip
    graph = read_qonnx(path)
    test = MUON.load(recipe, events, "test", limit=6).inputs
    codes = execute(graph, quantise_inputs(graph, test), keep="all")
    compared = 0
    for name, values in layer_codes(network, test).items():
        if name in graph.values:
            assert np.array_equal(from_onnx_layout(graph, name, values), codes[name]), name
            compared += 1
    assert compared >= len(linear_layers(network))


def test_sums_of_each_layer(events) -> None:
    recipe = load_recipe(
        MUON.default_recipe, ["model.sums=4", "quant.inputs.sums=8", "model.response=linear"]
    )
    inputs = MUON.load(recipe, events, "train", limit=3).inputs
    assert inputs["sums"].shape == (3, 3, 50, 1, 1)
    for event in range(3):
        for layer in (0, 17, 49):
            cells = [float(e) for e in inputs["calo"][event, 0, layer].ravel()]
            expected = sum(cells) / 0.1, max(cells) / 0.1, sum(e > 0.1 for e in cells)
            found = 2.0 ** inputs["sums"][event, :, layer, 0, 0].astype(np.float64) - 1
            assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_sums_in_order_and_the_course_of_a_muon(events) -> None:
    recipe = load_recipe(MUON.default_recipe)
    inputs = MUON.load(recipe, events, "train", limit=20).inputs
    for event in range(20):
        parts = [sorted(inputs["sums"][event, kind, :, 0, 0], reverse=True) for kind in range(3)]
        assert inputs["ordered"][event].tolist() == [value for part in parts for value in part]
    linear = load_recipe(MUON.default_recipe, ["model.response=linear"])
    features = high_level(MUON.load(linear, events, "train", limit=20).inputs["calo"][:, 0])
    columns = [list(FEATURES).index(name) for name in COURSE]
    np.testing.assert_allclose(inputs["course"], features[:, columns], atol=1e-5)


def test_mirrored_events_are_the_same_events_upside_down(events) -> None:
    keys = ["model.sums=4", "quant.inputs.sums=8"]
    plain, mirrored = (
        load_recipe(MUON.default_recipe, [*keys, f"model.mirror={m}"]) for m in ("false", "true")
    )
    batch = MUON.load(plain, events, "train", limit=64)
    assert MUON.augment(plain, batch, np.random.default_rng(1)) is batch
    found = MUON.augment(mirrored, batch, np.random.default_rng(1))
    before, after = batch.inputs["calo"], found.inputs["calo"]
    turned = [n for n in range(64) if not np.array_equal(before[n], after[n])]
    assert 16 < len(turned) < 48
    assert all(
        np.array_equal(after[n, 0, z, y], before[n, 0, z, 31 - y])
        for n in turned
        for z in (0, 9)
        for y in range(32)
    )
    assert all(np.array_equal(found.inputs[n], batch.inputs[n]) for n in ("sums", "ordered", "course"))
    again = MUON.augment(mirrored, batch, np.random.default_rng(1)).inputs["calo"]
    assert np.array_equal(after, again)


@pytest.mark.parametrize(
    ("loss", "expected"), [("published", 0), ("median", 2), ("improvement", 2)], ids=lambda value: value
)
def test_the_classical_sum_is_among_the_rivals_whatever_the_loss(loss, expected) -> None:
    rng = np.random.default_rng(3)
    seen = rng.normal(size=(40, len(FEATURES))).astype(np.float32)
    train = MemorySource({"features": seen}, {"energy": rng.uniform(100, 4000, 40).astype(np.float32)})
    fitted = baselines.fit_baselines(MuonModel(loss=loss), train, seed=1)
    assert {"sum", "boosting"} <= set(fitted)
    assert sum(name.endswith("_loss") for name in fitted) == expected


@pytest.mark.parametrize("chosen", [baselines.QUANTILE, baselines.SUM_QUANTILE])
def test_the_rivals_aim_is_not_at_an_end_of_what_was_tried(chosen) -> None:
    """The best one at an end says that a better one may lie beyond: the network was measured against such."""
    assert list(baselines.QUANTILES) == sorted(baselines.QUANTILES)
    assert chosen in baselines.QUANTILES[1:-1]


def test_the_aim_is_scanned_on_other_events_than_those_learned_from() -> None:
    rng = np.random.default_rng(4)

    def muons(count: int) -> MemorySource:
        true = rng.uniform(100, 8000, count)
        seen = np.repeat(np.log(true)[:, None] + 0.5 * rng.normal(size=(count, 1)), len(FEATURES), axis=1)
        return MemorySource({"features": seen}, {"energy": true.astype(np.float32)})

    model, train, held = MuonModel(loss="improvement"), muons(400), muons(400)
    found = baselines.scan(model, train, held, 1, columns=1, quantiles=(0.5, 0.9))
    assert list(found) == [0.5, 0.9] and found[0.5] != found[0.9]
    assert all(0 < value < 0.42 for value in found.values())  # the tracker alone has 0.41
    assert baselines.scan(model, train, train, 1, columns=1, quantiles=(0.5,))[0.5] != found[0.5]
    assert (
        baselines.scan(model, train, held, 1, columns=1, weighted=True, quantiles=(0.5,))[0.5] != found[0.5]
    )


def test_the_polynomial_is_found_again_and_goes_on_level() -> None:
    quantity = np.linspace(0.5, 3, 60)[:, None]
    true = 1e3 * (0.2 + quantity[:, 0] ** baselines.DEGREE)
    answer = baselines.polynomial(quantity, true, lambda events: events.inputs["x"])

    def at(*values: float) -> np.ndarray:
        return answer(Events({"x": np.array(values, np.float32)[:, None]}, {}))["energy"][:, 0]

    np.testing.assert_allclose(at(1.0, 2.5), 0.2 + np.array([1.0, 2.5]) ** baselines.DEGREE, rtol=1e-5)
    assert at(-5.0) == at(0.5) and at(9.0) == at(3.0)
    one = baselines.polynomial(quantity[:1], true[:1], lambda events: events.inputs["x"])
    np.testing.assert_allclose(one(Events({"x": quantity.astype(np.float32)}, {}))["energy"], true[0] / 1e3)


def test_data_and_baseline_run_through_the_system(events) -> None:
    recipe = load_recipe(MUON.default_recipe, ["model.response=sqrt"])
    assert MUON.check_data(recipe, events)["train events"] > 100
    train = MUON.source(recipe, events, "train")
    test = MUON.load(recipe, events, "test")
    raw = MUON.load(load_recipe(MUON.default_recipe, ["model.response=linear"]), events, "test")
    assert np.array_equal(test.inputs["calo"], np.sqrt(raw.inputs["calo"]))
    fitted = MUON.fit_baselines(recipe, train)
    assert sorted(fitted) == ["boosting", "boosting_loss", "boosting_sums", "sum", "sum_loss"]
    assert set(NAMES) == {*fitted, CONTROL}
    predictions = {"boosting": fitted["boosting"](test)}
    total = raw.inputs["calo"].sum((1, 2, 3, 4))
    for name in ("sum", "sum_loss"):  # the larger the sum the larger the energy, and nothing else is known
        answer = fitted[name](test)["energy"]
        assert answer.shape == (len(total), 1) and spearmanr(answer[:, 0], total).statistic > 0.6
    assert not np.array_equal(fitted["boosting_sums"](test)["energy"], predictions["boosting"]["energy"])
    metrics, kept = metered(MUON, recipe, predictions, test.truth)
    # even 200 events teach gradient boosting something: it beats the best constant
    true = test.truth["energy"].astype(np.float64)
    predicted = predictions["boosting"]["energy"].reshape(-1) * 1e3
    assert np.mean((predicted - true) ** 2 / true) < np.mean((np.median(true) - true) ** 2 / true)
    assert metrics["models"]["boosting"]["loss"]["value"] > 0
    assert len(MUON.panels(metrics, kept)) == 4
    (shown,) = MUON.examples(recipe, test)
    energies = [float(label.split()[0]) for label in shown.labels]
    assert energies == sorted(energies) and shown.images.shape == (4, 32, 50)
    # what the network sees is the square root of the cells: the pictures show the cells
    lowest = raw.inputs["calo"][np.argmin(test.truth["energy"]), 0]
    assert shown.images[0].sum() == pytest.approx(lowest.sum(), rel=1e-4)
    cards = MUON.cards({"models": metrics["models"] | {"float": metrics["models"]["boosting"]}})
    assert [card.what.split(",")[0] for card in cards] == [
        "% the study's improvement",
        "% the study's improvement",
        "% our improvement",
        "% bias (median)",
    ]
    assert cards[-1].value.count(" ± ") == 1
    assert [panel.title for panel in MUON.tables(metrics)] == ["Figures", "By energy"]
    lines = [panel for panel in MUON.panels(metrics, kept) if isinstance(panel, Lines)]
    assert [panel.axes.y_scale for panel in lines] == ["log", "log", "linear"]
    assert all("(%)" in panel.axes.y for panel in lines)
    width = metrics["models"]["boosting"]["bins"]["width"]
    np.testing.assert_allclose(lines[1].series[0].y, [100 * value for value in width if value is not None])
    assert {series.label for panel in lines for series in panel.series} == {
        "boosting, 28 features",
        "tracker, 20 % per TeV",
    }
