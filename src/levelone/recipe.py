"""The validated form of a recipe file: what to train, how it is quantised, what hardware it is for."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_serializer,
    model_serializer,
)
from pydantic_core import ErrorDetails, PydanticCustomError, core_schema

from levelone.errors import LeveloneError, nearest
from levelone.hls.config import HlsConfig


class Section(BaseModel):
    """A part of a recipe: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSection(Section):
    """Which events, and how many."""

    file: str = Field(
        "sample",
        description="HDF5 file, or 'sample': the one that ships with levelone; a system without one makes "
        "its events in the run",
    )
    mixture: Literal["natural", "balanced"] = Field(
        "balanced",
        description="classes of the training events: as found, or equally many within each group that the "
        "system knows; systems without groups take events as they are",
    )
    max_train: int = Field(400_000, gt=0, description="training events at most")
    max_validation: int = Field(100_000, gt=0, description="validation events at most")
    max_test: int = Field(100_000, gt=0, description="test events at most")


class Bits(Section):
    """Bit widths of one layer."""

    weight: int = Field(4, ge=2, le=8, description="bits of each weight")
    bias: int = Field(8, ge=2, le=24, description="bits of each bias, on the grid of the products")
    activation: int = Field(4, ge=2, le=16, description="bits of what the layer's activation gives")


class QuantSection(Section):
    """Bit widths: of the input ports by input name, and of each layer by layer name."""

    inputs: dict[str, int] = Field(default_factory=dict, description="bits of each input port, by its name")
    default: Bits = Field(default_factory=Bits, description="bits of a layer without its own entry")
    layers: dict[str, Bits] = Field(default_factory=dict, description="bits of layer NAME")

    def of(self, layer: str) -> Bits:
        """Widths of `layer`: its own entry, else the default."""
        return self.layers.get(layer, self.default)


