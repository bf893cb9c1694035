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
    "dev": QUESTIONS / "accounts.jsonl",
    "sealed": QUESTIONS / "accounts-sealed.jsonl",
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


def text_table(runs: Mapping[str, Sequence[AccountScore]]) -> str:
    """The means of several answerers side by side, one line each."""
    lines = [
        "回答器          正确   可答正确  要点覆盖  误拒   该拒而拒  数字有据  摘录p50   首句p50   全文p50 "
        "  模型作答  改后  退回  句子通过  可判  词元"
    ]
    for name, scores in runs.items():
        lines.append(_line(name, scores))
    return "\n".join(lines)


def _line(name: str, scores: Sequence[AccountScore]) -> str:
    answerable = [score for score in scores if score.case.answerable]
    others = [score for score in scores if not score.case.answerable]
    made = [score.answer.generation for score in scores if score.answer.generation is not None]
    outcomes = Counter(generation.outcome for generation in made)
    judged, bound_ = sum(g.judged for g in made), sum(g.bound for g in made)
    sentences, words = sum(g.sentences for g in made), [g.answer_tokens for g in made]
    firsts = [score.first for score in scores if score.first is not None]
    cells = (
        f"{name:<14}",
        f"{_mean(score.right for score in scores):6.3f}",
        f"{_mean(score.right for score in answerable):8.3f}",
        f"{_mean(score.points or 0.0 for score in answerable):8.3f}",
        f"{_mean(score.refused for score in answerable):6.3f}",
        f"{_mean(score.refused for score in others):8.3f}",
        f"{_mean(score.bound for score in scores):8.3f}",
        f"{median(score.quotation for score in scores):7.2f}s",
        f"{median(firsts):8.2f}s" if firsts else "        –",
        f"{median(score.total for score in scores):8.2f}s",
        f"{outcomes[Outcome.WRITTEN]:6d}",
        f"{outcomes[Outcome.MENDED]:8d}",
        f"{outcomes[Outcome.FELL_BACK]:5d}",
        f"{bound_}/{judged}",
        f"{judged}/{sentences}",
        f"{round(fmean(words)) if words else 0}",
    )
    return "  ".join(cells)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return fmean(listed) if listed else 0.0
