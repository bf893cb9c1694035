"""The assistant: one question in, one answer out. Each step is a function of its own; this file strings them together."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from assistant import compose
from assistant.confidence import (
    Confidence,
    describe_evidence,
    form_met,
    near_cover,
    relation_differs,
    unit_clashes,
)
from assistant.evidence import FEATURES, Evidence, Profile, leans, longest_name, matched, order, term_weights
from assistant.gate import Statement, run_gate
from assistant.header import asks_for_somebody, header_passages
from assistant.history import StandAlone, joined, names_something, stand_alone
from assistant.homophones import Homophones
from assistant.normalise import fold, simplified, tidy
from assistant.question import Form, Question, Term, understand
from assistant.settings import Settings, bundled_documents
from assistant.types import Answer, Citation, GateReport, Status
from assistant.wording import Located, WordingChecker, claim_in
from assistant.wordlists import place_stem_pattern, question_words
from corpus.errors import RequestError
from corpus.figures import find_figures
from corpus.load import load_document
from corpus.types import Document, Passage
from index.build import Ensured, ensure_index
from index.embedder import BUNDLED, Embedder, load_embedder
from index.retrieve import Index
from index.types import ScoredPassage

_NAMES = re.compile(r"分别|都是|名单|哪些|哪几|哪[二两三四五六七八九十\d]|具体|叫什么")
FULL_COVER = 0.85
HELD = 0.6  # share of a follow-up's words that the passage found must hold for its first reading to stand
MAX_READINGS = 4
CLARIFY_MARGIN = 0.6  # score distance under which two readings count as equal; chosen on the development questions
NEAREST = 3


@dataclass(frozen=True, slots=True)
class Weights:
    """Fitted weights of the ranking and of the confidence, with the confidence below which nothing is claimed."""

    ranking: tuple[float, ...]
    confidence: Confidence
    threshold: float


@cache
def bundled_weights() -> Weights:
    """The weights that come with the program; ``evals/fit.py`` makes them."""
    data = json.loads(files("assistant").joinpath("weights/evidence.json").read_text(encoding="utf-8"))
    return Weights(
        ranking=tuple(data["ranking"][name] for name in FEATURES),
        confidence=Confidence.read(data["confidence"]),
        threshold=data["threshold"],
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as read in its conversation, with the evidence found for it, best first."""

    alone: StandAlone
    question: Question
    ranked: Sequence[Evidence]
    is_answered: bool
    timings_ms: Mapping[str, float]

    def holds(self, terms: Sequence[Term], profile: Profile) -> float:
        """The share of ``terms`` that the best passage's own words and subject hold; 1 where there are no terms."""
        if not self.ranked or not terms:
            return float(not terms)
        folded = profile.folded[self.ranked[0].passage.passage_id]
        return sum(matched(term.alternatives, folded.text + folded.subject) for term in terms) / len(terms)


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
            answer = self._check(text, claim)
        elif question_words().declined.search(plain):
            answer = Answer(question, text, Status.DECLINED, declined_text(self.document))
        else:
            answer = self._answer(text, plain, turns)
        timings = {**answer.timings_ms, "total": _ms(started)}
        return replace(answer, question=writable(question), id=id, timings_ms=timings)

    def _warm_up(self) -> None:
        """Load dictionaries and tables now, so that the first question does not wait for them."""
        self.rank(understand("2024年地区生产总值增长百分之几", self.document))
        place_stem_pattern()

    def _read(self, plain: str, turns: Sequence[str]) -> Reading:
        """The question as it is best read in its conversation.

        The first way to read it holds where the passage found has the words of the question as typed; else that way is
        taken which is answered and whose passage has most of them.
        """
        turns = [turn for turn in turns if not claim_in(simplified(tidy(turn)))]
        first = self._reading(self.stand_alone(self.homophones.repair(plain), turns))
        typed = [term for term in understand(plain, self.document).terms if names_something(term.text)]
        if not turns or (first.is_answered and first.holds(typed, self.profile) >= HELD):
            return first
        others = []
        if first.alone.is_follow_up and len(typed) >= 2:
            others.append(StandAlone(plain, False, first.alone.earlier_years, first.alone.previous))
        others.append(joined(first.alone.previous, plain))
        readings = [first, *map(self._reading, others)]
        return max(readings, key=lambda reading: (reading.is_answered, reading.holds(typed, self.profile)))

    def _reading(self, alone: StandAlone) -> Reading:
        started = time.perf_counter()
        question = understand(alone.text, self.document)
        understood = time.perf_counter()
        ranked = prefer_unit(question, prefer_level(question, prefer_asked_year(question, self.rank(question))))
        timings = {"understand": _ms(started, understood), "retrieve": _ms(understood)}
        return Reading(alone, question, ranked, self._is_answered_by(question, ranked), timings)

    def check(self, words: str) -> Answer:
        """Check words against the document; the same as asking “核对：…”."""
        text = tidy(words)
        if not text:
            raise RequestError("要核对的文字是空的，请粘贴一句话。")
        self._refuse_long(text)
        return self._check(text, text)

    def _refuse_long(self, text: str) -> None:
        limit = self.settings.max_question_chars
        if len(text) > limit:
            raise RequestError(f"问题有 {len(text):,} 个字符，超过上限 {limit:,} 个，请缩短后再问。")

    def rank(self, question: Question) -> list[Evidence]:
        """The passages found for a question, best first; empty where nothing is found."""
        return order(question, self.search(question), self.profile, self.weights.ranking)

    def search(self, question: Question) -> list[ScoredPassage]:
        """The candidates for a question; the keyword side also looks for the official words of everyday ones."""
        official = " ".join(word for term in question.terms for word in term.alternatives[1:])
        query = self._without_own_place(simplified(question.text))
        return self.index.search(query, k=self.settings.candidates, keywords=f"{query} {official}")

    def _without_own_place(self, text: str) -> str:
        """The words to search with: the place that every passage is about tells none from another."""
        place = self.document.place
        for name in dict.fromkeys((place, place[:-1] if len(place) > 2 else place)):
            rest = text.replace(name, "") if name else text
            text = rest if len(rest) >= 4 else text
        return text

    def stand_alone(self, question: str, turns: Sequence[str]) -> StandAlone:
        """The question made stand-alone."""
        return stand_alone(question, turns, self.profile, self._members)

    def _members(self, question: str) -> list[str]:
        """The members of the list that a question is answered with."""
        ranked = self.rank(understand(question, self.document))
        return enumerated(self.document, ranked[0].passage) if ranked else []

    def _answer(self, text: str, plain: str, turns: Sequence[str]) -> Answer:
        header = header_passages(understand(plain, self.document), self.document, self.index.passages)
        if header:
            statements = [compose.state(passage, self.document) for passage in header]
            return self._gated(Answer(text, text, Status.NOT_FOUND, ""), statements, Status.ANSWERED, "", header[0])
        reading = self._read(plain, turns)
        question, ranked = reading.question, reading.ranked
        started = time.perf_counter()
        base = Answer(text, reading.alone.text, Status.NOT_FOUND, "", timings_ms=dict(reading.timings_ms))
        passages = self.index.passages
        counted = compose.counted_titles(question, passages) if question.form is Form.LIST else []
        if counted := compose.goals(question, passages) or counted:
            statements = [compose.state(passage, self.document) for passage in counted]
            answer = self._gated(base, statements, Status.ANSWERED, "", counted[0])
        elif reading.is_answered:
            answer = self._compose(base, question, ranked, reading.alone.earlier_years)
        else:
            missing = missing_text(question, ranked, self.document, self.profile)
            answer = replace(base, answer=missing, nearest=self._nearest(ranked))
        answer.timings_ms["answer"] = _ms(started)
        return answer

    def _is_answered_by(self, question: Question, ranked: Sequence[Evidence]) -> bool:
        """Whether the document answers the question: sure enough, or wholly covered, and nothing speaks against it."""
        if not ranked or not question.terms or must_refuse(question, ranked, self.profile):
            return False
        features = describe_evidence(question, ranked, self.profile)
        sure = self.weights.confidence.probability(features)
        if self.settings.min_confidence is not None:
            return sure >= self.settings.min_confidence
        return sure >= self.weights.threshold or covers(question, ranked[0], self.profile)

    def _compose(
        self, base: Answer, question: Question, ranked: Sequence[Evidence], earlier_years: Sequence[int]
    ) -> Answer:
        readings = equal_readings(question, ranked, self.document.year)
        best = ranked[0].passage
        meant = [reading for reading in readings if reading.passage.year in earlier_years]
        if len(meant) == 1:
            ranked, readings = promoted(meant[0], ranked), []
        if readings:
            statements = [compose.state(reading.passage, self.document) for reading in readings]
            return self._gated(base, statements, Status.CLARIFY, "这个问题有几种理解，计划中分别是：", best)
        if question.form is Form.LIST:
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

    def _check(self, text: str, claim: str) -> Answer:
        check, located = self.checker.check(claim)
        base = Answer(text, text, Status.ANSWERED, "", wording_check=check)
        if located is None or check.verdict == "not_found":
            nearest = (self._citation_at(located),) if located else ()
            return replace(base, status=Status.NOT_FOUND, answer="文件中没有找到这一表述。", nearest=nearest)
        said = "与原文一致：" if check.verdict == "match" else "与原文不一致，原文是："
        return replace(
            base,
            answer=f"{said}“{check.original}”。[1]",
            citations=(self._citation_at(located),),
            gate=_all_bound(check.original),
        )

    def _citation_at(self, located: Located) -> Citation:
        passage = next(
            (p for p in self.index.passages if p.sentence_start <= located.start < p.sentence_end),
            self.index.passages[0],
        )
        statement = compose.state(passage, self.document, span=(located.start, located.end))
        return compose.citation(statement, 1, self.document)