class TrainSection(Section):
    """The training loop, the same for the float twin and the quantised model."""

    batch_size: int = Field(1024, gt=0, description="events of each training step")
    float_epochs: int = Field(20, gt=0, description="epochs of the float twin at most")
    quantised_epochs: int = Field(15, gt=0, description="epochs of the quantised model at most")
    float_learning_rate: float = Field(3e-3, gt=0, description="at the top of warm-up and cosine")
    quantised_learning_rate: float = Field(1e-3, gt=0, description="the same for the quantised model")
    weight_decay: float = Field(1e-4, ge=0, description="of AdamW, on matrices")
    patience: int = Field(6, gt=0, description="epochs without a better validation loss before stopping")
    max_minutes: float | None = Field(
        None,
        gt=0,
        description="ceiling on each of the two trainings; one that it cut is marked in curves.json "
        "and not reproducible",
    )
    epoch_events: int | None = Field(
        None, gt=0, description="events per epoch; a pass over all of them takes several (default: one)"
    )

    @model_serializer(mode="wrap")
    def _as_before(self, default: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Recipes without the key keep the digest that they had before the key existed."""
        values: dict[str, Any] = default(self)
        if values.get("epoch_events") is None:
            values.pop("epoch_events", None)
        return values


EventCount = Annotated[int, Field(ge=1, description="how many events are made")]


class GenerateSection(Section):
    """How events are made; the section of a generator adds what else it can be told, and defaults."""

    events: EventCount
    seed: int = Field(1, ge=0, lt=1 << 63, description="the same seed and keys give the same events")


@dataclass(frozen=True)
class Within:
    """Rule of a key that is a range: two numbers, the lower one first, both within limits.

    Used as ``Annotated[tuple[float, float], Within(10, 10_000)]``.
    """

    lowest: float
    highest: float

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: tuple[float, float]) -> tuple[float, float]:
        low, high = value
        if not self.lowest <= low <= high <= self.highest:
            raise PydanticCustomError(
                "within", "input should be a lower and an upper end {rule}", {"rule": str(self)}
            )
        return value

    def __str__(self) -> str:
        return f"within {self.lowest:g} to {self.highest:g}"


class VerifySection(Section):
    """How much is compared before the verdict."""

    events: int = Field(10_000, gt=0, description="real events through the C simulation")
    random: int = Field(2_000, ge=0, description="random vectors through the C simulation")


class Recipe(Section):
    """One recipe. `generate` and `model` are checked by the system's own sections."""

    system: str = Field(description="a system of `levelone list`")
    seed: int = Field(1, description="of initial weights, data order and selections")
    data: DataSection = Field(default_factory=DataSection)
    generate: dict[str, Any] = Field(
        default_factory=dict, description="how events are made: the system's own section"
    )
    model: dict[str, Any] = Field(default_factory=dict, description="the network: the system's own section")
    quant: QuantSection = Field(default_factory=QuantSection)
    train: TrainSection = Field(default_factory=TrainSection)
    hls: HlsConfig = Field(default_factory=HlsConfig)
    verify: VerifySection = Field(default_factory=VerifySection)

    @model_serializer(mode="wrap")
    def _as_before(self, default: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A recipe that makes no events says nothing of it, and keeps the digest of earlier versions."""
        values: dict[str, Any] = default(self)
        if not values.get("generate"):
            values.pop("generate", None)
        return values

    @field_serializer("hls", mode="wrap")
    def _hls_as_before(self, hls: HlsConfig, default: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Recipes without a key keep the digest that they had before the key existed."""
        values: dict[str, Any] = default(hls)
        for key in ("clock_uncertainty", "partition_factor", "tight", "layers"):
            if getattr(hls, key) == getattr(HlsConfig(), key):
                values.pop(key)
        return values


AnySection = TypeVar("AnySection", bound=BaseModel)


def load_recipe(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read and check a recipe file before any work is done.

    The system's own sections are checked by `System.model_section` and `Generator.options`.

    Parameters
    ----------
    path
        A TOML file.
    overrides
        ``"train.batch_size=512"``: a dotted key and a TOML value (bare words are strings).

    Raises
    ------
    LeveloneError
        If the file cannot be read, is not TOML, or has an unknown or wrong key; names the key path.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LeveloneError(f"{path}: cannot read the recipe: {error}") from error
    return parse_recipe(text, str(path), overrides)


def parse_recipe(text: str, origin: str, overrides: Iterable[str] = ()) -> Recipe:
    """Like `load_recipe` for TOML text; `origin` names it in messages."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LeveloneError(f"{origin}: not valid TOML: {error}") from error
    options = {_apply(data, override): f"--set {override}" for override in overrides}
    return parse_section(Recipe, data, origin, options=options)


def parse_section(
    section: type[AnySection],
    data: Mapping[str, Any],
    origin: str,
    *,
    at: Sequence[str] = (),
    options: Mapping[str, str] | None = None,
) -> AnySection:
    """Validate `data` as `section`; on failure one message with a line for every bad key.

    Parameters
    ----------
    origin
        Name of the file, for messages.
    at
        Where in the file the section stands, for messages.
    options
        Keys that a command-line option has set, and that option: to blame instead of the file.

    Raises
    ------
    LeveloneError
        With the full path of each bad key, what was found and what is expected.
    """
    try:
        return section.model_validate(dict(data))
    except ValidationError as error:
        problems, hints = [], []
        for issue in _independent(error):
            path = ".".join(str(part) for part in (*at, *issue["loc"]))
            origin_here = _blamed(path, options or {}) or origin
            if issue["type"] == "extra_forbidden":
                problems.append(f"{origin_here}: unknown key {path}")
                valid = _fields_at(section, [str(part) for part in issue["loc"][:-1]])
                hints.append(nearest(str(issue["loc"][-1]), valid))
            elif issue["type"] == "missing":
                problems.append(f"{origin_here}: {path} is missing")
            else:
                found = json.dumps(issue["input"], default=str)
                problems.append(f"{origin_here}: {path} = {found}: {_lower(issue['msg'])}")
        raise LeveloneError("\n".join(problems), hint="; ".join(hints) or None) from None


def dump_recipe(recipe: BaseModel) -> str:
    """The recipe as TOML: every value written out, the same text for the same recipe."""
    lines: list[str] = []
    _dump(recipe.model_dump(mode="json"), (), lines)
    return "\n".join(lines).strip() + "\n"


def digest(value: BaseModel | Mapping[str, Any] | Sequence[Any] | str | int | float | None) -> str:
    """Hex SHA-256 of a section, or of any JSON value, independent of key order."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _independent(error: ValidationError) -> list[ErrorDetails]:
    """What is wrong, without sequences that are too short only because entries of them are wrong."""
    issues = error.errors(include_url=False)
    around = {issue["loc"][:depth] for issue in issues for depth in range(len(issue["loc"]))}
    return [issue for issue in issues if issue["type"] != "too_short" or issue["loc"] not in around]


def _blamed(path: str, options: Mapping[str, str]) -> str | None:
    """The option that set the key at `path`, something inside it, or something around it."""
    for key, option in options.items():
        if f"{path}.".startswith(f"{key}.") or f"{key}.".startswith(f"{path}."):
            return option
    return None


def overridden(override: str) -> str:
    """The dotted key of ``key=value``.

    Raises
    ------
    LeveloneError
        If it has another form.
    """
    key, equals, _ = override.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise LeveloneError(
            f"--set {override!r}: expected key=value", hint="for example --set train.batch_size=512"
        )
    return ".".join(parts)


def _apply(data: dict[str, Any], override: str) -> str:
    """Set one dotted key in parsed TOML; the key."""
    key = overridden(override)
    text, parts = override.partition("=")[2], key.split(".")
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    table = data
    for depth, part in enumerate(parts[:-1]):
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise LeveloneError(
                f"--set {override!r}: {'.'.join(parts[: depth + 1])} is a value, not a section"
            )
    table[parts[-1]] = value
    return key


def _fields_at(section: type[BaseModel], path: Sequence[str]) -> list[str]:
    """Names of the keys that `section` allows at `path`."""
    current: type[BaseModel] = section
    annotation: Any
    for part in path:
        if part not in current.model_fields:
            continue  # a key of a free table such as quant.layers.conv1
        annotation = current.model_fields[part].annotation
        found = section_type(annotation)
        if found is None:
            return []
        current = found
    return list(current.model_fields)


def section_type(annotation: Any) -> type[BaseModel] | None:
    """The section type inside an annotation: ``Bits``, ``dict[str, Bits]``, ``Bits | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (dict, list, tuple, Union, types.UnionType):
        return next((found for arg in get_args(annotation) if (found := section_type(arg))), None)
    return None


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _dump(table: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    """Append `table` to `lines`: plain values first, then sub-tables. TOML has no null: None is left out."""
    values = {k: v for k, v in table.items() if v is not None and not isinstance(v, Mapping)}
    tables = {k: v for k, v in table.items() if isinstance(v, Mapping)}
    if path and (values or not tables):
        lines += ["", f"[{'.'.join(_key(part) for part in path)}]"]
    lines += [f"{_key(k)} = {literal(v)}" for k, v in values.items()]
    for key, value in tables.items():
        _dump(value, (*path, key), lines)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's, except that TOML wants DEL escaped and has no surrogate pairs."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def literal(value: Any) -> str:
    """One TOML value; repr keeps every bit of a float."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {literal(v)}" for k, v in value.items()) + " }"
    raise TypeError(f"no TOML form for {type(value).__name__}")
