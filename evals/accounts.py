"""Questions for an account (a summary, an explanation, plain words): how much of what belongs there is said, and is it so.

There is no one right wording, so each question names its points: facts or names, each in every spelling that counts. An
account is right where it says as many as it must and none of the values that would be wrong there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.types import Answer, Outcome, Status
from corpus.types import Document
from evals.fold import contains, without_marks
from evals.grade import bound, citations_slice
from evals.run import QUESTIONS, Answerer
from evals.types import EvalCase, QuestionFileError, json_lines

SUITES: Mapping[str, Path] = {
    "dev": QUESTIONS / "accounts" / "dev.jsonl",
    "sealed": QUESTIONS / "accounts" / "sealed.jsonl",
}
_REFUSALS = (Status.NOT_FOUND, Status.DECLINED)


class AccountCase(BaseModel):
    """One question for an account; ``must`` of its ``points`` make it right, ``trap_values`` make it wrong."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1)
    type: str
    turns: tuple[str, ...] = ()
    question: str = Field(min_length=1)
    answerable: bool
    gold_spans: tuple[str, ...] = ()
    points: tuple[tuple[str, ...], ...] = ()
    must: int = 0
    trap_values: tuple[str, ...] = ()

    def as_eval_case(self) -> EvalCase:
        """The question as the measures of figures and citations take it."""
        return EvalCase(
            id=self.id,
            type="unanswerable" if not self.answerable else "list",
            turns=self.turns,
            question=self.question,
            answerable=self.answerable,
            gold_values=tuple(point[0] for point in self.points),
            gold_spans=self.gold_spans,
        )


@dataclass(frozen=True, slots=True)
class AccountScore:
    """What became of one question; times in seconds from the question, ``first`` to the first checked words of a model.

    ``points`` is the share of the points that are said, ``None`` for an unanswerable question.
    """

    case: AccountCase
    answer: Answer
    right: bool
    refused: bool
    bound: bool
    points: float | None
    quotation: float
    first: float | None
    total: float


def load_accounts(path: Path) -> tuple[AccountCase, ...]:
    """The questions of a JSONL file.

    Raises:
        QuestionFileError: The file is missing or a line cannot be used.
    """
    cases = []
    for number, data in json_lines(path):
        try:
            cases.append(AccountCase.model_validate(data))
        except ValidationError as error:
            raise QuestionFileError(f"{path} 第 {number} 行不能用作评测题：{error.errors()[0]['msg']}。") from None
    return tuple(cases)


def run_accounts(
    answerer: Answerer, cases: Sequence[AccountCase], on_step: Callable[[int, int], None] | None = None
) -> list[AccountScore]:
    """Ask every question once, in order."""
    scores = []
    for number, case in enumerate(cases, start=1):
        scores.append(_asked(answerer, case))
        if on_step:
            on_step(number, len(cases))
    return scores


def _asked(answerer: Answerer, case: AccountCase) -> AccountScore:
    start = time.perf_counter()
    stream = getattr(answerer, "stream", None)
    states = stream(case.question, case.turns) if stream else iter([answerer.ask(case.question, case.turns)])
    answer: Answer | None = None
    quotation: float = 0.0
    first: float | None = None
    for state in states:
        now = time.perf_counter() - start
        quotation = quotation or now
        if first is None and state.generation is not None and state.answerer != "quote":
            first = now
        answer = state
    assert answer is not None
    return score(case, answer, answerer.documents, quotation, first, time.perf_counter() - start)


def score(
    case: AccountCase,
    answer: Answer,
    documents: Mapping[str, Document],
    quotation: float = 0.0,
    first: float | None = None,
    total: float = 0.0,
) -> AccountScore:
    """Grade one account."""
    said = without_marks(answer.answer)
    told = [any(contains(said, spelling) for spelling in point) for point in case.points]
    refused = answer.status in _REFUSALS
    traps = [trap for trap in case.trap_values if contains(said, trap)]
    is_right = refused if not case.answerable else not refused and sum(told) >= case.must and not traps
    plain = case.as_eval_case()
    is_bound = bool(bound(plain, answer).value and citations_slice(plain, answer, documents).value)
    points = fmean(told) if told else None
    return AccountScore(case, answer, is_right, refused, is_bound, points, quotation, first, total)