def writable(text: str) -> str:
    """The text with what no file can hold (lone surrogates) replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _all_bound(quote: str) -> GateReport:
    count = len(find_figures(quote))
    return GateReport(count, count, 0)


def enumerated(document: Document, passage: Passage) -> list[str]:
    """The members that a passage's clause names side by side, without what opens and closes the list."""
    if not passage.is_clause:
        return []
    start, end = compose.clause_span(passage, document)
    text = re.sub(r"等\d*[个家项]?[^、]*$", "", document.text[start:end])
    parts = [part.strip("“”") for part in text.split("、")]
    return (
        [re.sub(r"^(?:推进|推动|实施|加快|建设|开展|加快推进|全力推进|力促|包括)+", "", part) for part in parts]
        if len(parts) > 1
        else []
    )


def equal_readings(question: Question, ranked: Sequence[Evidence], plan_year: int | None) -> list[Evidence]:
    """Two to four readings that fit a question for a figure equally well; empty where one fits best.

    Readings differ in year where the question names none, or in their subject where its words fit both. Where more
    would do, those of the year planned for are given.
    """
    best = ranked[0]
    if question.form is not Form.AMOUNT or not best.passage.figures or not best.passage.is_clause or not best.own:
        return []
    if min(best.own) < 0.5 or len(question.years) > 1:
        return []
    readings = [
        e for e in ranked[:15]
        if e.passage.figures and e.passage.is_clause
        and ((e.fits_like(best) and (best.score - e.score <= CLARIFY_MARGIN or _is_twin(question, e, best)))
             or _shares_quote(question, e, best))
    ]  # fmt: skip
    if any(not e.feature("percent_unasked") for e in readings):
        readings = [e for e in readings if not e.feature("percent_unasked")]
    unique = list({e.passage.text + str(e.passage.year): e for e in reversed(readings)}.values())
    if len(unique) > MAX_READINGS:
        unique = [e for e in unique if e.passage.year == plan_year][:MAX_READINGS]
    return sorted(unique, key=lambda e: e.passage.start) if len(unique) > 1 else []


