"""Questions for an account of something: what it is about, and the sentences of the document that an account rests on.

A summary, an explanation, a comparison or plain words rest on several sentences. The quoting answerer lays these out as
they stand; a language model, where there is one, may word them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from assistant.compose import group_members
from assistant.evidence import Evidence
from corpus.types import Document, Passage
from index.tokens import count_tokens

# How far below the best the score of a sentence may lie, and of a title for what stands under it to count. With 4 and 1.5
# the evidence held .88 of what answers rest on, in 171 tokens (33 questions on the plan), .77 in 203 (another's report,
# 25 questions); with 2 it held .78 and .69, with 6 .89 and .79 in half as many tokens more.
SENTENCE_MARGIN = 4.0
TITLE_MARGIN = 1.5
TITLE_RANKS = 3  # a title further down is not what a question is about
TITLE_COVER = 0.6  # least share of the topic's words that a title holds (统筹城乡融合发展 is not about 文旅融合)
# The probability of an answer to a fact that is enough for an account: a topic is put in wider words than a fact. On the
# development questions this let three more of 58 be answered and none of 12 that should not.
LEAST_SURE = 0.3
EXTRACT_TOKENS = 450  # of the sentences together: some 750 characters, a page on a phone
LEAST_TOPIC = 2  # characters


@dataclass(frozen=True, slots=True)
class AccountWanted:
    """What an account is wanted of; ``topic`` is empty where the question only says how (用大白话再说一遍).

    ``is_explicit`` says that it asks for an account in so many words, not only how something is done.
    """

    topic: str
    is_explicit: bool
    refers: bool
    refers_to_several: bool


@dataclass(frozen=True, slots=True)
class _Words:
    asks: re.Pattern[str]
    how: re.Pattern[str]
    aside: tuple[re.Pattern[str], ...]
    refers: re.Pattern[str]
    refers_to_several: re.Pattern[str]


@cache
def _words() -> _Words:
    data = tomllib.loads(files("assistant").joinpath("wordlists/account.toml").read_text(encoding="utf-8"))
    return _Words(
        re.compile("|".join(data["asks"])),
        re.compile(data["how"]),
        tuple(map(re.compile, data["aside"])),
        re.compile(data["refers"]),
        re.compile(data["refers_to_several"]),
    )


def account_wanted(plain: str) -> AccountWanted | None:
    """What a question, in simplified characters, wants an account of; ``None`` where it wants a fact."""
    words = _words()
    is_explicit = bool(words.asks.search(plain))
    if not is_explicit and not words.how.search(plain):
        return None
    topic = plain
    for pattern in words.aside if is_explicit else ():
        topic = pattern.sub("", topic)
    topic = re.sub(r"[，,、\s]{2,}", "，", topic)
    topic = re.sub(r"^[，,。、：:？?！!\s的把将就]+|[，,。、：:\s？?！!]+$", "", topic)
    return AccountWanted(
        topic if len(topic) >= LEAST_TOPIC else "",
        is_explicit,
        bool(words.refers.search(topic)),
        bool(words.refers_to_several.search(topic)),
    )


def evidence_sentences(
    ranked: Sequence[Evidence], passages: Sequence[Passage], document: Document, budget: int
) -> list[Passage]:
    """The sentences that an account rests on, each as the passage that it was found by, best first.

    Args:
        ranked: What was found for the topic, best first; not empty.
        passages: All passages of the document.
        document: The document.
        budget: Tokens that the sentences may have together; the first is taken whatever its length.
    """
    chosen: dict[tuple[int, int], Passage] = {}
    spent = 0
    for passage in _candidates(ranked, passages):
        span = passage.sentence_start, passage.sentence_end
        if span in chosen:
            continue
        cost = count_tokens(document.text[slice(*span)])
        if chosen and spent + cost > budget:
            continue
        chosen[span] = passage
        spent += cost
    return list(chosen.values())


def _candidates(ranked: Sequence[Evidence], passages: Sequence[Passage]) -> Iterator[Passage]:
    """The clauses found, and those under a title among the first, as long as they fit nearly as well as the best."""
    best = ranked[0].score
    for rank, evidence in enumerate(ranked):
        passage, distance = evidence.passage, best - evidence.score
        if passage.is_header or (distance > SENTENCE_MARGIN and rank):
            continue
        if passage.field not in ("lead", "heading"):
            yield passage
        elif rank < TITLE_RANKS and distance <= TITLE_MARGIN and _names_topic(evidence):
            yield from within(passage, passages)


def _names_topic(evidence: Evidence) -> bool:
    """Whether a title holds most words of the topic, a lead any."""
    return evidence.passage.field == "lead" or sum(evidence.own) >= TITLE_COVER * len(evidence.own)


def within(opening: Passage, passages: Sequence[Passage]) -> list[Passage]:
    """The clauses under a title or a lead, those under its own titles and leads among them."""
    found = []
    for member in group_members(opening, passages):
        if member.is_clause:
            found.append(member)
        elif member.field == "topic":
            found += [p for p in passages if (p.sentence_start, p.is_clause) == (member.sentence_start, True)]
        else:
            found += within(member, passages)
    return found