@dataclass(frozen=True, slots=True)
class AccountMeans:
    """The means over one run; shares from 0 to 1, times in seconds, ``first`` is ``None`` where no model was asked.

    ``bound_sentences`` of the ``judged`` ones passed the gate, of ``sentences`` that a model wrote.
    """

    right: float
    right_answerable: float
    points: float
    refused_answerable: float
    refused_others: float
    bound: float
    quotation: float
    first: float | None
    total: float
    outcomes: Mapping[Outcome, int]
    bound_sentences: int
    judged: int
    sentences: int
    tokens: float


def means(scores: Sequence[AccountScore]) -> AccountMeans:
    """The means of the scores, times as medians."""
    answerable = [score for score in scores if score.case.answerable]
    others = [score for score in scores if not score.case.answerable]
    made = [score.answer.generation for score in scores if score.answer.generation is not None]
    firsts = [score.first for score in scores if score.first is not None]
    return AccountMeans(
        right=_mean(score.right for score in scores),
        right_answerable=_mean(score.right for score in answerable),
        points=_mean(score.points or 0.0 for score in answerable),
        refused_answerable=_mean(score.refused for score in answerable),
        refused_others=_mean(score.refused for score in others),
        bound=_mean(score.bound for score in scores),
        quotation=median(score.quotation for score in scores),
        first=median(firsts) if firsts else None,
        total=median(score.total for score in scores),
        outcomes=Counter(generation.outcome for generation in made),
        bound_sentences=sum(generation.bound for generation in made),
        judged=sum(generation.judged for generation in made),
        sentences=sum(generation.sentences for generation in made),
        tokens=_mean(generation.answer_tokens for generation in made),
    )


def rows(runs: Mapping[str, Sequence[AccountScore]]) -> list[tuple[str, ...]]:
    """The means as cells, a head first, then one row for each answerer."""
    head = ("回答器", "题数", "正确", "可答的正确", "要点覆盖", "误拒", "该拒而拒", "数字有据", "摘录 p50", "首句 p50", "全文 p50",
            "照写/改后/退回", "句子通过", "可判", "平均词元")  # fmt: skip
    table: list[tuple[str, ...]] = [head]
    for name, scores in runs.items():
        mean = means(scores)
        written, mended, fell_back = (
            mean.outcomes.get(outcome, 0) for outcome in (Outcome.WRITTEN, Outcome.MENDED, Outcome.FELL_BACK)
        )
        table.append(
            (
                name, str(len(scores)), f"{mean.right:.3f}", f"{mean.right_answerable:.3f}", f"{mean.points:.3f}",
                f"{mean.refused_answerable:.3f}", f"{mean.refused_others:.3f}", f"{mean.bound:.3f}",
                f"{mean.quotation:.2f} s", "–" if mean.first is None else f"{mean.first:.2f} s", f"{mean.total:.2f} s",
                f"{written}/{mended}/{fell_back}", f"{mean.bound_sentences}/{mean.judged}",
                f"{mean.judged}/{mean.sentences}", f"{mean.tokens:.0f}",
            )
        )  # fmt: skip
    return table


def text_table(runs: Mapping[str, Sequence[AccountScore]]) -> str:
    """The means of several answerers side by side, as lines of cells parted by tabs."""
    return "\n".join("\t".join(row) for row in rows(runs))


def as_markdown(runs: Mapping[str, Sequence[AccountScore]], *, is_sealed: bool) -> str:
    """The means, and every question with what each answerer said; sealed questions are left out."""
    head, *table = rows(runs)
    lines = ["# 概括、解释类问题", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in table]
    if is_sealed:
        return "\n".join([*lines, ""])
    for number, first in enumerate(next(iter(runs.values()))):
        lines += ["", f"## {first.case.id} {' → '.join((*first.case.turns, first.case.question))}", ""]
        for name, scores in runs.items():
            score = scores[number]
            points = "" if score.points is None else f"，要点 {score.points:.2f}"
            lines += [f"**{name}**（{'对' if score.right else '错'}{points}）", "", score.answer.answer, ""]
    return "\n".join(lines)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return fmean(listed) if listed else 0.0
