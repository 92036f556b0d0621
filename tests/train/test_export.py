from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch
from fake_system import FAKE, made_up

from levelone.data.doublets import REGIONS
from levelone.pipeline.floats import run_qonnx
from levelone.quant.export import export_qonnx
from levelone.quant.layers import activation_layers, activation_scale, linear_layers, value_exponent
from levelone.train import evaluate, export_run
from levelone.train.codes import layer_codes
from levelone.zoo.kit.control import CONTROL


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    recipe, _, folder, _, _ = trained
    path = export_run(FAKE, recipe, folder, tmp_path_factory.mktemp("export") / "model.onnx")
    return FAKE.load_module(recipe, folder / "module.pt"), path


def test_qonnx_equals_the_module_at_every_layer(exported):
    module, path = exported
    sample = next(made_up(700, 8).batches(700))
    context = run_qonnx(onnx.load(path), sample.inputs)
    codes = layer_codes(module, sample.inputs, batch=300)
    assert set(codes) == set(activation_layers(module)) | set(linear_layers(module))
    for name, values in codes.items():
        layer = module.get_submodule(name)
        exponent = (
            activation_scale(layer).exponent
            if name in activation_layers(module)
            else value_exponent(module, name)
        )
        assert np.array_equal(values * 2.0**exponent, context[name]), name
    with torch.no_grad():
        logits = module(*(torch.from_numpy(x) for x in sample.inputs.values())).numpy()
    assert np.array_equal(context["logit"], logits)
    assert len(np.unique(logits)) > 20


def test_names_batch_axis_and_metadata(exported):
    _, path = exported
    model = onnx.load(path)
    assert [value.name for value in model.graph.input] == ["images", "features"]
    assert [value.name for value in model.graph.output] == ["logit"]
    for value in [*model.graph.input, *model.graph.output]:
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    produced = [node.output[0] for node in model.graph.node]
    for name in ("images_q", "conv1", "act1_relu", "act1", "image_fc_act", "features_q", "fc1", "logit"):
        assert name in produced
    assert all(name.isidentifier() for name in produced)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(metadata["levelone"])["system"] == "pixelseed"


def test_file_is_deterministic_and_says_nothing_about_the_machine(exported, trained, tmp_path):
    recipe, _, folder, _, _ = trained
    _, path = exported
    again = export_run(FAKE, recipe, folder, tmp_path / "again.onnx")
    assert again.read_bytes() == path.read_bytes()
    model = onnx.load(path)
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    content = path.read_bytes()
    assert b"site-packages" not in content
    assert b".py" not in content


def test_export_is_silent_and_leaves_the_module_as_it_was(exported, tmp_path, capfd):
    module, _ = exported
    sample = next(made_up(64, 3).batches(64))
    inputs = {name: torch.from_numpy(x) for name, x in sample.inputs.items()}
    before = module(*inputs.values())
    capfd.readouterr()
    export_qonnx(module, inputs, tmp_path / "m.onnx")
    out, _ = capfd.readouterr()
    assert out == ""
    assert torch.equal(module(*inputs.values()), before)


def test_codes_refuse_what_is_on_no_grid(exported):
    module, _ = exported
    sample = next(made_up(4, 3).batches(4))
    broken = module.logit.bias.detach().clone()
    handle = module.logit.register_forward_hook(lambda layer, arguments, result: result + 0.3e-3)
    with pytest.raises(ArithmeticError, match="logit: a value is not a multiple of its scale"):
        layer_codes(module, sample.inputs)
    handle.remove()
    assert torch.equal(module.logit.bias, broken)


@pytest.mark.slow
def test_evaluation_measures_all_models_on_the_same_candidates(trained):
    recipe, data, folder, _, _ = trained
    metrics = evaluate(FAKE, recipe, data, folder)
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    models = metrics["models"]
    assert set(models) == {"float", "quantised", "baseline", "baseline_profile", "layers_only", CONTROL}
    for mixture in ("natural", "natural_prior", "balanced"):
        assert set(models["quantised"][mixture]) == {"all", *REGIONS}
    assert models["float"]["balanced"]["all"]["auc"]["value"] > 0.7
    assert models["layers_only"]["natural"]["all"]["auc"]["value"] > 0.6
    assert models["layers_only"]["balanced"]["all"]["auc"]["value"] == pytest.approx(0.5)
    assert abs(models[CONTROL]["balanced"]["all"]["auc"]["value"] - 0.5) < 0.1
    assert metrics[CONTROL]["given"]
    difference = metrics["differences"]["quantised-float"]["balanced"]["all"]["auc"]["value"]
    expected = models["quantised"]["balanced"]["all"]["auc"]["value"]
    assert difference == pytest.approx(expected - models["float"]["balanced"]["all"]["auc"]["value"])
    assert metrics["cost"]["ebops"] > 0
    scores = np.load(folder / "scores.npz")
    assert {scores[name].shape for name in scores} == {(2000,)}
