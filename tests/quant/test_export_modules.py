"""Any Brevitas module: every value of the graph carries the name of the layer that makes it, and is equal."""

from __future__ import annotations

import copy
import re
from collections import defaultdict

import brevitas.nn as qnn
import numpy as np
import onnx
import pytest
import torch
from brevitas.quant.float import Fp8e4m3ActPerTensorFloat
from brevitas_modules import MODULES, Image, Operands, Table, Volume, calibrated, events, signed, weights
from torch import nn

from levelone.errors import LeveloneError
from levelone.graph import execute, from_onnx_layout, quantise_inputs, read_qonnx
from levelone.quant.export import export_qonnx, to_qonnx


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Class -> (calibrated module, its QONNX file), made when first asked for."""
    folder, made = tmp_path_factory.mktemp("exported"), {}

    def get(kind):
        if kind not in made:
            network = calibrated(kind)
            path = folder / f"{kind.__name__}.onnx"
            before = condition(network)
            made[kind] = network, export_qonnx(network, events(kind, 1), path)
            assert same(before, condition(network))
        return made[kind]

    return get


def condition(network: nn.Module):
    """Modes, hooks and values of a network and all its layers."""
    layers = [(m.training, len(m._forward_hooks), len(m._forward_pre_hooks)) for m in network.modules()]
    return layers, {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(one, other) -> bool:
    return (
        one[0] == other[0]
        and one[1].keys() == other[1].keys()
        and all(torch.equal(tensor, other[1][name]) for name, tensor in one[1].items())
    )


def results_of_layers(network: nn.Module, inputs) -> dict[str, list[np.ndarray]]:
    """Path with underscores of each layer -> what its calls return, in float64."""
    network = copy.deepcopy(network).double().eval()
    found = defaultdict(list)

    def hook(path):
        name = re.sub(r"^(\d)", r"layer_\1", path.replace(".", "_"))
        return lambda layer, arguments, result: found[name].append(getattr(result, "value", result).numpy())

    for path, layer in network.named_modules():
        if path and not type(layer).__module__.startswith(("brevitas.core", "brevitas.proxy")):
            layer.register_forward_hook(hook(path))
    with torch.no_grad():
        network(*(x.double() for x in inputs.values()))
    return found


NAMES = {
    "Image": """features_0 features_2 features_3 features_4_c1 features_4_a1 features_4_c2 features_4_grid_1
        features_4_grid_2 features_4_act pool vector_q_1 vector_q_2 heads_kind
        energy""",
    "Wave": "down_0 down_1 deep_0 deep_1 up_act repeat last",
    "Volume": "step_depthwise_1 step_act_1 step_depthwise_2 step_act_2 squeeze before gate score",
    "Table": "layer_1 layer_3 layer_5",
    "Operands": "first_fc_1 first_fc_2 add out",
}
"""What must be compared, for each module: the names of layers in the graph."""


@pytest.mark.parametrize("kind", MODULES)
def test_reference_equals_the_layers_by_their_names(kind, exported) -> None:
    network, path = exported(kind)
    torch.manual_seed(1)
    inputs = events(kind, 40)
    graph = read_qonnx(path)
    codes = execute(graph, quantise_inputs(graph, {n: x.numpy() for n, x in inputs.items()}), keep="all")
    compared = set()
    for layer, results in results_of_layers(network, inputs).items():
        for number, result in enumerate(results, start=1):
            name = layer if len(results) == 1 else f"{layer}_{number}"
            if name in graph.values:
                scale = np.array([float(s) for s in graph.values[name].scale])
                found = codes[name] * scale
                assert np.array_equal(found, from_onnx_layout(graph, name, result)), name
                assert len(np.unique(found)) > 3, name
                compared.add(name)
    assert compared >= set(NAMES[kind.__name__].split())


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Image, {"pixels_q", "features_2_relu", "features_4_c1_weight", "features_4_add"}),
        (Image, {"concat", "flatten", "relu", "heads_kind_bias"}),
        (
            Volume,
            {"step_depthwise_weight", "step_maxpool_1", "step_maxpool_2", "mean", "subtract", "multiply"},
        ),
        (Table, {"layer_0", "layer_4", "layer_5_weight"}),
        (Operands, {"first_fc_1_gemm", "first_fc_1_input", "add_input_1", "add_input_2", "add_add", "add_1"}),
    ],
)
def test_what_is_between_the_layers_says_what_it_does(kind, names, exported) -> None:
    model = onnx.load(exported(kind)[1])
    assert names <= {node.name for node in model.graph.node}


@pytest.mark.parametrize("kind", MODULES)
def test_names_are_identifiers_and_given_once(kind, exported) -> None:
    graph = onnx.load(exported(kind)[1]).graph
    names = [i.name for i in graph.input] + [name for node in graph.node for name in node.output]
    names += [tensor.name for tensor in graph.initializer]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)
    assert [value.name for value in graph.input] == list(kind.inputs)
    assert all(node.name == node.output[0] for node in graph.node)


def test_the_module_stays_as_it_is(exported) -> None:
    """The fixture compares its condition before and after; here, that there was something to keep."""
    network, _ = exported(Image)
    assert network.training and not network.features[1].training  # its normalisation alone is in evaluation
    before = condition(network)
    network.features[1].train()
    assert not same(before, condition(network))
    network.features[1].eval()


def test_examples_by_name_are_put_in_order(exported, tmp_path) -> None:
    network, path = exported(Operands)
    turned = {"b": torch.zeros(1, 3), "a": torch.zeros(1, 3)}
    again = export_qonnx(network, turned, tmp_path / "a.onnx", outputs=["out"])
    assert again.read_bytes() == path.read_bytes()


class Refused(nn.Module):
    """One quantiser, and `then` with its result."""

    def __init__(self, then=lambda module, x: x, **layers: nn.Module) -> None:
        super().__init__()
        self.x_q = signed(4)
        self.then = then
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x):
        return self.then(self, self.x_q(x))


@pytest.mark.parametrize(
    ("network", "examples", "message"),
    [
        (nn.Linear(3, 2), torch.zeros(1, 3), "the module has no quantiser"),
        (3, torch.zeros(1, 3), "expected a torch.nn.Module, found int"),
        (Refused(), {"y": torch.zeros(1, 3)}, "Refused.forward has no argument 'y'"),
        (Refused(), (), "no example for argument 'x'"),
        (Refused(), [torch.zeros(1, 3)] * 2, "2 example inputs, but Refused.forward has 1 arguments"),
        (Refused(), torch.zeros(3), "the example for 'x' is no float tensor with a batch axis"),
        (Refused(), torch.zeros(1, 3, dtype=torch.int64), "the example for 'x' is no float tensor"),
        (
            Refused(lambda m, x: m.deep["fc"](x), deep=nn.ModuleDict({"fc": qnn.QuantLinear(4, 2)})),
            torch.zeros(1, 3),
            r"layer deep.fc \(QuantLinear\) cannot be called",
        ),
        (
            Refused(lambda m, x: x if x.sum() > 0 else -x),
            torch.zeros(1, 3),
            r"Brevitas cannot export the module \(Refused\)",
        ),
        (Refused(lambda m, x: x.reshape(1, -1)), torch.zeros(1, 3), "the batch axis must stay as it is"),
        (
            Refused(lambda m, x: m.mini(x), mini=qnn.QuantIdentity(act_quant=Fp8e4m3ActPerTensorFloat)),
            torch.zeros(1, 3),
            r"quantiser mini.act_quant \(ActFloatQuantProxyFromInjector\) does not make integers",
        ),
        (Refused(lambda m, x: x.flatten()), torch.zeros(1, 3), "the batch axis must stay as it is"),
        (Refused(lambda m, x: (x, torch.ones(2, 2))), torch.zeros(1, 3), "one of its inputs, or a constant"),
    ],
)
def test_refusals_say_what_and_where(network, examples, message, tmp_path) -> None:
    with pytest.raises(LeveloneError, match=message):
        export_qonnx(network, examples, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_values_of_quantised_tensors_are_explained(tmp_path) -> None:
    network = Refused(lambda m, x: m.fc(x).value, fc=qnn.QuantLinear(3, 2, **weights(4)))
    network.fc.return_quant_tensor = True
    network.x_q.return_quant_tensor = True
    with pytest.raises(LeveloneError, match="has no attribute 'value'") as caught:
        export_qonnx(network, torch.zeros(1, 3), tmp_path / "m.onnx")
    assert "leave `.value` out of forward" in str(caught.value.hint)


def test_outputs_must_be_called_as_asked(exported) -> None:
    network, _ = exported(Table)
    with pytest.raises(LeveloneError, match="ends with layer_5; expected layers called logit"):
        to_qonnx(network, torch.zeros(1, 5), outputs=["logit"])
