"""An embedder without a model, for tests and trials: texts that share pairs of characters are near each other."""

from __future__ import annotations

import zlib
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from index.embedder import Embedder


def bigram_embedder(dimension: int = 256, name: str = "character bigrams") -> Embedder:
    """An embedder that counts pairs of characters in ``dimension`` boxes; equal texts give equal vectors."""

    def encode(texts: list[str], _is_query: bool) -> npt.NDArray[np.float32]:
        vectors = np.zeros((len(texts), dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            padded = f"^{text}$"
            for pair in pairwise(padded):
                vectors[row, zlib.crc32("".join(pair).encode("utf-8")) % dimension] += 1
        return vectors

    return Embedder(name, dimension, encode)
