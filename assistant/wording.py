"""Check words against the published text: the same, altered, or not there.

Words match where they stand in the text without a break, in the form of :mod:`assistant.canonical`, cut nowhere so that
the meaning changes, and with the year and kind that they claim. All else is aligned clause by clause with what was
meant, and every difference is named.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz.distance import Indel

from assistant.alignment import Context, Part, Side, Unit, Units, content
from assistant.canonical import Codebook, wording_words
from assistant.differences import (
    changes,
    checked_figure,
    checked_figures,
    difference,
    is_other_indicator,
    named,
    same_figure,
)
from assistant.excerpt import cut_findings
from assistant.label import read_label, speaks_of_whole, year_in
from assistant.normalise import fold
from assistant.types import CheckedFigure, Difference, FigureState, Finding, Verdict, WordingCheck
from corpus.segment import clauses, sentences
from corpus.types import Document, Kind, Passage

KIND_WORDS = {Kind.RESULT: "实际完成情况", Kind.TARGET: "目标或安排"}
MAX_GAP = 60  # codes of the document that may lie between two parts for both to be shown as one original
LEAST_SHARE = 0.5  # of words without figures that must have been found for the whole to count as found
LEAST_COMMON = 0.25  # of what a clause is about that words with another figure must say to be about it
LEAST_NEAR = 0.2  # least similarity of what is offered as the nearest place
_GRAVITY = {difference: place for place, difference in enumerate(Difference)}
_OF_WORDS = (Difference.CUT, Difference.OMITTED, Difference.ADDED, Difference.WORDS, Difference.EXCERPT)
_OF_CONTEXT = (Difference.YEAR, Difference.KIND, Difference.INDICATOR)
_MARKS = "。；;，, 、：:\n\t　"


@dataclass(frozen=True, slots=True)
class Located:
    """Where words stand in a document, or what stands nearest: published span and similarity from 0 to 100."""

    start: int
    end: int
    similarity: float


@dataclass(frozen=True, slots=True)
class _Pair:
    """A part of the words, the unit it was meant to be, and what differs between the two."""

    part: Part
    unit: Unit
    findings: tuple[Finding, ...]
    figures: tuple[CheckedFigure, ...]
    is_borrowing: bool = False  # read with what the part before it names


class WordingChecker:
    """Checks words against one document, whose form for comparison is made once. Safe to use from several threads."""

    def __init__(self, document: Document, passages: Sequence[Passage]) -> None:
        """Prepare a document for checks."""
        self._document = document
        self._book = Codebook()
        self._units = Units(document, passages, self._book)

    def check(
        self,
        claim: str,
        *,
        year: int | None = None,
        kind: Kind | None = None,
        columns: Sequence[Context] = (),
    ) -> tuple[WordingCheck, Located | None]:
        """Compare words with the document.

        Args:
            claim: The words: a phrase, a sentence, a paragraph. A leading ``2024年`` is taken as their year.
            year: The year that the words around them give, where they name none.
            kind: Whether the words around them give them as results or as targets.
            columns: What the head of a table says of its columns, where the words are a row of it, cells parted by tabs.

        Returns:
            The verdict with the published words and the steps that lead from them to the claim, and where they
            stand. ``not_found`` carries the nearest place where there is one.
        """
        words = claim.strip(_MARKS)
        whole = Side(words, canonical := self._book.canonical(words, fixed=True), 0, len(canonical.codes))
        if not canonical.codes:
            return WordingCheck(Verdict.NOT_FOUND, ""), None
        check, located = self._check_one(whole, year, kind, columns)
        spans = sentences(words, 0, len(words))
        if check.verdict is not Verdict.MATCH and len(spans) > 1:
            check, located = self._check_each(words, spans, year, kind)
        before = len(claim) - len(claim.lstrip(_MARKS))
        return replace(check, figures=tuple(_shifted(_telling(check.figures), before))), located

    def _check_each(
        self, words: str, spans: Sequence[tuple[int, int]], year: int | None, kind: Kind | None
    ) -> tuple[WordingCheck, Located | None]:
        """Several sentences: each may stand at a place of its own; the first that is wrong is the one shown."""
        checks: list[tuple[WordingCheck, Located | None]] = []
        figures: list[CheckedFigure] = []
        for start, end in spans:
            label = read_label(words, start, end, self._document)
            if label.year is not None:
                year, kind = label.year, label.ends[-1][1]
            check, located = self.check(words[start:end], year=year, kind=kind)
            figures += _shifted(check.figures, start)
            checks.append((check, located))
        order = [Verdict.MISMATCH, Verdict.MATCH, Verdict.NOT_FOUND]
        shown, located = min(checks, key=lambda item: order.index(item[0].verdict))
        findings = tuple(finding for check, _ in checks for finding in check.findings)
        is_mixed = shown.verdict is Verdict.MATCH and any(c.verdict is Verdict.NOT_FOUND for c, _ in checks)
        verdict = Verdict.MISMATCH if is_mixed else shown.verdict
        return replace(shown, verdict=verdict, findings=findings, figures=tuple(figures)), located

    def _check_one(
        self, whole: Side, year: int | None, kind: Kind | None, columns: Sequence[Context] = ()
    ) -> tuple[WordingCheck, Located | None]:
        words, canonical = whole.text, whole.words
        literal = self._literal(whole, Context(year, kind))
        if literal is None:
            label = read_label(words, 0, len(words), self._document)
            starts = [start for start, _ in canonical.spans]
            for end, told in label.ends:
                first = bisect_left(starts, end)
                if literal is None and first < len(starts):
                    around = Context(label.year, told or kind, speaks_of_whole(words[:end]))
                    literal = self._literal(replace(whole, first=first), around)
        if literal and not any(f.difference in _OF_CONTEXT for f in literal[0].findings):
            return literal
        aligned = self._aligned(whole, Context(year, kind), columns)
        return literal if literal and aligned[0].verdict is Verdict.NOT_FOUND else aligned

    # --- words that stand in the document without a break ---

    def _literal(self, said: Side, around: Context) -> tuple[WordingCheck, Located] | None:
        """The best place at which words stand in the document in the form for comparison; ``None`` for no place."""
        found = []
        codes = self._units.canonical.codes
        at = codes.find(said.codes)
        while at != -1:
            place = Side(self._document.text, self._units.canonical, at, at + len(said.codes))
            findings = self._excerpt_findings(place, said, around)
            wrong = [finding for finding in findings if finding.difference.is_wrong]
            found.append((len(wrong), place, findings))
            if not wrong:
                break
            at = codes.find(said.codes, at + 1)
        if not found:
            return None
        count, place, findings = min(found, key=lambda item: item[0])
        start, end = place.span()
        touched = self._units.touching(start, end)
        if any(f.difference in (Difference.CUT, Difference.OMITTED) for f in findings):
            start, end = min(start, touched[0][0]), max(end, touched[-1][1])
        original = self._document.text[start:end]
        figures = tuple(self._figures_standing(place, said, findings))
        if count:
            steps = tuple(difference(original, said.written()))
            check = WordingCheck(Verdict.MISMATCH, original, steps, tuple(findings), figures)
        else:
            check = WordingCheck(Verdict.MATCH, original, (), tuple(findings), figures)
        return check, Located(start, end, 100.0)

    def _excerpt_findings(self, place: Side, said: Side, around: Context) -> list[Finding]:
        """What is cut, claimed of another time, or written otherwise, where words stand at a place of the document."""
        start, end = place.span()
        touched = self._units.touching(start, end)
        findings = cut_findings(place.text, touched, start, end) if touched else []
        unit = self._units.at(touched[0][0]) if touched else None
        if unit:
            findings += _context_findings(unit, around)
        for index, own in enumerate(place.words.surfaces[place.first : place.last]):
            surface = said.words.surfaces[said.first + index]
            if own == surface or len(own) + len(surface) <= 3:  # 和 for 与
                continue
            original = place.written(index, index + 1)
            is_number = place.words.plains[place.first + index] == "#"
            what = Difference.NOTATION if is_number else Difference.SYNONYM
            note = "数值相同，写法不同" if is_number else "同义，非原文用字"
            findings.append(Finding(what, said.written(index, index + 1), original, f"{note}：原文作“{original}”"))
        return findings

    def _figures_standing(self, place: Side, said: Side, findings: Sequence[Finding]) -> Iterator[CheckedFigure]:
        """The figures of words that stand at a place of the document; altered where they are cut or of another time."""
        other_time = any(finding.difference in _OF_CONTEXT for finding in findings)
        starts = [start for start, _ in said.words.spans[said.first : said.last]]
        lost = any(
            finding.difference is Difference.CUT
            and any(w in finding.original for w in (*wording_words()["commitments"], *wording_words()["efforts"]))
            for finding in findings
        )
        touched = self._units.touching(*place.span())
        ends = [end for _, end in place.words.spans[place.first : place.last]]
        first_clause = bisect_right(ends, touched[0][1]) if touched else 0
        for figure in said.figures():
            index = bisect_left(starts, figure.start)
            at = place.span(index, index + 1)[0]
            own = next((f for f in place.words.figures if f.start <= at < f.end), figure)
            exact = same_figure(own, figure) and not other_time and not (lost and index < first_clause)
            written = place.text[own.start : own.end]
            yield checked_figure(figure, said.text, FigureState.EXACT if exact else FigureState.ALTERED, written)

    # --- words that do not ---

    def _aligned(self, said: Side, around: Context, columns: Sequence[Context]) -> tuple[WordingCheck, Located | None]:
        """Words compared clause by clause with the units that they were meant to be."""
        parts = list(self._parts(said, around, columns))
        units = self._units.align(parts)
        pairs = [self._compared(part, unit) if unit else None for part, unit in zip(parts, units, strict=True)]
        for place, (part, pair) in enumerate(zip(parts, pairs, strict=True)):
            before = pairs[place - 1] if place else None
            follows = before and pair and before.unit.stops == pair.unit.begins
            if len(content(part.side.plain)) < 2 and not follows:  # “增长6%” by itself is anybody's
                pairs[place] = borrowing = self._borrowing(parts, place)
                units[place] = borrowing.unit if borrowing else None
        parts, units, pairs = self._reworded(parts, units, pairs)
        figures = tuple(
            figure
            for part, unit, pair in zip(parts, units, pairs, strict=True)
            for figure in (pair.figures if pair else self._given_to_others(part, unit))
        )
        found = [pair for pair in pairs if pair]
        told = sum(pair.part.side.last - pair.part.side.first for pair in found)
        is_little = told < LEAST_SHARE * len(said.codes) and not any(pair.figures for pair in found)
        if not found or is_little:
            return WordingCheck(Verdict.NOT_FOUND, "", (), (), figures), self._nearest(parts)
        findings = sorted(self._findings(parts, pairs), key=lambda finding: _GRAVITY[finding.difference])
        if not any(finding.difference.is_wrong for finding in findings):
            findings.append(Finding(Difference.WORDS, "", "", "与原文的字句或顺序不同"))
        start, end = self._shown(found)
        original, written = self._document.text[start:end], said.text[parts[0].start : parts[-1].end]
        check = WordingCheck(Verdict.MISMATCH, original, tuple(difference(original, written)), tuple(findings), figures)
        return check, Located(start, end, 100 * Indel.normalized_similarity(fold(original), fold(written)))

    def _borrowing(self, parts: Sequence[Part], place: int) -> _Pair | None:
        """A part that only says a figure, read with what the part before it names (a row of a table, 去年…，今年…)."""
        part = parts[place]
        named = next((p.side for p in reversed(parts[:place]) if len(content(p.side.plain)) >= 2), None)
        if named is None or not part.side.figures():
            return None
        start, end = named.span()
        name = named.text[start : min([end, *(figure.start for figure in named.figures())])]
        text = name + part.side.written()
        words = self._book.canonical(text, fixed=True)
        whole = replace(part, side=Side(text, words, 0, len(words.codes)))
        unit = self._units.best(whole)
        pair = self._compared(whole, unit) if unit else None
        if pair is None:
            return None
        own = [figure for figure in pair.figures if figure.start >= len(name)]
        findings = tuple(finding for finding in pair.findings if finding.difference not in _OF_WORDS)
        shift = part.side.span()[0] - len(name)
        return _Pair(part, pair.unit, findings, tuple(_shifted(own, shift)), is_borrowing=True)

    def _reworded(
        self, parts: list[Part], units: list[Unit | None], pairs: list[_Pair | None]
    ) -> tuple[list[Part], list[Unit | None], list[_Pair | None]]:
        """Parts with figures that have no pair, joined to those beside them where together they say what a unit says."""
        for place, part in enumerate(parts):
            if pairs[place] or not part.side.figures():
                continue
            for first, last in ((place - 1, place), (place, place + 1), (place - 1, place + 1), (place, place)):
                if (
                    first < 0
                    or last >= len(parts)
                    or any(pairs[i] and parts[i].side.figures() for i in range(first, last + 1))
                ):
                    continue
                side = replace(parts[first].side, last=parts[last].side.last)
                year = year_in(side.written(), self._document) or part.context.year
                context = replace(part.context, year=year)
                joined = Part(side, parts[first].start, parts[last].end, context)
                unit = self._units.reworded(joined)
                if not unit:
                    continue
                figures = checked_figures(unit.side, side, altered=bool(_context_findings(unit, context)))
                note = f"说法不同，原文是“{self._document.text[unit.start : unit.end]}”"
                words = Finding(Difference.WORDS, side.written(), self._document.text[unit.start : unit.end], note)
                wrong = [
                    Finding(Difference.NUMBER, f.text, f.original, f"原文是“{f.original}”，此处是“{f.text}”")
                    for f in figures
                    if f.state is FigureState.ALTERED and f.text != f.original
                ]
                pair = _Pair(
                    joined,
                    unit,
                    (words, *wrong, *_context_findings(unit, context)),
                    tuple(self._given_to_others(joined, unit, figures)),
                )
                parts[first : last + 1], units[first : last + 1] = [joined], [unit]
                pairs[first : last + 1] = [pair]
                return self._reworded(parts, units, pairs)
        return parts, units, pairs

    def _parts(self, said: Side, around: Context, columns: Sequence[Context]) -> Iterator[Part]:
        """The clauses of the words, each without what it says in front about year and kind; a year holds for the next."""
        starts = [start for start, _ in said.words.spans]
        year, kind = around.year, around.kind
        for start, end in _cells(said.text):
            column = said.text[:start].count("\t")
            if column < len(columns):
                year, kind = columns[column].year, columns[column].kind
            label = read_label(said.text, start, end, self._document)
            named_year = year_in(said.text[start:end], self._document)
            if named_year is not None:
                year, kind = named_year, None
            last = bisect_left(starts, end)
            parts = []
            for begin, told in label.ends or ((start, None),):
                side = replace(said, first=bisect_left(starts, begin), last=last)
                if side.first < last:
                    whole = speaks_of_whole(said.text[start : max(begin, start + 4)])
                    parts.append(Part(side, side.span()[0], end, Context(year, told or kind, whole)))
            if parts:
                yield max(parts, key=lambda part: float(self._units.scores(part).max(initial=0.0)))

    def _compared(self, part: Part, unit: Unit) -> _Pair | None:
        """What differs between a part and its unit; ``None`` where they turn out to speak of different things."""
        findings = [*self._differences(part, unit), *_context_findings(unit, part.context)]
        of_context = any(finding.difference in _OF_CONTEXT for finding in findings)
        other = bool(part.side.figures()) and is_other_indicator(unit.side, part.side)
        figures = checked_figures(unit.side, part.side, altered=of_context or other)
        borne = {(f.value, f.unit) for f in unit.side.figures()}
        is_borne = any((f.value, f.unit) in borne for f in part.side.figures())
        few = LEAST_COMMON * len(content(unit.side.plain)) > len(content(part.side.plain))
        if (other or (few and figures)) and not is_borne:
            return None
        if other:
            original = unit.side.written()
            note = f"这个数字在原文中是“{original}”"
            findings.append(Finding(Difference.INDICATOR, part.side.written(), original, note))
        told = "".join(finding.said for finding in findings)
        for figure in figures:
            is_told = of_context or figure.text in told or figure.text == figure.original
            if figure.state is FigureState.ALTERED and not is_told:
                note = f"原文是“{figure.original}”，此处是“{figure.text}”"
                findings.append(Finding(Difference.NUMBER, figure.text, figure.original, note))
        return _Pair(part, unit, tuple(findings), tuple(self._given_to_others(part, unit, figures)))

    def _given_to_others(
        self, part: Part, unit: Unit | None, figures: Sequence[CheckedFigure] | None = None
    ) -> Iterator[CheckedFigure]:
        """The figures of a part; one that its unit lacks but the sentence there has is altered: it is another's."""
        figures = _absent(part.side) if figures is None else figures
        if unit is None:
            yield from figures
            return
        own = {(f.start, f.end): f for f in part.side.figures()}
        near = [
            other
            for neighbour in self._units.all
            if neighbour.sentence == unit.sentence and neighbour.is_verbatim
            for other in neighbour.side.figures()
        ]
        for figure in figures:
            if figure.state is FigureState.ABSENT:
                same = next((f for f in near if same_figure(f, own[figure.start, figure.end])), None)
                if same:
                    original = self._document.text[same.start : same.end]
                    figure = replace(figure, state=FigureState.ALTERED, original=original)
            yield figure

    def _differences(self, part: Part, unit: Unit) -> Iterator[Finding]:
        """What an alignment of a part with its unit finds changed; words left off at an end are judged as a cut."""
        source, target = unit.side.codes, part.side.codes
        for left, right in changes(source, target):
            is_at_end = left[0] == 0 or left[1] == len(source)
            if right[0] == right[1] and is_at_end and unit.is_verbatim:
                start = unit.side.span(left[1])[0] if left[0] == 0 else unit.start
                end = unit.side.span(0, left[0])[1] if left[0] else unit.end
                if unit.side.written(*left) not in part.side.written():  # else it only stands elsewhere
                    yield from cut_findings(self._document.text, self._units.touching(start, end), start, end)
                continue
            yield named(unit.side, left, part.side, right)

    def _findings(self, parts: Sequence[Part], pairs: Sequence[_Pair | None]) -> Iterator[Finding]:
        """The findings of all pairs in order, with what lies between them and what has no pair."""
        before: _Pair | None = None
        for part, pair in zip(parts, pairs, strict=True):
            words = part.side.written()
            if pair is None:
                yield Finding(Difference.ADDED, words, "", f"文件中没有“{words}”")
                continue
            if before is not None and pair.unit.begins != before.unit.stops and not pair.is_borrowing:
                yield self._joined(words, before.unit, pair.unit)
            yield from pair.findings
            before = pair

    def _joined(self, words: str, before: Unit, unit: Unit) -> Finding:
        """What is wrong where two parts that follow each other do not do so in the document."""
        between = self._document.text[before.end : unit.start].strip(_MARKS)
        if unit.sentence == before.sentence and unit.begins >= before.stops:
            return Finding(Difference.JOINED, "", between, f"中间略去了“{between}”，原文不相连")
        original = self._document.text[unit.start : unit.end]
        return Finding(Difference.JOINED, words, original, f"“{words}”与前文在原文中不相连")

    def _shown(self, found: Sequence[_Pair]) -> tuple[int, int]:
        """The span of the document to show as the original: all units where they stand close, else the telling one."""
        units = [pair.unit for pair in found]
        first, last = min(unit.begins for unit in units), max(unit.stops for unit in units)
        if last - first <= sum(unit.stops - unit.begins for unit in units) + MAX_GAP:
            start, end = min(unit.start for unit in units), max(unit.end for unit in units)
        else:
            telling = max(
                found, key=lambda pair: (any(f.difference.is_wrong for f in pair.findings), len(pair.figures))
            )
            start, end = telling.unit.start, telling.unit.end
        touched = self._units.touching(start, end)  # never a part of a clause, which may say something else
        return min(start, touched[0][0]), max(end, touched[-1][1])

    def _nearest(self, parts: Sequence[Part]) -> Located | None:
        """The unit most like the longest part."""
        longest = max((part.side for part in parts), key=lambda side: side.last - side.first, default=None)
        if longest is None:
            return None
        scored = [(Indel.normalized_similarity(longest.plain, unit.side.plain), unit) for unit in self._units.all]
        score, unit = max(scored, key=lambda item: item[0], default=(0.0, None))
        return Located(unit.start, unit.end, 100 * score) if unit and score > LEAST_NEAR else None


