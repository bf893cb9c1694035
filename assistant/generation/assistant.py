"""The assistant with a language model: facts are quoted as ever, accounts of something are worded by the model."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from assistant import compose
from assistant.generation.endpoint import ModelFault
from assistant.generation.prompt import HANDLE, Piece, evidence_text, pieces
from assistant.generation.rewriting import may_stand_for
from assistant.generation.sentence_gate import Judgement, Ruling, SentenceGate
from assistant.generation.writer import Unfinished, Writer
from assistant.normalise import simplified, tidy
from assistant.service import PlanAssistant, Weights, writable
from assistant.settings import Settings
from assistant.types import Answer, Citation, GateReport, Generation, Outcome, Status
from corpus.figures import find_figures
from index.retrieve import Index
from index.tokens import count_tokens

log = logging.getLogger(__name__)

_BULLET = re.compile(r"^(?:[-*•·]|\d{1,2}[.、）)](?!\d)|[（(]?[一二三四五六七八九十]+[）)、])\s*")
_MARKS = re.compile(r"[*#`_|]+|[\[【]\d{0,3}[\]】]|</?[a-zA-Z][^<>]{0,40}>")
SHORT = 3  # pieces of evidence of which an account leaves none out
NOTHING_BOUND = "模型写的内容未能通过与原文的核对"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the answer: its words and the places of the citations that bear them; ``is_original`` where quoted."""

    words: str
    cited: tuple[int, ...]
    is_original: bool = False


@dataclass
class _Draft:
    """What a model has written so far, ruled upon line by line."""

    lines: list[_Line] = field(default_factory=list)
    rulings: list[Judgement] = field(default_factory=list)
    unknown_handles: int = 0
    said: str = ""
    first_ms: float = 0.0

    def count(self, *rulings: Ruling) -> int:
        return sum(judgement.ruling in rulings for judgement in self.rulings)


