"""Complete lists of figures: which part of the ledger a question wants to see, and what there is under its topic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.account import within
from assistant.ledger import EntryKind, Ledger
from assistant.normalise import fold
from assistant.question import Question
from corpus.types import Document, Kind, Passage
from index.types import ScoredPassage

_LISTS = re.compile(
    r"列出|列一下|列举|列个|罗列|汇总|梳理|盘点|一览|清单|台账|哪些|有什么|有啥|都有|全部|所有|多少个(?=指标|目标|数字)|几个(?=指标|目标|数字)"
)
_FIGURES = re.compile(
    r"完成情况|成绩单|(?:数字|量化|定量|数据|硬|约束性|预期性)?(?:指标|目标任务|目标)|数字(?!政府|经济|人民币|化|赋能|乡村|农业|基础|产业|技术)|数据(?!要素|中心|平台|局)|数值"
)
_MAIN = re.compile(r"主要|预期|核心|总体|约束性|奋斗")
_ASIDE = re.compile(
    r"[12]\d{3}年?|今年|去年|上年|明年|本年|年度?|计划|文件|报告|规划|里面?|中(?=$|[的有])|提出|提到|设定|设置|确定|规定|定了?下?|给出|涉及|列出来|列出|列一下|列举|列个|罗列|汇总|梳理|盘点|一览表?|清单|台账"
    r"|哪些|有什么|有啥|都有|全部|所有|多少个|几个|带数字|量化|定量|具体|相关|有关|关于|方面|领域|工作|实际|完成情况?|完成|结果|任务|我|请|帮|把|给|看看|一下|的|了|和|与|是|在|有|都|吗|呢|[^\w]"
)
# Least cosine at which a title is taken to speak of a topic. With the bundled model titles on ten topics of the plan that
# do so have .48 and more (生态环境: 全面提升生态优势), the best that do not .45 (乡村振兴: 着力发展现代农业).
SPEAKS_OF = 0.46
_OPENING_CLAUSES = 4  # clauses of a sentence for all of which the topic of the first holds


@dataclass(frozen=True, slots=True)
class Wanted:
    """Figures that a question wants listed: under which topic (empty for all), of which years and kind."""

    topic: str
    years: tuple[int, ...]
    kind: Kind | None


def wanted(question: Question, document: Document) -> Wanted | None:
    """What a question wants listed; ``None`` where it does not ask for all figures of something.

    The main goals, which plans name by themselves, are no matter of this.
    """
    text = question.folded
    if not _LISTS.search(text) or not _FIGURES.search(text):
        return None
    rest = _FIGURES.sub(" ", text)
    is_main = bool(_MAIN.search(rest))
    for name in (document.place, document.place[:-1] if len(document.place) > 2 else ""):
        rest = rest.replace(name, " ") if name else rest
    topic = "".join(_ASIDE.sub(" ", rest).split())
    asks_all = re.search(r"指标|数字|数据|数值|完成情况|成绩单", text) is not None
    if is_main or (not topic and not asks_all) or len(topic) > 12:
        return None
    return Wanted(topic, question.years, question.kind)


def all_of(want: Wanted, ledger: Ledger, passages: Sequence[Passage]) -> list[Passage]:
    """The passages that bear the figures of the years and kind wanted, in reading order."""
    return _bearing(
        passages, want, {entry.figure_start for entry in ledger.entries if entry.kind is not EntryKind.COUNT}
    )


def under_topic(
    want: Wanted, names: Sequence[str], found: Sequence[ScoredPassage], passages: Sequence[Passage]
) -> list[Passage]:
    """The passages with figures that name a topic, or stand under a title that speaks of it, in reading order.

    Args:
        want: What is asked for.
        names: The words for the topic, as asked and as the document may have them, folded.
        found: What a search for the topic finds.
        passages: All passages of the document.
    """
    inside = [passage for passage in passages if _names(names, passage)]
    for scored in found:
        title = scored.passage
        speaks = scored.dense >= SPEAKS_OF or any(name in fold(title.text) for name in names)
        if title.field in ("heading", "lead") and speaks:
            inside += within(title, passages)
    return _bearing(inside, want, None)


def _names(names: Sequence[str], passage: Passage) -> bool:
    """Whether a passage names the topic: in its words, its subject, or the clause that opens a short sentence."""
    said = passage.text + passage.subject
    parts = re.split("[，；]", passage.context)
    if len(parts) <= _OPENING_CLAUSES:
        said += parts[0]
    return any(name in fold(said) for name in names)


def _bearing(passages: Iterable[Passage], want: Wanted, starts: set[int] | None) -> list[Passage]:
    """Those of some passages that bear figures (of those that begin at ``starts``), of the years and kind wanted."""
    kept = {
        (p.start, p.text): p
        for p in passages
        if p.is_clause
        and any(starts is None or figure.start in starts for figure in p.figures)
        and (not want.years or p.year in want.years)
        and (want.kind is None or p.kind is want.kind)
    }
    return sorted(kept.values(), key=lambda p: (p.figures[-1].start, p.start))