def promoted(first: Evidence | None, ranked: Sequence[Evidence]) -> list[Evidence]:
    """The evidence with one piece put first; unchanged where there is none to put first."""
    return list(ranked) if first is None else [first, *(e for e in ranked if e is not first)]


def prefer_asked_year(question: Question, ranked: list[Evidence]) -> list[Evidence]:
    """Put the passage of the year asked about first where the best one says the same of another year."""
    if not ranked or not question.years or ranked[0].passage.year in (None, *question.years):
        return ranked
    asked = (e for e in ranked[1:10] if e.passage.year in question.years and e.fits_like(ranked[0]))
    return promoted(next(asked, None), ranked)


def _shares_quote(question: Question, one: Evidence, other: Evidence) -> bool:
    """Whether “分别” gives two passages of one quotation a figure each and no word of the question chooses between them."""
    if one.passage.start >= other.passage.end or other.passage.start >= one.passage.end:
        return False
    if {figure.unit for figure in one.passage.figures} != {figure.unit for figure in other.passage.figures}:
        return False
    texts = fold(one.passage.text), fold(other.passage.text)
    pairs = [word[i : i + 2] for term in question.terms for word in term.alternatives for i in range(len(word) - 1)]
    return not any((pair in texts[0]) != (pair in texts[1]) for pair in pairs)


def prefer_level(question: Question, ranked: list[Evidence]) -> list[Evidence]:
    """Put the amount before its rate of growth where the question asks for no rate (进出口总额是多少)."""
    if not ranked or not ranked[0].feature("percent_unasked"):
        return ranked
    best = ranked[0]
    levels = (
        e for e in ranked[1:10]
        if e.is_beside(best) and e.passage.figures and not e.feature("percent_unasked") and e.fits_like(best)
    )  # fmt: skip
    return promoted(next(levels, None), ranked)


def prefer_unit(question: Question, ranked: list[Evidence]) -> list[Evidence]:
    """Put a figure of the kind asked for first where the best passage's sentence goes on to it (培训3000人，人均增收1.5万元)."""
    if not ranked or question.form is not Form.AMOUNT or not unit_clashes(question, ranked[0].passage):
        return ranked
    best = ranked[0]
    going_on = (
        e for e in ranked[1:6]
        if e.is_beside(best) and e.passage.figures and not unit_clashes(question, e.passage) and leans(e.passage.text)
    )  # fmt: skip
    return promoted(next(going_on, None), ranked)


