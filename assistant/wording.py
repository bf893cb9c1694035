"""Check words against the published text: the same, altered, or not there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from assistant.normalise import arabic, fold, tidy
from assistant.types import WordingCheck
from corpus.figures import bound_words, find_figures
from corpus.segment import clauses
from corpus.types import Document, Passage

_REQUEST = re.compile(
    r"核对|核实|校对|对一下原文|原话(?:是|就)?(?:这样|这么)|(?:与|和|跟)原文(?:是否)?(?:一致|相符|一样|对得上)|原文(?:里)?是(?:不是)?这(?:样|么)(?:写|说|表述)|(?:表述|说法|写法|引用|措辞|这句话?)(?:.{0,6})(?:是否)?(?:准确|正确|一致|无误|对不对|对吗|有误|有没有错)|是不是原(?:话|文|句)|原(?:话|句)(?:吗|么|是不是)"
)
_MORE_REQUESTS = (
    r"抄(?:写)?对(?:没有|了吗|吗)|写(?:得)?对(?:没有|了吗|吗)|(?:这么|这样|那么)写(?:.{0,4})(?:行不行|对吗|对不对|可以吗|行吗|没错吧)"
    r"|(?:跟|和|与)(?:文件|计划|报告|原件|印发稿|文件原文|计划原文|报告原文|原文)(?:是否)?(?:一致|一样|相符|对得上|吻合)"
    r"|有没有(?:写|抄|引|打)错|是不是(?:写|抄|引)错|请校对|校对一下|原文(?:里|中)?是不是(?:这样)?写"
)
_REQUEST = re.compile(f"{_REQUEST.pattern}|{_MORE_REQUESTS}")
_QUOTED = re.compile(r"[“\"「『](.{4,})[”\"」』]", re.S)
_AFTER_COLON = re.compile(r"[:：]\s*(.{4,})$", re.S)
_LEAD_IN = re.compile(
    r"^(?:请|麻烦|帮我?|帮忙|能否|可否)?(?:核对|核实|校对|查一下|看看)(?:一下)?(?:这句(?:话)?|下面这句(?:话)?|以下(?:表述|内容)|表述|原文)?[:：，, ]*"
)
_TRAIL = re.compile(
    r"[，,。；; ]*(?:这(?:个|句话?|种)?(?:表述|说法|话|写法)?)?(?:是|与|和|跟)?(?:不是)?(?:原文|原话|原句)?(?:里|中)?(?:是|就)?(?:这样|这么)?(?:写|说|表述)?(?:的)?(?:是否)?(?:一致|准确|正确|对|无误|相符)?(?:吗|么|不对|对不对|是否一致)?[？?。]*$"
)
_YEAR_LABEL = re.compile(r"^(?:到)?((?:19|20)\d{2})年(?:度)?(?:的|，|,)?(?:计划|目标|预期)?(?:是|为|：|:)?")
SAME_PLACE = 62.0  # least similarity (0-100) at which two wordings are taken for one statement


@dataclass(frozen=True, slots=True)
class Located:
    """Where words stand in a document, or what stands nearest: published span and similarity from 0 to 100."""

    start: int
    end: int
    similarity: float


def claim_in(question: str) -> str | None:
    """The words that a question asks to be checked; ``None`` where it is no wording question."""
    text = tidy(question)
    if not _REQUEST.search(text):
        return None
    after = _AFTER_COLON.search(text)
    if after and (
        _REQUEST.search(text[: after.start()])
        or re.search(r"(?:写的?|说的?|内容|稿子?|句子?)是?$", text[: after.start()])
    ):
        words = after.group(1).strip()
        inner = _QUOTED.search(words)
        if inner and re.search(r"写|说|是|原文", words[: inner.start()]) and inner.start() <= 10:
            return inner.group(1).strip()
        words = _without_requests(words)
        whole = _QUOTED.fullmatch(words.rstrip("。.？?"))
        return whole.group(1).strip() if whole and words.count("“") == words.count("”") else words
    quoted = _QUOTED.search(text)
    if quoted:
        return quoted.group(1).strip()
    bare = _without_requests(text)
    if bare != text and len(bare) >= 6:
        return bare
    rest = _TRAIL.sub("", _LEAD_IN.sub("", text))
    return rest.strip() if len(rest.strip()) >= 4 and rest.strip() != text else None


def _without_requests(text: str) -> str:
    """The sentences and trailing clauses of a text that do not themselves ask for a check."""
    parts = re.split(r"(?<=[。！？?；;])", text)
    kept = [part for part in parts if not _REQUEST.search(part)] or parts
    words = "".join(kept).strip()
    while True:
        head, mark, tail = words.rpartition("，")
        if not mark or not _REQUEST.search(tail):
            return words.strip("。？? ")
        words = head


def _folded_with_places(text: str) -> tuple[str, list[int]]:
    """A text in matching form and, for each of its characters, the place of the published character it came from."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for folded in fold(character):
            characters.append(folded)
            places.append(place)
    return "".join(characters), places


