"""The assistant: one question in, one answer out. Each step is a function of its own; this file strings them together."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from cn2an import an2cn

from assistant import comparison, compose, figure_lists
from assistant.account import EXTRACT_TOKENS, LEAST_SURE, AccountWanted, account_wanted, evidence_sentences
from assistant.check import checked_answer
from assistant.confidence import Confidence, describe_evidence
from assistant.draft import CheckedDraft, check_draft, read_draft_bytes
from assistant.draft_report import report_docx, report_markdown
from assistant.evidence import FEATURES, Evidence, Profile, order
from assistant.gate import Statement, run_gate
from assistant.header import header_passages
from assistant.history import Earlier, StandAlone, Way, stand_alone
from assistant.homophones import Homophones
from assistant.ledger import Ledger, LedgerEntry, build_ledger
from assistant.ledger_export import as_csv, as_json, as_xlsx
from assistant.normalise import fold, simplified, tidy
from assistant.precedence import equally_fitting, prefer_asked_year, prefer_level, prefer_unit, promoted
from assistant.question import Form, Question, understand
from assistant.reading import READING_FEATURES, Reading, choose
from assistant.refusal import covers, declined_text, form_met, missing_text, must_refuse
from assistant.settings import Settings, bundled_documents
from assistant.types import Answer, Citation, GateReport, Status
from assistant.wording import WordingChecker
from assistant.wording_request import claim_in
from assistant.wordlists import everyday, place_stem_pattern, question_words
from corpus.errors import RequestError
from corpus.load import load_document
from corpus.types import Document, Passage
from index.build import Ensured, ensure_index
from index.embedder import BUNDLED, Embedder, load_embedder
from index.retrieve import Index
from index.types import ScoredPassage

NEAREST = 3
COMPARED = 4  # passages of each year that a comparison looks at
_TOPICS = re.compile(r"[、，,]")
LEAST_PARTS = 3  # parts of a topic from which each is looked for by itself (停车难、没公园逛、找不着公厕)
MOST_TOPICS = 3  # earlier questions that one account may bring together
TITLES = ("lead", "heading")
TURNS_STEP = 10  # the conversation is read from its last one or two tens of questions
KEPT_READINGS = 512  # conversations whose reading is remembered, so that the next question need not read them again


@dataclass(frozen=True, slots=True)
class Weights:
    """Fitted weights of ranking, confidence and readings, with the confidence below which nothing is claimed."""

    ranking: tuple[float, ...]
    reading: tuple[float, ...]
    confidence: Confidence
    threshold: float


@cache
def bundled_weights() -> Weights:
    """The weights that come with the program; ``evals/fit.py`` makes them."""
    data = json.loads(files("assistant").joinpath("weights/evidence.json").read_text(encoding="utf-8"))
    return Weights(
        ranking=tuple(data["ranking"][name] for name in FEATURES),
        reading=tuple(data["reading"][name] for name in READING_FEATURES),
        confidence=Confidence.read(data["confidence"]),
        threshold=data["threshold"],
    )


class PlanAssistant:
    """Answers questions on one document from an opened index. Safe to use from several threads."""

    answerer = "quote"

    def __init__(self, index: Index, settings: Settings, weights: Weights | None = None) -> None:
        """Prepare matching and wording checks for the documents of an index."""
        self.index = index
        self.settings = settings
        self.weights = weights or bundled_weights()
        self.documents: Mapping[str, Document] = index.documents
        if len(index.documents) > 1:
            raise RequestError(
                f"目前一次只能就一份文件提问，现在给出了 {len(index.documents)} 份，请只给一份 --source。"
            )
        self.document = next(iter(index.documents.values()))
        self.profile = Profile(self.document, index.passages)
        self.homophones = Homophones(self.profile.text)
        self.checker = WordingChecker(self.document, index.passages)
        self._ledger = build_ledger(self.document, index.passages)
        self._read = lru_cache(KEPT_READINGS)(self._read_anew)
        self._warm_up()

    def ask(self, question: str, turns: Sequence[str] = (), *, id: str | None = None) -> Answer:
        """Answer one question.

        Args:
            question: As typed.
            turns: Earlier questions of the same conversation, oldest first.
            id: Given back in the answer.

        Returns:
            The answer, every figure of which its citations bear.

        Raises:
            RequestError: The question is empty or too long.
        """
        started = time.perf_counter()
        text = tidy(question)
        if not text:
            raise RequestError("问题是空的，请输入一个关于计划的问题。")
        self._refuse_long(text)
        plain = simplified(text)
        claim = claim_in(plain)
        if claim:
            answer = checked_answer(text, claim, self.checker, self.document)
        elif question_words().declined.search(plain):
            answer = Answer(question, text, Status.DECLINED, declined_text(self.document))
        else:
            answer = self._answer(text, plain, turns)
        timings = {**answer.timings_ms, "total": _ms(started)}
        return replace(answer, question=writable(question), id=id, timings_ms=timings)

    def stream(self, question: str, turns: Sequence[str] = (), *, id: str | None = None) -> Iterator[Answer]:
        """The answer as it comes to be, the last one whole; here there is but one.

        Raises:
            RequestError: As :meth:`ask`.
        """
        yield self.ask(question, turns, id=id)

    def prepare(self) -> None:
        """Begin with what the first question would have to wait for; here nothing is left to do."""

    def _warm_up(self) -> None:
        """Load dictionaries and tables now, so that the first question does not wait for them."""
        self.rank(understand("2024年地区生产总值增长百分之几", self.document))
        place_stem_pattern()

    def read(self, question: str, turns: Sequence[str]) -> Reading:
        """The question as it is best read in its conversation; ``turns`` are the earlier questions, oldest first."""
        return self._read(self.said(question, turns))

    def said(self, question: str, turns: Sequence[str]) -> tuple[str, ...]:
        """The questions that a conversation is read from, the last one last: none blank, no wording checks, the latest."""
        earlier = [plain for turn in turns if (plain := simplified(tidy(turn))) and not claim_in(plain)]
        earlier = earlier[max(0, len(earlier) // TURNS_STEP - 1) * TURNS_STEP :]
        return (*earlier, simplified(tidy(question)))

    def readings(self, said: tuple[str, ...]) -> tuple[Question, list[Reading], list[Reading]]:
        """The last of several questions as typed, all it can mean, and how those before it were read."""
        earlier = [self._read(said[:count]) for count in range(1, len(said))]
        started = time.perf_counter()
        typed = self.homophones.repair(said[-1])
        before = [Earlier(reading.alone.text, self._members(reading)) for reading in earlier]
        ways = stand_alone(typed, before, self.profile)
        questions = [understand(alone.text, self.document) for alone in ways]
        understood = time.perf_counter()
        ranked = [
            prefer_unit(question, prefer_level(question, prefer_asked_year(question, found)))
            for question, found in zip(questions, self.rank_all(questions), strict=True)
        ]
        timings = {"understand": _ms(started, understood), "retrieve": _ms(understood)}
        years = earlier[-1].question.years if earlier else ()
        asked = understand(typed, self.document)
        readings = [
            self._weigh(alone, question, asked, found, years, timings)
            for alone, question, found in zip(ways, questions, ranked, strict=True)
        ]
        return asked, readings, earlier

    def _read_anew(self, said: tuple[str, ...]) -> Reading:
        typed, readings, earlier = self.readings(said)
        return choose(readings, typed, earlier, self.profile, self.weights.reading)

    def _weigh(
        self,
        alone: StandAlone,
        question: Question,
        typed: Question,
        ranked: Sequence[Evidence],
        earlier_years: tuple[int, ...],
        timings: Mapping[str, float],
    ) -> Reading:
        """A reading with how sure it is that its evidence answers it: sure enough, or wholly covered, and no rule against.

        The evidence must have the form of answer that the question as typed wants, whatever was put in for its words.
        """
        if not ranked or not question.terms:
            return Reading(alone, question, ranked, 0.0, True, False, earlier_years, timings)
        sure = self.weights.confidence.probability(describe_evidence(question, ranked, self.profile))
        is_refused = must_refuse(question, ranked, self.profile) or (
            alone.is_follow_up and not form_met(typed, ranked[0], self.profile)
        )
        least = self.settings.min_confidence
        is_sure = sure >= least if least is not None else (
            sure >= self.weights.threshold or covers(question, ranked[0], self.profile)
        )  # fmt: skip
        return Reading(alone, question, ranked, sure, is_refused, is_sure and not is_refused, earlier_years, timings)

    def forget(self) -> None:
        """Forget the conversations read so far."""
        self._read.cache_clear()

    def check(self, words: str) -> Answer:
        """Check words against the document; the same as asking “核对：…”."""
        text = tidy(words)
        if not text:
            raise RequestError("要核对的文字是空的，请粘贴一句话。")
        self._refuse_long(text)
        return checked_answer(text, claim_in(text) or text, self.checker, self.document)

    # --- drafts and the ledger, for the tabs of the page ---

    def read_draft(self, data: bytes, name: str) -> str:
        """The text of an uploaded draft; see :func:`assistant.draft.read_draft_bytes`."""
        return read_draft_bytes(data, name)

    def check_draft(
        self, text: str, name: str = "", on_progress: Callable[[int, int], None] | None = None
    ) -> CheckedDraft:
        """Every sentence of a draft checked against the document; see :func:`assistant.draft.check_draft`."""
        return check_draft(text, self.checker, self.document, name=name, on_progress=on_progress)

    def draft_report(self, draft: CheckedDraft, format: Literal["md", "docx"]) -> bytes:
        """A checked draft as a file to keep."""
        if format == "docx":
            return report_docx(draft, self.document)
        return report_markdown(draft, self.document).encode()

    def ledger(self) -> Ledger:
        """Every figure of the document as a typed entry, or as unplaced."""
        return self._ledger

    def export_ledger(self, ledger: Ledger, format: Literal["csv", "xlsx", "json"]) -> bytes:
        """A ledger, or a part of one, as a file to keep."""
        if format == "xlsx":
            return as_xlsx(ledger)
        return as_csv(ledger) if format == "csv" else as_json(ledger).encode()

    def _refuse_long(self, text: str) -> None:
        limit = self.settings.max_question_chars
        if len(text) > limit:
            raise RequestError(f"问题有 {len(text):,} 个字符，超过上限 {limit:,} 个，请缩短后再问。")

    def rank(self, question: Question) -> list[Evidence]:
        """The passages found for a question, best first; empty where nothing is found."""
        return self.rank_all([question])[0]

    def rank_all(self, questions: Sequence[Question]) -> list[list[Evidence]]:
        """``rank`` for several questions at once; their vectors are made together."""
        found = self.search_all(questions)
        return [
            order(question, passages, self.profile, self.weights.ranking)
            for question, passages in zip(questions, found, strict=True)
        ]

    def search_all(self, questions: Sequence[Question]) -> list[list[ScoredPassage]]:
        """The candidates for each question; both sides also look for the official words of everyday ones.

        The vector is the mean of two where an everyday word gives way to an official one, for the question as it is and
        for the question with the official word in its place.
        """
        queries = [self._without_own_place(simplified(question.text)) for question in questions]
        official = [
            self._in_official_words(question, query) for question, query in zip(questions, queries, strict=True)
        ]
        texts = list(dict.fromkeys((*queries, *official)))
        vectors = dict(zip(texts, self.index.embedder.encode_queries(texts), strict=True))
        found = []
        for question, query, other in zip(questions, queries, official, strict=True):
            words = " ".join(word for term in question.terms for word in term.alternatives[1:])
            mean = vectors[query] + vectors[other]
            found.append(
                self.index.search(
                    query,
                    k=self.settings.candidates,
                    keywords=f"{query} {words}",
                    query_vector=mean / np.linalg.norm(mean),
                )
            )
        return found

    def _in_official_words(self, question: Question, query: str) -> str:
        """The query with each everyday word that the document does not have replaced by an official one that it has."""
        text = before = fold(query)
        for term in question.terms:
            known = next((word for word in term.alternatives[1:] if word in self.profile.text), "")
            if known and term.text not in self.profile.text:
                text = text.replace(term.text, known)
        return text if text != before else query

    def _without_own_place(self, text: str) -> str:
        """The words to search with: the place that every passage is about tells none from another."""
        place = self.document.place
        for name in dict.fromkeys((place, place[:-1] if len(place) > 2 else place)):
            rest = text.replace(name, "") if name else text
            text = rest if len(rest) >= 4 else text
        return text

    def _members(self, reading: Reading) -> tuple[str, ...]:
        """The members of the list that a question is answered with; empty where it is no list."""
        if not reading.ranked:
            return ()
        listed: list[Statement] = []
        if reading.question.form is Form.LIST:
            passages = self.index.passages
            listed = compose.listing(reading.question, reading.ranked, self.document, passages, self.profile)
        if len(listed) > 1:
            return tuple(re.sub(r"^[（(]?[一二三四五六七八九十]+[）)、.]", "", statement.words) for statement in listed)
        return tuple(compose.enumerated(reading.ranked[0].passage, self.document))

    def _answer(self, text: str, plain: str, turns: Sequence[str]) -> Answer:
        question = understand(plain, self.document)
        header = header_passages(question, self.document, self.index.passages)
        if header:
            statements = [compose.state(passage, self.document) for passage in header]
            return self._gated(Answer(text, text, Status.NOT_FOUND, ""), statements, Status.ANSWERED, "", header[0])
        worked_out = self._compared(text, plain, turns) or self._listed(text, question)
        if worked_out:
            return worked_out
        started = time.perf_counter()
        wanted = account_wanted(plain)
        if wanted and (account := self._account(text, wanted, turns)):
            return replace(account, timings_ms={"answer": _ms(started)})
        reading = self.read(wanted.topic if wanted and wanted.is_explicit and wanted.topic else plain, turns)
        spent = _ms(started)  # hardly anything where the reading was remembered
        answer = self.answer(text, reading)
        steps = {step: min(took, spent) for step, took in reading.timings_ms.items()}
        return replace(answer, timings_ms={**steps, **answer.timings_ms})

    def _account(self, text: str, wanted: AccountWanted, turns: Sequence[str]) -> Answer | None:
        """The sentences that an account of something rests on, as they stand; ``None`` where a fact is the better answer."""
        about, passages = self._evidence_of(wanted, turns)
        if not passages:
            return None
        statements = [compose.state(p, self.document, span=(p.sentence_start, p.sentence_end)) for p in passages]
        base = Answer(text, about, Status.NOT_FOUND, "", is_extract=True)
        return self._gated(base, statements, Status.ANSWERED, "", passages[0])

    def _evidence_of(self, wanted: AccountWanted, turns: Sequence[str]) -> tuple[str, list[Passage]]:
        """What an account is about, in words, and the sentences it rests on, each once, the best first."""
        terms = understand(wanted.topic, self.document).terms if wanted.topic else ()
        if turns and wanted.is_explicit and (not terms or wanted.refers):
            earlier = range(max(0, len(turns) - MOST_TOPICS), len(turns)) if wanted.refers_to_several else [-1]
            asked = [(turns[at], turns[:at]) for at in earlier]
        elif terms:
            parts = [part for part in _TOPICS.split(wanted.topic) if understand(part, self.document).terms]
            asked = [(part, ()) for part in parts] if len(parts) >= LEAST_PARTS else [(wanted.topic, turns)]
        else:
            return "", []
        budget = EXTRACT_TOKENS // len(asked)
        found: dict[tuple[int, int], Passage] = {}
        topics = []
        for question, before in asked:
            again = account_wanted(simplified(tidy(question)))
            topic = again.topic if again and again.is_explicit and again.topic else simplified(tidy(question))
            reading = self.read(topic, before)
            is_how = not wanted.is_explicit and not (reading.ranked and reading.ranked[0].passage.field in TITLES)
            if is_how or not self._bears_account(reading):
                continue
            topics.append(reading.alone.text)
            years = reading.question.years
            told = [e for e in reading.ranked if not years or e.passage.year in (None, *years)] or reading.ranked
            for passage in evidence_sentences(told, self.index.passages, self.document, budget):
                found.setdefault((passage.sentence_start, passage.sentence_end), passage)
        return "；".join(topics), list(found.values())

    def _bears_account(self, reading: Reading) -> bool:
        """Whether the evidence of a reading is sure enough to tell of its topic, whatever form of answer its words want."""
        if not reading.ranked or not reading.question.terms:
            return False
        question = reading.question
        if question.form is not Form.WHY:
            question = replace(question, form=Form.WHAT, unit="", unit_class="")
        sure = self.weights.confidence.probability(describe_evidence(question, reading.ranked, self.profile))
        is_sure = sure >= LEAST_SURE or covers(question, reading.ranked[0], self.profile)
        return is_sure and not must_refuse(question, reading.ranked, self.profile)

    def _listed(self, text: str, question: Question) -> Answer | None:
        """A complete, counted list of figures, where a question asks for all of something; ``None`` elsewhere."""
        want = figure_lists.wanted(question, self.document)
        if want is None:
            return None
        if want.topic:
            found = self.index.search(want.topic, k=len(self.index.passages))
            names = [fold(word) for word in (want.topic, *everyday().get(want.topic, ()))]
            passages = figure_lists.under_topic(want, names, found, self.index.passages)
        else:
            passages = figure_lists.all_of(want, self._ledger, self.index.passages)
        if not passages:
            return None
        statements = [compose.state(passage, self.document) for passage in passages]
        about = f"标题或文字说到“{want.topic}”、" if want.topic else "文件中"
        opening = f"{about}带数字的内容共{an2cn(len(statements))}项："
        base = Answer(text, text, Status.NOT_FOUND, "")
        return self._gated(base, statements, Status.ANSWERED, opening, passages[0])

    def _compared(self, text: str, plain: str, turns: Sequence[str]) -> Answer | None:
        """Two years side by side, and their difference where it may be taken; ``None`` where none is asked for."""
        subject = comparison.asked(plain, self.document)
        year = self.document.year
        if subject is None or year is None:
            return None
        if not subject and turns:
            before = self.read(turns[-1], turns[:-1])
            subject = comparison.indicator_of(before.question.content_text)
        base = Answer(text, text, Status.NOT_FOUND, "")
        if not subject:
            return self._all_compared(base, comparison.direction(plain))
        found = [self._of_year(subject, one) for one in (year - 1, year)]
        if not any(found):
            return None
        pair = self._pair(found[0], found[1])
        passages = [passage for passage in pair if passage is not None]
        statements = [compose.state(passage, self.document) for passage in passages]
        alone = f"{subject}：{year - 1}年与{year}年对比"
        answer = self._gated(replace(base, standalone_question=alone), statements, Status.ANSWERED, "", passages[0])
        if answer.gate.removed:
            return None
        return replace(answer, answer=f"{answer.answer}\n{self._difference(pair, subject)}")

    def _of_year(self, subject: str, year: int) -> list[Passage]:
        """The passages with figures that answer for one year, best first; empty where the document does not say it."""
        ways = (f"{subject}{year}年是多少", f"{year}年{subject}多少")
        reading = next((r for r in (self.read(way, ()) for way in ways) if r.is_answered), None)
        if reading is None:
            return []
        ranked = [e for e in reading.ranked[:COMPARED] if e.passage.year == year and e.passage.figures]
        if not ranked:
            return []
        said = fold(ranked[0].passage.text + ranked[0].passage.heading())
        terms = understand(subject, self.document).terms
        named = {term.text for term in terms if any(fold(word) in said for word in term.alternatives)}
        is_named = 2 * sum(map(len, named)) > len(fold(subject)) or len(named) == len(terms) > 1
        return [e.passage for e in ranked] if is_named else []

    def _pair(self, earlier: Sequence[Passage], later: Sequence[Passage]) -> tuple[Passage | None, Passage | None]:
        """One passage of each year: the best of one year with the first of the other of the same indicator, if any."""
        if not earlier or not later:
            known = (earlier or later)[0]
            other_year = self._twin(known)
            return (known, other_year) if earlier else (other_year, known)
        for one, other in (
            *((earlier[0], passage) for passage in later),
            *((passage, later[0]) for passage in earlier),
        ):
            entries = self._entry(one), self._entry(other)
            if entries[0] and entries[1] and comparison.is_same_indicator(entries[0], entries[1]):
                return one, other
        return earlier[0], later[0]

    def _twin(self, passage: Passage) -> Passage | None:
        """A passage of another year that the ledger gives to the same indicator; ``None`` where there is none."""
        own = self._entry(passage)
        others = [
            e for e in self._ledger.entries if own and e.year != own.year and comparison.is_same_indicator(e, own)
        ]
        starts = {entry.figure_start for entry in others}
        return next((p for p in self.index.passages if any(f.start in starts for f in p.figures)), None)

    def _entry(self, passage: Passage) -> LedgerEntry | None:
        """What the ledger has for the figure that a passage ends in."""
        return next((e for e in self._ledger.entries if e.figure_start == passage.figures[-1].start), None)

    def _difference(self, pair: tuple[Passage | None, Passage | None], subject: str) -> str:
        """The difference of two years in a sentence, or why there is none."""
        earlier, later = pair
        year = self.document.year or 0
        if earlier is None or later is None:
            return f"文件未提及{year - 1 if earlier is None else year}年的“{subject}”，无法对比。"
        one, other = self._entry(earlier), self._entry(later)
        if one is None or other is None:
            return "两个数字不属于同一指标，不能相减。"
        reason = comparison.incomparable(one, other)
        return f"{reason}。" if reason else comparison.derived(comparison.Pair(one, other))

    def _all_compared(self, base: Answer, direction: int) -> Answer | None:
        """All indicators that two years give alike, or those that go down (-1) or up (1), each with its difference."""
        pairs = [
            pair
            for pair in comparison.pairs(self._ledger)
            if not direction or (pair.later.value - pair.earlier.value) * direction > 0
        ]
        by_figure = {figure.start: passage for passage in self.index.passages for figure in passage.figures}
        statements = [
            compose.state(by_figure[entry.figure_start], self.document)
            for pair in pairs
            for entry in (pair.earlier, pair.later)
        ]
        if not pairs:
            return None
        kept, report = run_gate(statements)
        if len(kept) < len(statements):
            return None
        numbers, cited = compose.number_citations(kept, self.documents)
        lines = []
        for place, pair in enumerate(pairs):
            first, second = numbers[2 * place], numbers[2 * place + 1]
            earlier, later = kept[2 * place], kept[2 * place + 1]
            lines.append(
                f"- {earlier.label}：{earlier.words}[{first}]；{later.label}：{later.words}[{second}]；"
                f"{comparison.formula(pair)}"
            )
        opening = f"两年都有、口径相同的指标共{an2cn(len(pairs))}项，各行末的差值为{comparison.DERIVED}：\n"
        return replace(
            base, status=Status.ANSWERED, answer=opening + "\n".join(lines), citations=tuple(cited), gate=report
        )

    def answer(self, text: str, reading: Reading) -> Answer:
        """The answer to a question as read; ``text`` is the question as typed."""
        started = time.perf_counter()
        question, ranked = reading.question, reading.ranked
        base = Answer(text, reading.alone.text, Status.NOT_FOUND, "")
        passages = self.index.passages
        counted = compose.counted_titles(question, passages) if question.form is Form.LIST else []
        if counted := compose.goals(question, passages) or counted:
            statements = [compose.state(passage, self.document) for passage in counted]
            opening = f"共{an2cn(len(counted))}项。"
            answer = self._gated(base, statements, Status.ANSWERED, opening, counted[0])
        elif reading.is_answered:
            answer = self._compose(base, reading)
        else:
            missing = missing_text(question, ranked, self.document, self.profile)
            answer = replace(base, answer=missing, nearest=self._nearest(ranked))
        return replace(answer, timings_ms={"answer": _ms(started)})

    def _compose(self, base: Answer, reading: Reading) -> Answer:
        question, ranked = reading.question, reading.ranked
        fitting = equally_fitting(question, ranked, self.document.year)
        best = ranked[0].passage
        meant = [evidence for evidence in fitting if evidence.passage.year in reading.earlier_years]
        if len(meant) == 1:
            ranked, fitting = promoted(meant[0], ranked), []
        if fitting:
            statements = [compose.state(evidence.passage, self.document) for evidence in fitting]
            return self._gated(base, statements, Status.CLARIFY, "这个问题有几种理解，计划中分别是：", best)
        if reading.alone.way is Way.LISTED and question.text in best.text:
            statements = [replace(compose.state(best, self.document), words=question.text)]
        elif question.form is Form.LIST:
            statements = compose.listing(question, ranked, self.document, self.index.passages, self.profile)
        else:
            statements = compose.facts(question, ranked, self.document)
        return self._gated(base, statements, Status.ANSWERED, "", best)

    def _gated(self, base: Answer, statements: list[Statement], status: Status, opening: str, best: Passage) -> Answer:
        kept, report = run_gate(statements)
        if not kept:
            kept, again = run_gate([compose.state(best, self.document, span=(best.start, best.end))])
            report = GateReport(again.figures, again.bound, report.removed)
        numbers, cited = compose.number_citations(kept, self.documents)
        text = opening + ("\n" if opening and len(kept) > 2 else "") + compose.written(kept, numbers)
        return replace(base, status=status, answer=text, citations=tuple(cited), gate=report)

    def _nearest(self, ranked: Sequence[Evidence]) -> tuple[Citation, ...]:
        statements = []
        seen: set[tuple[int, int]] = set()
        for evidence in ranked:
            span = (evidence.passage.start, evidence.passage.end)
            if span not in seen and evidence.passage.field in ("", "lead"):
                seen.add(span)
                statements.append(compose.state(evidence.passage, self.document, span=span))
            if len(statements) == NEAREST:
                break
        return tuple(compose.citation(s, n, self.document) for n, s in enumerate(statements, start=1))


def writable(text: str) -> str:
    """The text with what no file can hold (lone surrogates) replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _ms(start: float, end: float | None = None) -> float:
    return round(((end if end is not None else time.perf_counter()) - start) * 1000, 2)


def load_model(settings: Settings) -> Embedder:
    """The embedding model that the settings name, with the adapted weights that come with the program if bundled."""
    weights = Path(str(files("index").joinpath("weights/e5-plan.bin")))
    bundled = settings.embedding_model == BUNDLED
    return load_embedder(settings.embedding_model, weights if bundled and weights.is_file() else None)


def open_index_of(
    settings: Settings, sources: Iterable[Path] = (), progress: Callable[[int, int], None] | None = None
) -> Ensured:
    """Open the index of the bundled documents, or of others; one that is missing or stale is built first.

    Documents other than the bundled ones have an index folder of their own beside it.
    """
    paths = list(sources)
    documents = [load_document(path) for path in (paths or bundled_documents())]
    directory = settings.index_dir
    if paths:
        mark = "".join(document.sha256[:8] for document in documents)[:32]
        directory = directory.parent / f"{directory.name}-{mark}"
    return ensure_index(documents, directory, load_model(settings), progress=progress)


def open_assistant(
    settings: Settings, sources: Iterable[Path] = (), progress: Callable[[int, int], None] | None = None
) -> PlanAssistant:
    """The assistant on the bundled documents, or on others."""
    return PlanAssistant(open_index_of(settings, sources, progress).index, settings)
