"""Strings out of the small pickles that pandas leaves in HDF5 attributes, without unpickling.

A pickle is a program, and running one from somebody else's file runs their code. Here it is only read, and
every operation outside a list of strings is refused.
"""

from __future__ import annotations

import pickletools

_STRUCTURE = {"PROTO", "FRAME", "MARK", "EMPTY_LIST", "LIST", "APPEND", "APPENDS", "STOP"}
_MEMO = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_STRINGS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE"}


def list_of_strings(pickle: bytes) -> list[str]:
    """Return the strings of a pickled list of strings.

    Raises
    ------
    ValueError
        If the pickle is anything else: other types, nested lists, repeated references, or not a pickle.
    """
    strings: list[str] = []
    lists = 0
    for operation, argument, _ in pickletools.genops(pickle):
        if operation.name in _STRINGS:
            strings.append(str(argument))
        elif operation.name in ("EMPTY_LIST", "LIST"):
            lists += 1
        elif operation.name not in _STRUCTURE | _MEMO:
            raise ValueError(f"the pickle operation {operation.name} is not part of a list of strings")
    if lists != 1:
        raise ValueError(f"expected one list, found {lists}")
    return strings


def value_of(pickle: bytes, key: str) -> str | None:
    """The string that a pickled dictionary has under a string, at any depth; None if there is none.

    Nothing but the text is looked at: the string that comes next after `key`.
    """
    found = False
    try:
        for operation, argument, _ in pickletools.genops(pickle):
            if operation.name in _STRINGS and found:
                return str(argument)
            if found and operation.name not in _MEMO:
                found = False
            found |= operation.name in _STRINGS and argument == key
    except ValueError:
        return None
    return None
