"""A model that alters what it was given, in every way the wording check knows, never gets a word of it through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from itertools import zip_longest

import pytest

from assistant import compose
from assistant.generation.assistant import GeneratingAssistant
from assistant.generation.prompt import Piece
from assistant.service import PlanAssistant
from assistant.settings import Settings
from assistant.types import Answer, Outcome, Status
from corpus.types import Document
from evals.mutations import Mutation, alterations, sentence_spans
from index.bigrams import bigram_embedder
from index.build import ensure_index

CASES = 500


class Liar:
    """Stands in for the writer: gives one altered sentence under the handle of the evidence it was made of."""

    name = "liar"

    def __init__(self) -> None:
        self.says = ""
        self.of = 0

    def lines(self, question: str, given: Sequence[Piece]) -> Generator[str | None, None, None]:
        yield f"[{given[self.of].handle}]{self.says}"


def sampled(made: Sequence[Mutation], most: int) -> list[Mutation]:
    """As many of each kind as there are, in turn, until there are enough."""
    kinds: dict[str, list[Mutation]] = defaultdict(list)
    for mutation in made:
        kinds[mutation.kind.value].append(mutation)
    step = {kind: max(1, len(all_) // most) for kind, all_ in kinds.items()}
    rows = zip_longest(*(all_[:: step[kind]] for kind, all_ in kinds.items()))
    return [mutation for row in rows for mutation in row if mutation is not None][:most]


@pytest.fixture(scope="module")
def liar(plan: Document, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GeneratingAssistant, Liar]]:
    index = ensure_index([plan], tmp_path_factory.mktemp("plan"), bigram_embedder()).index
    writer = Liar()
    yield GeneratingAssistant(index, Settings(_env_file=None), writer), writer  # type: ignore[call-arg,arg-type]
    index.close()


def quoted(assistant: PlanAssistant, spans: Sequence[tuple[int, int]]) -> Answer:
    """The extract of some sentences, as the quoting assistant gives it."""
    by_start = {p.sentence_start: p for p in reversed(assistant.index.passages) if p.is_clause}
    statements = [
        compose.state(by_start[start], assistant.document, span=(start, end))
        for start, end in spans
        if start in by_start
    ]
    numbers, cited = compose.number_citations(statements, assistant.documents)
    text = compose.written(statements, numbers)
    return Answer("概括一下", "概括一下", Status.ANSWERED, text, tuple(cited), is_extract=True)


def test_no_altered_sentence_is_shown(liar: tuple[GeneratingAssistant, Liar]) -> None:
    assistant, writer = liar
    made, _ = alterations(assistant.document, assistant.index.passages)
    spans = [span for span in sentence_spans(assistant.index.passages)]
    through = []
    tried = 0
    for mutation in sampled(made, CASES):
        touched = [i for i, (start, end) in enumerate(spans) if start < mutation.end and mutation.start < end]
        near = spans[max(0, touched[0] - 1) : touched[-1] + 2]
        extract = quoted(assistant, near)
        if not extract.citations:
            continue
        places = [i for i, c in enumerate(extract.citations) if c.start < mutation.end and mutation.start < c.end]
        if not places:
            continue
        tried += 1
        writer.says, writer.of = mutation.altered, places[0]
        states = list(assistant._worded(extract, 0.0))
        words = mutation.altered.rstrip("。")
        if any(words in state.answer and words not in extract.answer for state in states):
            through.append(mutation)
        assert states[-1].generation is not None and states[-1].generation.outcome is Outcome.FELL_BACK
        assert states[-1].answer == extract.answer
    assert tried >= CASES * 0.9
    assert not through, [(m.kind.value, m.altered) for m in through]