class GeneratingAssistant(PlanAssistant):
    """Answers as :class:`PlanAssistant` does, and has a model word what gains by wording.

    Every sentence of the model passes the gate before it is shown; whatever goes wrong ends in the quotation.
    """

    def __init__(self, index: Index, settings: Settings, writer: Writer, weights: Weights | None = None) -> None:
        """Prepare as the quoting assistant; the model is asked only when it is needed."""
        super().__init__(index, settings, weights)
        self.writer = writer
        self.answerer = writer.name

    def prepare(self) -> None:
        """Have the model started and warmed up meanwhile; questions are answered all the same."""
        threading.Thread(target=self.writer.warm_up, name="model-warm-up", daemon=True).start()

    def ask(self, question: str, turns: Sequence[str] = (), *, id: str | None = None) -> Answer:
        """The whole answer; see :meth:`stream`."""
        *_, last = self.stream(question, turns, id=id)
        return last

    def stream(self, question: str, turns: Sequence[str] = (), *, id: str | None = None) -> Iterator[Answer]:
        """The quotation at once; then, where wording gains, the model's words as far as they have passed the gate.

        While the model writes the last state is given again every fraction of a second, so that who reads can stop.
        Closing the iterator ends the model's work.

        Raises:
            RequestError: As :meth:`PlanAssistant.ask`.
        """
        started = time.perf_counter()
        quoted = super().ask(question, turns, id=id)
        yield quoted
        if turns and quoted.status is Status.NOT_FOUND and self.writer.rewrites:
            rewritten = yield from self._rewritten(question, turns, quoted)
            if rewritten is None:
                return
            quoted = rewritten
            yield quoted
        if quoted.is_extract:
            yield from self._worded(quoted, started)

    def _worded(self, quoted: Answer, started: float) -> Iterator[Answer]:
        """The answer in the model's words, growing, its last state final."""
        given = self._pieces(quoted)
        spans = [(citation.start, citation.end) for citation in quoted.citations[: len(given)]]
        gate = SentenceGate(self.document, self.index.passages, spans)
        places = {piece.handle: place for place, piece in enumerate(given)}
        draft, note = _Draft(), ""
        alone = quoted.standalone_question.rstrip("？?。")
        question = quoted.question if alone in ("", quoted.question.rstrip("？?。")) else (
            f"{tidy(quoted.question)}（所问：{quoted.standalone_question}）"
        )  # fmt: skip
        state = self._answer_of(quoted, draft, Outcome.WRITING, given)
        try:
            for line in self.writer.lines(question, given):
                if line is None:
                    yield state
                    continue
                shown = draft
                if isinstance(line, Unfinished):
                    shown = replace(draft, lines=[*draft.lines], rulings=[*draft.rulings])
                    self._rule(line, places, gate, shown, is_whole=False)
                else:
                    draft.said += line + "\n"
                    self._rule(line, places, gate, draft)
                if shown.lines and not draft.first_ms:
                    draft.first_ms = shown.first_ms = _ms(started)
                state = self._answer_of(quoted, shown, Outcome.WRITING, given)
                yield state
        except ModelFault as fault:
            log.warning("the model %s gave no whole answer: %s", self.writer.name, fault.__cause__ or fault.note)
            note = f"{fault.note}，以下为原文摘录。"
        bound = draft.count(Ruling.BOUND)
        if note or not bound:
            yield self._fallen_back(quoted, draft, note or f"{NOTHING_BOUND}，以下为原文摘录。", given, started)
            return
        mended = self._mended(draft, len(given))
        is_mended = draft.count(Ruling.UNBOUND, Ruling.SILENT) or any(line.is_original for line in mended.lines)
        outcome = Outcome.MENDED if is_mended else Outcome.WRITTEN
        answer = self._answer_of(quoted, mended, outcome, given)
        yield replace(answer, timings_ms={**quoted.timings_ms, "first_words": draft.first_ms, "total": _ms(started)})

    def _pieces(self, quoted: Answer) -> list[Piece]:
        """The quoted sentences as evidence for the model."""
        by_start = {passage.sentence_start: passage for passage in reversed(self.index.passages) if passage.is_clause}
        evidence = []
        for citation in quoted.citations:
            passage = by_start.get(citation.start)
            evidence.append((compose.label(passage) if passage else "", citation.quote))
        return pieces(evidence, self.settings.llm_evidence_tokens)

    def _rule(
        self, line: str, places: Mapping[str, int], gate: SentenceGate, draft: _Draft, *, is_whole: bool = True
    ) -> None:
        """Judge one line and put it, or the original in its place, into the draft; of one being written, what is bound."""
        handles = HANDLE.findall(line)
        known = [places[handle] for handle in handles if handle in places]
        draft.unknown_handles += len(handles) - len(known)
        words = _MARKS.sub("", _BULLET.sub("", HANDLE.sub("", line).strip())).strip()
        if not words:
            return
        judgement = gate.judge(words)
        draft.rulings.append(judgement)
        if judgement.ruling is Ruling.BOUND:
            named = f"{judgement.subject}：{words}" if judgement.subject else words
            draft.lines.append(_Line(named, judgement.spans))
        elif judgement.ruling is Ruling.UNBOUND and known and is_whole:
            log.info("struck: %s", judgement.reason)
            draft.lines.append(_Line("", tuple(known[:1]), is_original=True))

    def _mended(self, draft: _Draft, count: int) -> _Draft:
        """The draft without what it says twice, and with what the model passed over of ``count`` pieces of evidence."""
        borne = {place for line in draft.lines if not line.is_original for place in line.cited}
        kept: list[_Line] = []
        for line in draft.lines:
            is_known = line.is_original and (line.cited[0] in borne)
            if is_known or any(line.words == other.words and line.cited == other.cited for other in kept):
                continue
            kept.append(line)
        shown = {place for line in kept for place in line.cited}
        least = range(count if count <= SHORT else 1)  # of a long account what answers the question best
        kept += [_Line("", (place,), is_original=True) for place in least if place not in shown]
        kept.sort(key=lambda line: line.cited[0])
        return replace(draft, lines=kept)

    def _answer_of(self, quoted: Answer, draft: _Draft, outcome: Outcome, given: Sequence[Piece]) -> Answer:
        """The answer that the lines make, its citations numbered anew as they are first used."""
        numbers: dict[int, int] = {}
        cited: list[Citation] = []
        told = [] if draft.lines else [quoted.answer]
        for line in draft.lines:
            marks = []
            for place in line.cited:
                if place not in numbers:
                    numbers[place] = len(numbers) + 1
                    cited.append(replace(quoted.citations[place], n=numbers[place]))
                marks.append(f"[{numbers[place]}]")
            words = quoted.citations[line.cited[0]].quote if line.is_original else line.words
            told.append(f"{words.rstrip('。')}。{''.join(marks)}")
        text = told[0] if len(told) == 1 else "\n".join(f"- {line}" for line in told)
        figures = len(find_figures(_MARKS.sub("", text)))
        struck = draft.count(Ruling.UNBOUND, Ruling.SILENT)
        return replace(
            quoted,
            answer=text,
            citations=tuple(cited) or quoted.citations,
            answerer=self.writer.name if draft.lines else quoted.answerer,
            gate=GateReport(figures, figures, struck),
            generation=self._generation(quoted, draft, outcome, given),
        )

    def _fallen_back(self, quoted: Answer, draft: _Draft, note: str, given: Sequence[Piece], started: float) -> Answer:
        generation = self._generation(quoted, draft, Outcome.FELL_BACK, given)
        return replace(
            quoted,
            generation=replace(generation, note=note, first_ms=0.0),
            timings_ms={**quoted.timings_ms, "total": _ms(started)},
        )

    def _generation(self, quoted: Answer, draft: _Draft, outcome: Outcome, given: Sequence[Piece]) -> Generation:
        before = quoted.generation
        return Generation(
            model=self.writer.name,
            outcome=outcome,
            quotation=quoted.answer,
            sentences=len(draft.rulings),
            judged=len(draft.rulings) - draft.count(Ruling.EMPTY),
            bound=draft.count(Ruling.BOUND),
            struck=draft.count(Ruling.UNBOUND, Ruling.SILENT),
            unknown_handles=draft.unknown_handles,
            prompt_tokens=count_tokens(evidence_text(given)),
            answer_tokens=count_tokens(draft.said),
            first_ms=draft.first_ms,
            rewritten=before is not None and before.rewritten,
        )

    # --- follow-ups ---

    def _rewritten(self, question: str, turns: Sequence[str], quoted: Answer) -> Generator[Answer, None, Answer | None]:
        """The answer to a follow-up that the rules could not place, as the model puts the question; ``None`` for none.

        Gives the quotation again while the model is at it.
        """
        said = [simplified(tidy(turn)) for turn in (*turns, question)]
        alone = ""
        try:
            with closing(self.writer.rewrite(said[-1], said[:-1])) as lines:
                for line in lines:
                    if line is not None:
                        alone = line.strip()
                        break
                    yield quoted
        except ModelFault as fault:
            log.warning("the model %s did not rewrite a question: %s", self.writer.name, fault.__cause__ or fault.note)
            return None
        if not may_stand_for(alone, said):
            return None
        answer = super().ask(alone)
        if answer.status is not Status.ANSWERED:
            return None
        generation = Generation(self.writer.name, Outcome.FELL_BACK, answer.answer, rewritten=True)
        return replace(
            answer, question=writable(question), standalone_question=alone, id=quoted.id, generation=generation
        )


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
