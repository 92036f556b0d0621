"""Results that show themselves: as text, in a notebook, and as plain data."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, SupportsIndex, overload

from levelone.errors import LeveloneError, nearest
from levelone.panels import Rows
from levelone.report.rows import as_html, as_text
from levelone.report.words import float_in_words, proofs_in_words, systematic_in_words, ties_in_words
from levelone.verify.story import tell
from levelone.verify.verdict import Outcome

ENDS = (("lo", "lowest"), ("hi", "highest"))
"""What was seen of a layer, and what its range allows."""


class Document(ABC):
    """A result: ``print`` shows it as text, a notebook as tables, `to_dict` gives it as plain data.

    Parameters
    ----------
    content
        JSON values, those that the command of the same name prints with ``--json``.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = dict(content)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, the same that the command line prints with ``--json``."""
        return dict(self._content)

    @abstractmethod
    def parts(self) -> Iterator[str | Rows]:
        """What is shown, in order: lines of text and tables."""

    def __str__(self) -> str:
        return "\n".join(part if isinstance(part, str) else as_text(part) for part in self.parts())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "".join(
            f"<pre style='white-space:pre-wrap'>{escape(part)}</pre>"
            if isinstance(part, str)
            else as_html(part)
            for part in self.parts()
        )


class Layers(Document):
    """Every layer of a model: type, exact range and cost. Iterates over the layers, each a dict.

    ``layers["conv1"]`` is one of them, ``layers[0]`` the first: ``name``, ``op``, ``shape`` (channels last,
    without the batch axis), ``width`` (bits), ``signed``, ``lo`` and ``hi`` (smallest and largest code that
    any input can cause), ``macs``, ``ebops`` (effective bit operations), ``weights``, ``weight_width`` (bits)
    and more.
    """

    def __len__(self) -> int:
        return len(self._content["layers"])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._content["layers"])

    @overload
    def __getitem__(self, which: str | SupportsIndex) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, which: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, which: str | SupportsIndex | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if not isinstance(which, str):
            return list(self)[which]
        found = {layer["name"]: layer for layer in self}
        if which not in found:
            raise LeveloneError(f"no layer is called {which!r}", hint=nearest(which, list(found)))
        return found[which]

    def parts(self) -> Iterator[str | Rows]:
        """The table, the sums over it, and what is left to the host."""
        head = ("layer", "operation", "shape", "bits", "range", "saved", "products", "bit operations")
        rows = [
            (port["name"], "input", _shape(port), _bits(port), *[""] * 5) for port in self._content["inputs"]
        ]
        for layer in self:
            numbers = (f"{layer[key]:,}" if layer[key] else "" for key in ("saved_bits", "macs", "ebops"))
            memory = f"{layer['weights']:,} x {layer['weight_width']} bit" if layer["weights"] else ""
            reach = f"{layer['lo']} ... {layer['hi']}"
            rows.append((layer["name"], layer["op"], _shape(layer), _bits(layer), reach, *numbers, memory))
        yield Rows("", "", (*head, "weight memory"), tuple(rows), numbers=(5, 6, 7, 8))
        sums = self._content["totals"]
        yield (
            f"{sums['macs']:,} multiply-accumulates, {sums['ebops']:,} bit operations per event; "
            f"{sums['weights']:,} weights, {sums['weight_bits']:,} bits of weight memory; "
            f"{sums['saved_bits']} accumulator bits saved by the range analysis"
        )
        yield from self._content["left_off"]


class _Judgement(Document):
    @property
    def outcome(self) -> str:
        """``"exact"``, ``"equal, not proven"``, ``"mismatch"`` or ``"not comparable"``; without tolerance."""
        return str(self._content["verdict"])

    @property
    def exact(self) -> bool:
        """Whether something was compared, all of it was equal, and the project is as it was proven."""
        return self.outcome == "exact"

    @property
    def exit_code(self) -> int:
        """That of the command line: 0 exact, 1 mismatch, 2 not comparable, 3 equal but not proven."""
        return exit_code_of(self.outcome)

    @property
    def reason(self) -> str:
        """Why the outcome is ``"not comparable"`` or ``"equal, not proven"``; else empty."""
        return str(self._content["reason"])

    @property
    def vectors(self) -> int:
        """Events that were compared, over all sets of vectors."""
        return int(self._content["vectors"])

    def __bool__(self) -> bool:
        return self.exact


def exit_code_of(outcome: str) -> int:
    """The exit code of a command that ends with this verdict."""
    return Outcome(outcome).exit_code


class Verdict(_Judgement):
    """What each body was compared with, and whether every integer of every layer and output was equal.

    A verdict is true in an ``if`` or ``assert`` only if it is exact.
    """

    @property
    def layers(self) -> list[dict[str, Any]]:
        """Per layer ``name``, ``compared`` and ``mismatches`` (codes) and ``max_lsb``."""
        return list(self._content["layers"])

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """The same of what left each output port."""
        return list(self._content["outputs"])

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """Per project that was compared: ``body``, ``title``, and `layers`, `outputs` ... of its own."""
        return list(self._content["bodies"])

    @property
    def first_mismatch(self) -> dict[str, Any] | None:
        """``layer``, ``event``, ``position``, ``channel``, ``expected``, ``found``, ``lsb``; or None."""
        found: dict[str, Any] | None = self._content["first_mismatch"]
        return found

    def parts(self) -> Iterator[str | Rows]:
        """Codes compared and different at every layer, what a reader should know, and the verdict."""
        several = self.bodies if len(self.bodies) > 1 else []
        head = ("layer", "codes compared", "different", "largest LSB", *(body["title"] for body in several))
        rows = [
            (
                each["name"] if what == "layers" else f"output {each['name']}",
                f"{each['compared']:,}",
                f"{each['mismatches']:,}",
                str(each["max_lsb"]),
                *(_different(body, what, each["name"]) for body in several),
            )
            for what in ("layers", "outputs")
            for each in self._content[what]
        ]
        yield Rows("", "", head, tuple(rows), numbers=tuple(range(1, len(head))))
        for note in self._content["notes"]:
            yield f"note: {note}"
        if self.first_mismatch is not None:
            found = dict(self.first_mismatch)
            place = {key: found.pop(key) for key in ("in", "layer") if key in found}
            yield "first mismatch: " + ", ".join(f"{key} {value}" for key, value in (place | found).items())
            for body in self.bodies:
                if body["verdict"] == Outcome.MISMATCH.value:
                    yield f"where it arises and why: levelone diff {shlex.quote(body['project'])}"
        if (coverage := self._content["coverage"]) is not None:
            yield f"reached: {_reached(coverage)}"
        for finding in self._content["findings"]:
            yield f"not as proven: {finding['file']}: {finding['text']}"
        for told in self._content["sets"]:
            if (told["float_ties"] or {"count": 0})["count"]:
                yield f"{told['name']}: {ties_in_words(told['float_ties'], 'the trained module')}"
                yield from (f"{told['name']}: {line}" for line in systematic_in_words(told["float_ties"]))
        if self._content["float32"] is not None:
            yield float_in_words(self._content["float32"])
        for line in proofs_in_words({"proof": proof} for proof in self._content["proofs"]):
            yield f"proven: {line}"
        if self._content["proofs_void"]:
            edited = ", ".join(self._content["proofs_void"])
            yield f"nothing is proven: the proofs of convert do not hold for edited files ({edited})"
        yield f"{self.outcome}{self.reason and f': {self.reason}'}, {self.vectors:,} vectors"


class Diagnosis(_Judgement):
    """Where a project first differs from the reference, from which operands, and why.

    It is true in an ``if`` or ``assert`` only if nothing differs.
    """

    @property
    def first(self) -> dict[str, Any] | None:
        """The first difference: ``layer``, ``event``, ``position``, ``channel``, ``cause`` ...; or None."""
        found: dict[str, Any] | None = self._content["first"]
        return found

    def parts(self) -> Iterator[str | Rows]:
        """The story of the first difference, line by line."""
        yield "\n".join(tell(self._content))


def _reached(coverage: Mapping[str, Any]) -> str:
    """What the vectors reached, in words."""
    words = {
        "entries": "table entries",
        "steps": "codes beside rounding steps",
        "operands": "signs of operands that meet a weight",
    }
    told = []
    for kind, called in words.items():
        found = [layer[kind] for layer in coverage["layers"] if kind in layer]
        if found:
            told.append(f"{sum(f['reached'] for f in found):,} of {sum(f['of'] for f in found):,} {called}")
    ends = [layer[seen] == layer[end] for layer in coverage["layers"] for seen, end in ENDS]
    return ", ".join([*told, f"{sum(ends)} of {len(ends)} ends of the layers' ranges"])


def _different(body: Mapping[str, Any], what: str, name: str) -> str:
    """How many codes of a layer a body has otherwise; "-" if it does not give that value."""
    found = next((layer for layer in body[what] if layer["name"] == name), None)
    return "-" if found is None else f"{found['mismatches']:,}"


def _shape(entry: Mapping[str, Any]) -> str:
    return " x ".join(str(n) for n in entry["shape"])


def _bits(entry: Mapping[str, Any]) -> str:
    return f"{entry['width']} {'signed' if entry['signed'] else 'unsigned'}"
