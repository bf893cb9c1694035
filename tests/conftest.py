"""Documents and an assistant that several test files share, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import corpus
from assistant.evidence import Profile
from assistant.service import PlanAssistant
from assistant.settings import Settings
from corpus.load import load_document
from corpus.passages import passages
from corpus.types import Document
from index.bigrams import bigram_embedder
from index.build import ensure_index

PLAN = Path(corpus.__file__).with_name("data") / "laiwu-2024-plan.txt"
MINI_PLAN = Path(__file__).with_name("data") / "mini_plan.txt"


@pytest.fixture(scope="session")
def plan_path() -> Path:
    """The plan that comes with the program."""
    return PLAN


@pytest.fixture(scope="session")
def mini_path() -> Path:
    """A small invented plan of an invented place: results of 2025, targets of 2026."""
    return MINI_PLAN


@pytest.fixture(scope="session")
def plan(plan_path: Path) -> Document:
    return load_document(plan_path)


@pytest.fixture(scope="session")
def mini(mini_path: Path) -> Document:
    return load_document(mini_path)


@pytest.fixture(scope="session", params=[PLAN, MINI_PLAN], ids=["plan", "mini_plan"])
def document(request: pytest.FixtureRequest) -> Document:
    """Each of the two plans in turn, for what must hold of any."""
    path: Path = request.param
    return load_document(path)


@pytest.fixture(scope="session")
def mini_profile(mini: Document) -> Profile:
    return Profile(mini, passages(mini))


@pytest.fixture(scope="session")
def mini_assistant(mini: Document, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanAssistant]:
    """The assistant on the invented plan, with an embedder that needs no model and the weights of the program."""
    index = ensure_index([mini], tmp_path_factory.mktemp("mini"), bigram_embedder()).index
    yield PlanAssistant(index, Settings(_env_file=None, min_confidence=0.1))  # type: ignore[call-arg]
    index.close()