def _is_twin(question: Question, one: Evidence, other: Evidence) -> bool:
    """Whether two passages say the same thing of two years and the question does not choose between them."""
    return (
        not question.years
        and question.kind is None
        and one.passage.year != other.passage.year
        and one.feature("cover") >= 0.8
    )


def must_refuse(question: Question, ranked: Sequence[Evidence], profile: Profile) -> bool:
    """Whether what the question insists on is certainly not in the evidence: its year, its place, its unit."""
    best = ranked[0]
    passage = best.passage
    if passage.is_header:
        return asks_for_somebody(question)
    if question.places and best.feature("place_missing"):
        return True
    if question.form in (Form.WHERE, Form.WHEN) and not form_met(question, best, profile):
        return True
    if question.form is Form.AMOUNT and (not passage.figures or unit_clashes(question, passage)):
        return True
    if question.form is Form.AMOUNT and names_unknown_abbreviation(question, profile):
        return True
    if relation_differs(question, passage) or (question.form is Form.AMOUNT and names_another(question, best, profile)):
        return True
    if (
        question.form is Form.LIST
        and passage.figures
        and not form_met(question, best, profile)
        and _NAMES.search(question.folded)
    ):
        return True
    if not question.years:
        return False
    if (
        question.form is not Form.YESNO
        and passage.is_clause
        and passage.figures
        and question.insists_on_kind
        and len(question.years) < 2
        and question.kind not in (None, passage.kind)
    ):
        return True
    if any(str(year) in passage.context for year in question.years):
        return False
    return passage.year not in (None, *question.years) or not any(year in profile.years for year in question.years)


def covers(question: Question, best: Evidence, profile: Profile) -> bool:
    """Whether passage and surroundings hold nearly all words of the question and the form of answer that it wants.

    A question of one word must have it in the passage itself. On the training questions this let hardly an unanswerable
    one through that the probability alone would have refused.
    """
    if len(question.terms) == 1:
        return best.own[0] == 1 and len(question.terms[0].text) >= 2 and form_met(question, best, profile)
    full = min(best.feature("cover_wide"), near_cover(term_weights(question.terms, profile), best)) >= FULL_COVER
    return full and form_met(question, best, profile)


def names_another(question: Question, best: Evidence, profile: Profile) -> bool:
    """Whether the question names something of the document word for word and the passage holds no word of it.

    On the training questions this never refused a right answer for a figure, and caught 10 wrong ones.
    """
    name = longest_name(question, profile)
    inside = [
        share
        for term, share in zip(question.terms, best.near, strict=True)
        if name and len(term.text) >= 2 and (term.text in name or name in term.text)
    ]
    return bool(inside) and sum(inside) / len(inside) < 0.5


def names_unknown_abbreviation(question: Question, profile: Profile) -> bool:
    """Whether the question names something in letters (CPI, PM10) that the document has under none of its names."""
    return any(
        term.text.isascii()
        and len(term.text) >= 2
        and any(c.isalpha() for c in term.text)
        and not any(word in profile.text for word in term.alternatives)
        for term in question.terms
    )


def missing_text(question: Question, ranked: Sequence[Evidence], document: Document, profile: Profile) -> str:
    """One sentence that says what the document does not say: this year, this place, this detail or this indicator."""
    subject = "".join(dict.fromkeys(t.text for t in question.terms))[:30]
    name = f"《{document.title}》" if document.title else "文件"
    if question.places:
        return f"文件未提及{'、'.join(question.places)}的相关情况，{name}只涉及{document.place or '本地'}。"
    absent = [year for year in question.years if year not in profile.years]
    if absent:
        return f"文件未提及{'、'.join(f'{y}年' for y in absent)}的{subject or '情况'}。"
    if ranked and question.years and ranked[0].passage.year not in (None, *question.years):
        return f"文件未提及{question.years[0]}年的{subject}。"
    if ranked and ranked[0].feature("cover_wide") >= 0.6 and not form_met(question, ranked[0], profile):
        detail = {
            Form.AMOUNT: "具体数值", Form.WHEN: "具体时间", Form.WHY: "原因", Form.WHO: "具体名称", Form.WHERE: "具体地点", Form.LIST: "具体名单",
        }.get(question.form, "具体内容")  # fmt: skip
        return f"文件提到了相关内容，但未提及“{subject}”的{detail}。"
    return f"文件未提及“{subject}”。" if subject else "文件未提及这一内容，请换一种问法，写明想了解的指标或项目。"


def declined_text(document: Document) -> str:
    """What is said to a question that is none about the document."""
    name = f"《{document.title}》" if document.title else "这份文件"
    return f"我只回答{name}写明的内容，这个问题不在其中。可以问其中的指标、项目、目标和完成情况。"


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
