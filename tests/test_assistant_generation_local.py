"""The embedded model itself, where it is installed (``laiwu-plan model install``); the build server always has it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.generation.assistant import GeneratingAssistant
from assistant.generation.local_model import LocalModel, is_available
from assistant.generation.model_store import default_model_dir, installed
from assistant.generation.writer import Writer
from assistant.settings import Settings
from assistant.types import Outcome
from corpus.types import Document
from index.bigrams import bigram_embedder
from index.build import ensure_index

pytestmark = pytest.mark.slow

QUESTION = "用大白话说说今年就业怎么抓"


@pytest.fixture(scope="module")
def model() -> Path:
    path = installed(default_model_dir())
    if path is None or not is_available():
        if os.environ.get("CI") == "true":
            pytest.fail("没有装本地模型：scripts/model", pytrace=False)
        pytest.skip("没有装本地模型：scripts/model")
    return path


@pytest.fixture(scope="module")
def assistant(model: Path, plan: Document, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GeneratingAssistant]:
    index = ensure_index([plan], tmp_path_factory.mktemp("plan"), bigram_embedder()).index
    writer = Writer(LocalModel(model, "Qwen2.5-Coder-1.5B"), timeout_s=60, max_tokens=320)
    assistant = GeneratingAssistant(index, Settings(_env_file=None), writer)  # type: ignore[call-arg]
    writer.warm_up()
    yield assistant
    index.close()


def test_embedded_model_words_an_account_and_every_word_is_borne(assistant: GeneratingAssistant) -> None:
    started = time.perf_counter()
    shown_after: list[float] = []
    for state in assistant.stream(QUESTION):
        if state.answerer != "quote":
            shown_after.append(time.perf_counter() - started)
    assert state.generation is not None
    assert state.generation.outcome in (Outcome.WRITTEN, Outcome.MENDED)
    assert state.generation.sentences == state.generation.judged > 0
    assert state.gate.figures == state.gate.bound > 0
    assert "7000人" in state.answer
    assert shown_after[0] < 15  # 2 cores that do nothing else take two or three seconds


def test_stopping_leaves_the_model_free_for_the_next_question(assistant: GeneratingAssistant) -> None:
    states = assistant.stream(QUESTION)
    next(states)
    next(states)
    states.close()  # type: ignore[attr-defined]
    answer = assistant.ask("用大白话说说今年怎么发展现代农业")
    assert answer.generation is not None
    assert answer.generation.outcome in (Outcome.WRITTEN, Outcome.MENDED)


def test_file_that_is_no_model_ends_in_the_quotation(assistant: GeneratingAssistant, tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + bytes(1_000))
    broken = Writer(LocalModel(path, "broken"), timeout_s=20, max_tokens=320)
    generating = GeneratingAssistant(assistant.index, assistant.settings, broken)
    answer = generating.ask(QUESTION)
    assert answer.generation is not None
    assert answer.generation.outcome is Outcome.FELL_BACK
    assert "无法加载" in answer.generation.note
