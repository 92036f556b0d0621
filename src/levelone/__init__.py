"""levelone: quantised compact CNNs for detector triggers, exact to the last integer.

    import levelone

    model = levelone.read("model.onnx")          # or levelone.export(module, example_inputs)
    print(model.inspect())                       # every layer: type, exact range, cost
    y = model.emulate(x)                         # what the firmware computes, from numpy to numpy
    project = model.convert("project", io="stream")
    print(project.csim())                        # C simulation, every integer of every layer compared
    print(project.diff())                        # if something differs: what, where and why

The names below are those of `levelone.api`, loaded when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and type checkers see
    from levelone.api import (
        Diagnosis,
        Layers,
        LeveloneError,
        Model,
        PortWarning,
        Project,
        Verdict,
        export,
        open,
        read,
    )

__version__ = "0.1.0"
__all__ = [
    "Diagnosis",
    "Layers",
    "LeveloneError",
    "Model",
    "PortWarning",
    "Project",
    "Verdict",
    "export",
    "open",
    "read",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'levelone' has no attribute {name!r}; it has {', '.join(__all__)}")
    from levelone import api

    globals().update({known: getattr(api, known) for known in __all__})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