class WordingChecker:
    """Checks words against one document; the folded text is made once."""

    def __init__(self, document: Document, passages: tuple[Passage, ...]) -> None:
        """Prepare a document for checks."""
        self._document = document
        self._folded, self._places = _folded_with_places(document.text)
        spans = sorted({(p.sentence_start, p.sentence_end) for p in passages})
        years: dict[tuple[int, int], set[int | None]] = {}
        for p in passages:
            years.setdefault((p.sentence_start, p.sentence_end), set()).add(p.year)
        self._sentences = [(span, years[span]) for span in spans]

    def check(self, claim: str) -> tuple[WordingCheck, Located | None]:
        """Compare a claim with the document.

        Args:
            claim: The words to check; a leading ``2024年`` is taken as the year that the place must have.

        Returns:
            The verdict with the published words and the steps that lead from them to the claim, and where they
            stand. ``not_found`` carries the nearest place where there is one.
        """
        words = claim.strip().strip("。；;，, ")
        label = _YEAR_LABEL.match(fold(arabic(words)))
        year = int(label.group(1)) if label else None
        folded = fold(arabic(words))
        literal = self._find(folded, None)
        if literal and self._is_whole(literal):
            return self._verdict("match", literal, words), literal
        bare = folded[label.end() :] if label else folded
        if label:
            literal = self._find(bare, year)
            if literal and self._is_whole(literal):
                return self._verdict("match", literal, words), literal
        located = self._nearest(bare, year)
        if located is None or located.similarity < SAME_PLACE:
            return WordingCheck("not_found", ""), located
        original = self._document.text[located.start : located.end]
        if _equal_value(original, bare):
            return self._verdict("match", located, words), located
        return self._verdict("mismatch", located, words[len(words) - len(bare) :] if label else words), located

    def _find(self, folded: str, year: int | None) -> Located | None:
        position = self._folded.find(folded)
        while position != -1 and folded:
            start, end = self._places[position], self._places[position + len(folded) - 1] + 1
            if year is None or any(s <= start < e and (not ys or year in ys) for (s, e), ys in self._sentences):
                return Located(start, end, 100.0)
            position = self._folded.find(folded, position + 1)
        return None

    def _is_whole(self, located: Located) -> bool:
        """Whether a span cuts no figure, bound word or number in two at its ends."""
        text = self._document.text
        after = text[located.end : located.end + 3]
        before = text[max(0, located.start - 4) : located.start]
        cut = [w for w in bound_words()["after"] if after.startswith(w)] + [
            w for w in bound_words()["before"] if before.endswith(w) and text[located.start].isdigit()
        ]
        digits = (text[located.end - 1].isdigit() and after[:1].isdigit()) or (
            text[located.start].isdigit() and before[-1:].isdigit()
        )
        inner = after[:1] in ".%个亿万" and text[located.end - 1].isdigit()
        return not cut and not digits and not inner

    def _nearest(self, folded: str, year: int | None) -> Located | None:
        best: Located | None = None
        for (start, end), years in self._sentences:
            if year is not None and years != {None} and year not in years:
                continue
            window, places = _folded_with_places(self._document.text[start:end])
            if not window:
                continue
            aligned = fuzz.partial_ratio_alignment(folded, window)
            if aligned is None or (best is not None and aligned.score <= best.similarity):
                continue
            first, last = aligned.dest_start, max(aligned.dest_start, aligned.dest_end - 1)
            span = start + places[first], start + places[min(last, len(places) - 1)] + 1
            best = Located(*self._widened(span, (start, end)), aligned.score)
        return best

    def _widened(self, span: tuple[int, int], sentence: tuple[int, int]) -> tuple[int, int]:
        """The clauses that a span mostly lies in."""
        kept = [
            (a, b)
            for a, b in clauses(self._document.text, *sentence)
            if min(b, span[1]) - max(a, span[0]) > min(3, (b - a) / 2)
        ]
        return (kept[0][0], kept[-1][1]) if kept else span

    def _verdict(self, verdict: str, located: Located, words: str) -> WordingCheck:
        original = self._document.text[located.start : located.end]
        return WordingCheck(verdict, original, tuple(difference(original, words)) if verdict == "mismatch" else ())


def difference(original: str, words: str) -> list[tuple[str, str]]:
    """The steps from the original to other words: ``equal``, ``delete`` and ``insert`` runs of characters.

    >>> difference("增长6%", "增长6.5%")
    [('equal', '增长6'), ('insert', '.5'), ('equal', '%')]
    """
    steps: list[tuple[str, str]] = []
    for code in Indel.opcodes(original, words):
        if code.tag == "equal":
            steps.append(("equal", original[code.src_start : code.src_end]))
        elif code.tag == "delete":
            steps.append(("delete", original[code.src_start : code.src_end]))
        else:
            steps.append(("insert", words[code.dest_start : code.dest_end]))
    return steps


def _equal_value(original: str, words: str) -> bool:
    """Whether two wordings differ only in punctuation and in how equal numerals are written."""
    left, right = arabic(fold(original)), arabic(fold(words))
    strip = re.compile(r"[^\w%./]")
    if strip.sub("", left) == strip.sub("", right):
        return True
    figures_left, figures_right = find_figures(left), find_figures(right)
    if len(figures_left) != len(figures_right) or not figures_left:
        return False
    if any(
        (a.value, a.upper, a.unit, a.bound) != (b.value, b.upper, b.unit, b.bound)
        for a, b in zip(figures_left, figures_right, strict=True)
    ):
        return False
    for figure in reversed(figures_left):
        left = left[: figure.start] + "#" + left[figure.end :]
    for figure in reversed(figures_right):
        right = right[: figure.start] + "#" + right[figure.end :]
    return strip.sub("", left) == strip.sub("", right)
