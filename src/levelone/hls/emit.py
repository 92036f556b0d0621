"""Layer specifications -> hls4ml `ModelGraph`, without letting hls4ml decide anything.

hls4ml's own flows convert front-end graphs: they fuse, infer and default types. None of that runs here, only
the passes below, which turn a finished layer list into code. Afterwards `check_types` walks the model and
refuses it unless every type is the intended one.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from levelone.errors import LeveloneError, UnsupportedError
from levelone.hardware.types import FixedType
from levelone.hls import extension
from levelone.hls.ap_fixed import ApFixed
from levelone.hls.config import HlsConfig
from levelone.hls.fifos import set_depths
from levelone.hls.im2col import write_windows
from levelone.hls.model_check import check_types
from levelone.hls.spec import LayerSpec

# After the backend's initialisers, in this order. No pass that infers, fuses or rounds is among them.
STRUCTURE_PASSES = (
    "vitis:validate_conv_implementation",
    "vitis:validate_resource_strategy",
    "vivado:clone_output",  # before any view is made: a view must look at its own copy
    "vivado:inplace_stream_flatten",
    "vivado:inplace_parallel_reshape",
)
CODE_PASSES = (
    "vivado:transform_types",
    "vivado:apply_resource_strategy",
    "vivado:set_pipeline_style",
)
TEMPLATE_FLOWS = ("vitis:apply_templates", "vivado:apply_templates")
MAX_READERS = 7


@contextlib.contextmanager
def silenced() -> Iterator[io.StringIO]:
    """Keep hls4ml's prints and warnings off standard output, where `--json` promises one object."""
    log = io.StringIO()
    with contextlib.redirect_stdout(log), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield log


def build_model(
    specs: Sequence[LayerSpec],
    inputs: Sequence[str],
    outputs: Sequence[str],
    config: HlsConfig,
    project: str,
    output_dir: str,
    stamp: str,
) -> Any:
    """An hls4ml `ModelGraph` for the Vitis backend, ready to be written.

    Raises
    ------
    UnsupportedError
        If hls4ml cannot express a layer.
    LeveloneError
        If a type in the finished model is not the intended one.
    """
    _check_readers(specs, outputs, config)
    with silenced() as log:
        from hls4ml.model.flow import get_flow
        from hls4ml.model.graph import HLSConfig, ModelGraph
        from hls4ml.model.optimizer import optimize_model

        extension.register()
        settings = HLSConfig(_model_config(specs, config, project, output_dir, stamp))
        model = ModelGraph(settings, list(inputs), list(outputs))
        try:
            model._make_graph([_layer(spec) for spec in specs])
            for name in (*get_flow("vivado:init_layers").optimizers, *STRUCTURE_PASSES):
                optimize_model(model, [name])
            _name_variables(model, specs)
            templates = [name for flow in TEMPLATE_FLOWS for name in get_flow(flow).optimizers]
            write_windows(model)
            for name in (*CODE_PASSES, *templates, *extension.TEMPLATES):
                optimize_model(model, [name])
            if config.io == "stream":
                set_depths(model)
        except LeveloneError:
            raise
        except Exception as error:
            detail = log.getvalue().strip()
            raise UnsupportedError(
                f"hls4ml refuses this graph: {error}" + (f"\n{detail}" if detail else ""),
                hint="this is a limit of hls4ml or a gap in levelone's lowering; the layer is named above",
            ) from error
    check_types(model, specs)
    return model


def _check_readers(specs: Sequence[LayerSpec], outputs: Sequence[str], config: HlsConfig) -> None:
    if config.io != "stream":
        return
    for spec in specs:
        readers = sum(name == spec.name for other in specs for name in other.inputs) + (spec.name in outputs)
        if readers > MAX_READERS:
            raise UnsupportedError(
                f"{spec.name}: {readers} layers read it; hls4ml copies a stream at most {MAX_READERS} times"
            )