def _cells(text: str) -> Iterator[tuple[int, int]]:
    """The spans of the clauses of a text; the cells of a row of a table are clauses too."""
    for start, end in clauses(text, 0, len(text)):
        for cell in re.finditer(r"[^\t｜|]+", text[start:end]):
            yield start + cell.start(), start + cell.end()


def _context_findings(unit: Unit, around: Context) -> list[Finding]:
    """Whether words are said of another year, as another kind, or of a larger whole than the clause is."""
    own, said = KIND_WORDS.get(unit.kind), KIND_WORDS.get(around.kind) if around.kind else None
    if around.year is not None and unit.year is not None and around.year != unit.year:
        note = f"年份不同：原文是{unit.year}年的{own or '内容'}，不是{around.year}年的"
        return [Finding(Difference.YEAR, f"{around.year}年", f"{unit.year}年", note)]
    if own and said and own != said:
        return [Finding(Difference.KIND, said, own, f"性质不同：原文是{own}，不是{said}")]
    if around.is_whole and unit.subject:
        return [Finding(Difference.INDICATOR, "", unit.subject, f"原文说的是“{unit.subject}”，不是全部")]
    return []


def _absent(side: Side) -> list[CheckedFigure]:
    return [checked_figure(figure, side.text, FigureState.ABSENT) for figure in side.figures()]


def _telling(figures: Sequence[CheckedFigure]) -> list[CheckedFigure]:
    """The figures without those spelt out in both texts alike, or spelt out and unknown (三个方面)."""
    return [
        figure
        for figure in figures
        if _has_digit(figure.text) or _has_digit(figure.original) or figure.state is FigureState.ALTERED
    ]


def _has_digit(words: str) -> bool:
    return any(character.isdigit() for character in fold(words)) or any(c in words for c in "百千万亿")


def _shifted(figures: Sequence[CheckedFigure], by: int) -> list[CheckedFigure]:
    return [replace(figure, start=figure.start + by, end=figure.end + by) for figure in figures]
