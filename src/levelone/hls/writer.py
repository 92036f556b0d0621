"""hls4ml's Vitis writer, made deterministic: no random stamp, no clock, no path of a machine in any file."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped, unused-ignore]

from levelone.hls import testbench
from levelone.hls.emit import silenced
from levelone.hls.operations.headers import with_includes
from levelone.hls.spec import LayerSpec

CONFIG_FILE = "hls4ml_config.yml"


def write_firmware(model: Any, folder: Path) -> None:
    """Write the files of an hls4ml `ModelGraph` into `folder`.

    hls4ml chooses nothing here: the stamp in its build script comes from the model's own configuration.
    """
    with silenced():
        from hls4ml.writer.vitis_writer import VitisWriter

        class Writer(VitisWriter):
            """Everything of hls4ml's writer but its dump of Python objects and its float test bench."""

            def write_yml(self, model: Any) -> None:
                pass

            def write_test_bench(self, model: Any) -> None:
                pass

            def write_tar(self, model: Any) -> None:
                pass

        model.config.config["OutputDir"] = str(folder)
        Writer().write_hls(model)
    name = model.config.get_project_name()
    (folder / f"{name}_test.cpp").write_text(testbench.source(model), encoding="utf-8")
    shapes = {
        "InputShapes": {variable.name: list(variable.shape) for variable in model.get_input_variables()},
        "OutputShapes": {variable.name: list(variable.shape) for variable in model.get_output_variables()},
    }  # with these, in this order, hls4ml's own `link_existing_project` opens the folder
    plain = _plain(model.config.config | {"OutputDir": "."} | shapes)
    (folder / CONFIG_FILE).write_text(yaml.safe_dump(plain, sort_keys=False), encoding="utf-8")


def copy_headers(specs: Iterable[LayerSpec], folder: Path) -> None:
    """Put the C++ headers of the layers that hls4ml lacks beside hls4ml's own."""
    headers = with_includes(spec.body for spec in specs if spec.body is not None)
    for name, path in sorted(headers.items()):
        shutil.copyfile(path, folder / "firmware" / "nnet_utils" / name)


def _plain(value: Any) -> Any:
    """Configuration as plain YAML: hls4ml's type objects by their C++ names."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
