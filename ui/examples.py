"""Read the example questions of the page."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ui.types import ExampleGroup

EXAMPLES = Path(__file__).with_name("examples.toml")


def load_examples(path: Path = EXAMPLES) -> tuple[ExampleGroup, ...]:
    """Read groups of example questions, in the order of the file.

    Args:
        path: A TOML file with one ``[[group]]`` (``title``, ``questions``) per group.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is not TOML.
        KeyError: A group lacks its title or its questions.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(ExampleGroup(group["title"], tuple(group["questions"])) for group in data.get("group", ()))
