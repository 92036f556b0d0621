"""Rows of HDF5 datasets, also of those compressed with bzip2, which h5py's own HDF5 cannot decode.

pandas writes bzip2 when asked for ``complib="bzip2"``, as the CMS Open Data doublet files were.
"""

from __future__ import annotations

import bz2
import zlib
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

DEFLATE, SHUFFLE, FLETCHER32, BZIP2 = 1, 2, 3, 307
_DECODABLE = (DEFLATE, SHUFFLE, FLETCHER32, BZIP2)


def read_rows(dataset: h5py.Dataset, start: int, stop: int) -> NDArray[Any]:
    """Rows `start` to `stop` of a dataset.

    Raises
    ------
    OSError
        If the data are damaged, or compressed in a way that is not supported (the message names the filter).
    """
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    if all(h5py.h5z.filter_avail(code) for code in filters):
        return dataset[start:stop]
    unknown = [code for code in filters if code not in _DECODABLE]
    if unknown:
        raise OSError(f"it is compressed with the HDF5 filter {unknown[0]}, which is not installed")
    return _decode_rows(dataset, filters, start, min(stop, dataset.shape[0]))


def _decode_rows(dataset: h5py.Dataset, filters: list[int], start: int, stop: int) -> NDArray[Any]:
    out = np.zeros((max(stop - start, 0), *dataset.shape[1:]), dataset.dtype)
    for index in range(dataset.id.get_num_chunks()):
        info = dataset.id.get_chunk_info(index)
        first = info.chunk_offset[0]
        low, high = max(first, start), min(first + dataset.chunks[0], stop)
        if low >= high:
            continue
        mask, raw = dataset.id.read_direct_chunk(info.chunk_offset)
        size = int(np.prod(dataset.chunks)) * dataset.dtype.itemsize
        data = _decode(raw, mask, filters, size, dataset.dtype.itemsize)
        block = np.frombuffer(data, dataset.dtype).reshape(dataset.chunks)
        inside = tuple(
            slice(0, min(length, whole - offset))
            for length, whole, offset in zip(
                dataset.chunks[1:], dataset.shape[1:], info.chunk_offset[1:], strict=True
            )
        )
        place = tuple(
            slice(offset, offset + part.stop)
            for offset, part in zip(info.chunk_offset[1:], inside, strict=True)
        )
        out[(slice(low - start, high - start), *place)] = block[(slice(low - first, high - first), *inside)]
    return out


def _decode(raw: bytes, mask: int, filters: list[int], size: int, itemsize: int) -> bytes:
    """Undo the filters of one chunk, last one first. No stage may grow beyond the chunk's own size."""
    data = raw
    for position, code in reversed(list(enumerate(filters))):
        if mask & (1 << position):
            continue
        if code == BZIP2:
            data = bz2.BZ2Decompressor().decompress(data, max_length=size + 4)
        elif code == DEFLATE:
            data = zlib.decompressobj().decompress(data, size + 4)
        elif code == FLETCHER32:
            data = data[:-4]
        elif itemsize > 1:
            data = np.frombuffer(data, np.uint8).reshape(itemsize, -1).T.tobytes()
    if len(data) != size:
        raise OSError(f"a chunk holds {len(data)} bytes, expected {size}")
    return data
