"""The figure gate: nothing is said that its citation does not bear.

An answer is a list of statements, each with the quotation it rests on. A figure is bound when the same figure (number,
unit and bound word) stands in that quotation between characters that are no digits, the words before it stand there
too, and the year that the statement names is the passage's own. A statement with an unbound figure is taken out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.normalise import fold
from assistant.types import GateReport
from corpus.figures import find_figures
from corpus.passages import compound_parts, shared_out
from corpus.types import Figure, Kind

_KIND_WORDS = (("实际", Kind.RESULT), ("目标", Kind.TARGET), ("计划", Kind.TARGET))
_YEAR = re.compile(r"((?:19|20)\d{2})年")


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer: a label that names year and kind, the words said, and what they rest on.

    ``quote`` is the published text from ``start`` to ``end``; ``year`` and ``kind`` are those of its section.
    """

    label: str
    words: str
    quote: str
    start: int
    end: int
    doc_id: str
    paragraph: str
    section: tuple[str, ...]
    year: int | None
    kind: Kind


def is_bound(figure: Figure, quote: str) -> bool:
    """Whether the same figure stands in the quotation, with its unit and bound word and no digit beside it."""
    return any(
        own.text == figure.text or (own.value, own.upper, own.unit, own.bound) == (
            figure.value, figure.upper, figure.unit, figure.bound
        )
        for own in find_figures(quote)
    )  # fmt: skip


def words_borne(words: str, quote: str) -> bool:
    """Whether every run of characters in ``words`` stands in ``quote``, in order, parts of compounds counted as them."""
    for compound, parts in compound_parts().items():
        if compound in quote:
            for part in parts:
                words = words.replace(part, compound)
    position = 0
    target = fold(quote)
    for character in re.sub(r"[^\w%.]", "", fold(words)):
        found = target.find(character, position)
        if found == -1:
            found = target.find(character)
            if found == -1:
                return False
        position = found + 1
    return True


def _given_to_its_member(words: str, quote: str) -> bool:
    """Whether a figure that “分别” shares out stands with the member that it is given to; verbatim words always do."""
    if fold(words) in fold(quote):
        return True
    shared = shared_out(quote)
    for figure in find_figures(words):
        members = [said for said, given in shared if given.text == figure.text]
        if members and not any(words_borne(words, said) for said in members):
            return False
    return True


def passes(statement: Statement) -> bool:
    """Whether every figure of a statement is bound and its year is that of its source."""
    label_years = {int(year) for year in _YEAR.findall(statement.label)}
    if label_years and statement.year is not None and label_years != {statement.year}:
        return False
    if any(word in statement.label and statement.kind is not kind for word, kind in _KIND_WORDS):
        return False
    if not words_borne(statement.words, statement.quote) or not _given_to_its_member(statement.words, statement.quote):
        return False
    return all(is_bound(figure, statement.quote) for figure in find_figures(statement.words))


def run_gate(statements: Sequence[Statement]) -> tuple[list[Statement], GateReport]:
    """Keep the statements that pass.

    Returns:
        The statements kept, in order, and the count of figures in them, of figures bound and of statements removed.
    """
    kept = [statement for statement in statements if passes(statement)]
    figures = sum(len(find_figures(statement.words)) for statement in kept)
    return kept, GateReport(figures=figures, bound=figures, removed=len(statements) - len(kept))