def _layer(spec: LayerSpec) -> dict[str, Any]:
    layer = {"class_name": spec.kind, "name": spec.name, "inputs": list(spec.inputs), **spec.attributes}
    if spec.body is not None:
        layer |= {
            "class_name": extension.LAYER,
            "body": spec.body,
            "out_shape": list(spec.shape),
            "parameter_keys": list(spec.parameters),
            "type_keys": list(spec.types),
        }
    for key, parameter in spec.parameters.items():
        source = "depthwise" if key == "weight" and spec.kind.startswith("Depthwise") else key
        # exact: `lower` refuses codes that do not pass through a double
        layer[f"{source}_data"] = np.ldexp(parameter.codes.astype(np.float64), parameter.type.exponent)
    return layer


def _precision(fixed: FixedType) -> Any:
    from hls4ml.model.types import FixedPrecisionType

    made = ApFixed.of(fixed)
    return FixedPrecisionType(made.width, made.integer, made.signed, made.rounding, made.saturation, 0)


def _model_config(
    specs: Sequence[LayerSpec], config: HlsConfig, project: str, output_dir: str, stamp: str
) -> dict[str, Any]:
    from hls4ml.backends import get_backend

    result = get_backend("Vitis").create_initial_config(
        part=config.part,
        clock_period=config.clock_ns,
        clock_uncertainty=config.clock_uncertainty,
        io_type=f"io_{config.io}",
        write_weights_txt=False,
        tb_output_stream="file",
    )
    layers = {
        spec.name: {
            "Precision": {key: _precision(fixed) for key, fixed in spec.all_types.items()},
            "Trace": True,
            # only a layer that shares something gains from taking its time
            "ReuseFactor": spec.reuse_factor if spec.shares or config.io == "parallel" else 1,
            "Strategy": spec.strategy,
            **spec.settings,
        }
        for spec in specs
    }
    parallel = pipeline_style(specs, config) == "pipeline"
    result |= {
        "Backend": "Vitis",
        "ProjectName": project,
        "OutputDir": output_dir,
        "Stamp": stamp,
        "TraceOutput": True,
        "HLSConfig": {
            "Model": {
                # A type that is left to this default is found by the type walk: no layer may have it.
                "Precision": {"default": "fixed<61,7>"},
                "ReuseFactor": config.reuse_factor,
                "Strategy": config.strategy,
                "PipelineStyle": "pipeline" if parallel else "dataflow",
                "PipelineInterval": max(spec.reuse_factor for spec in specs) if parallel else None,
            },
            "LayerName": layers,
        },
    }
    return result


def pipeline_style(specs: Sequence[LayerSpec], config: HlsConfig) -> Literal["pipeline", "dataflow"]:
    """How the top function runs: "pipeline", all of an event at once, or "dataflow", layer beside layer.

    A pipelined top function unrolls every loop in it. That is wanted for a small, fully unrolled network, and
    absurd where a layer is meant to compute its positions one after the other.
    """
    walks = any(together(spec) not in (None, math.prod(spec.shape[:-1])) for spec in specs)
    shared = any(spec.strategy == "resource" for spec in specs)
    return "pipeline" if config.io == "parallel" and not shared and not walks else "dataflow"


def together(spec: LayerSpec) -> int | None:
    """Positions that a window computes at once; None for other layers."""
    found = (
        spec.settings.get("ParallelizationFactor")
        if spec.body is None
        else spec.body.constants.get("partition")
    )
    return None if found is None else int(found)


def _name_variables(model: Any, specs: Sequence[LayerSpec]) -> None:
    """Call variables, types and parameter files after the graph's values instead of layer numbers."""
    from hls4ml.model.types import InplaceTensorVariable

    known = {spec.name for spec in specs}
    for layer in model.get_layers():
        if layer.name not in known:
            continue
        for variable in layer.get_variables():
            variable.name = layer.name
            if not isinstance(variable, InplaceTensorVariable):  # that one shares its source's type object
                variable.type.name = f"{layer.name}_t"
        for key, weight in layer.weights.items():
            weight.name = f"{layer.name}_{key}"
        for key, named in layer.types.items():
            if key != "result_t":
                named.name = f"{layer.name}_{key}"
