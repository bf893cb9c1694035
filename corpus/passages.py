"""Divide a document into passages: the clauses and members of clauses that can answer one question.

A passage's ``text`` may hold words that stand apart in the sentence (the subject of “增长2.3%”, the member that
“分别” gives a figure to); its ``start`` and ``end`` then span the whole quotation that bears them.
"""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

import jieba
import jieba.posseg

from corpus.figures import find_figures
from corpus.segment import MAX_LEAD_CHARS, clauses, paragraphs, sentences, split_spans
from corpus.types import Document, Figure, Kind, Paragraph, Passage

jieba.setLogLevel(logging.WARNING)
_YEAR_IN_CLAUSE = re.compile(r"(?<![\d比较于自从以由])(?:(?<=到)|(?<=至)|(?<!\d))((?:19|20)\d{2})年(?!以来|度?方案)")
_RELATIVE_YEAR = re.compile(r"(?:^|[，；。])(今年|去年|上年|明年)")
_SEVERAL_YEARS = re.compile(r"[五三四十]年来|[五三四十]年间|过去[五三四十]年|今后[五三四十]年|十[一二三四五]五”?时期")
_LEADING_FLAGS = {"v", "d", "a", "ad", "vd", "vn", "zg"}


@cache
def _words(name: str) -> dict[str, list[str]]:
    return tomllib.loads(files("corpus").joinpath(f"wordlists/{name}.toml").read_text(encoding="utf-8"))


def compound_parts() -> dict[str, tuple[str, ...]]:
    """The words that stand for several members, with their parts (城乡: 城镇, 农村)."""
    return {compound: tuple(parts) for compound, parts in _words("compounds").items()}


@cache
def _bare_relation() -> re.Pattern[str]:
    relations = "|".join(sorted(map(re.escape, _words("relations")["relations"]), key=len, reverse=True))
    return re.compile(rf"^(?:{relations}|[率了约到至的\s])*$")


@cache
def _predicate() -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, _words("relations")["predicates"]), key=len, reverse=True)))


@cache
def _leading() -> re.Pattern[str]:
    words = sorted(map(re.escape, _words("relations")["leading"]), key=len, reverse=True)
    return re.compile(rf"^(?:{'|'.join(words)})+")


@dataclass(frozen=True, slots=True)
class _Item:
    """A part of a clause: the words that may be said, its own span and the span that bears the words."""

    text: str
    figures: tuple[Figure, ...]
    own: tuple[int, int]
    quote: tuple[int, int]


def passages(document: Document) -> list[Passage]:
    """All passages of a document in reading order; ``passage_id`` is the paragraph's with a running number.

    Header fields come first (``field`` is their name). A short sentence that opens a group, and a section title, are
    passages of field ``lead`` and ``heading``: they can be found, and they name the group that they open.
    """
    found: list[Passage] = []
    for number, field in enumerate(document.header, start=1):
        found.append(
            Passage(
                f"0.h{number}",
                "0",
                (),
                field.name,
                field.value,
                field.value,
                None,
                Kind.OTHER,
                (),
                field.start,
                field.end,
                field.start,
                field.end,
                field.name,
            )
        )
    for paragraph in paragraphs(document):
        if not _repeats_header(document, paragraph):
            found.extend(_paragraph_passages(document, paragraph))
    return found


def _repeats_header(document: Document, paragraph: Paragraph) -> bool:
    line = document.text[paragraph.start : paragraph.end].strip("（）() 　")
    if not paragraph.paragraph_id.startswith("0"):
        return False
    if paragraph.end - paragraph.start <= 60 and any(
        paragraph.start <= field.start and field.end <= paragraph.end for field in document.header
    ):
        return True
    return line in document.title or (document.title in line and len(line) <= len(document.title) + 12)


def _paragraph_passages(document: Document, paragraph: Paragraph) -> Iterator[Passage]:
    text = document.text
    spans = sentences(text, paragraph.start, paragraph.end)
    lead = ""
    counter = 0
    for position, (start, end) in enumerate(spans):
        sentence = text[start:end]
        is_title = bool(paragraph.section) and position == 0 and sentence == paragraph.section[-1]
        is_lead = (
            not is_title
            and end - start <= MAX_LEAD_CHARS
            and not any(mark in sentence for mark in "，、；")
            and not find_figures(sentence)
            and position + 1 < len(spans)
        )
        if is_title or is_lead:
            lead = "" if is_title else sentence
            counter += 1
            field = "heading" if is_title else "lead"
            yield Passage(
                f"{paragraph.paragraph_id}#{counter}",
                paragraph.paragraph_id,
                paragraph.section,
                "",
                sentence,
                sentence,
                paragraph.year,
                paragraph.kind,
                find_figures(sentence, start),
                start,
                end,
                start,
                end,
                field,
            )
            continue
        year, kind = paragraph.year, paragraph.kind
        subject: tuple[str, int] | None = None
        spans_in_sentence = clauses(text, start, end)
        opening, is_topic = _sentence_subject(text, spans_in_sentence)
        for place, (clause_start, clause_end) in enumerate(spans_in_sentence):
            stated = _stated_year(text[clause_start:clause_end], document.year)
            clause_year, clause_kind = year, kind
            if stated is not None:
                clause_year, clause_kind, carries = stated
                if clause_kind is Kind.OTHER:
                    clause_kind = kind
                if carries:
                    year, kind = clause_year, clause_kind
            for item in _items(text, clause_start + _aside(text, clause_start), clause_end):
                item, subject = _with_subject(text, item, subject)
                counter += 1
                omits = place > 0 and opening and (is_topic or _opens_with_verb(item.text)) and opening not in item.text
                yield Passage(
                    f"{paragraph.paragraph_id}#{counter}",
                    paragraph.paragraph_id,
                    paragraph.section,
                    lead,
                    item.text,
                    sentence,
                    clause_year,
                    clause_kind,
                    item.figures,
                    item.quote[0],
                    item.quote[1],
                    start,
                    end,
                    "topic" if is_topic and place == 0 else "",
                    opening if omits else "",
                )


_VERBAL_FLAGS = frozenset({"v", "vd", "vn", "d", "ad", "p", "vi", "vg", "zg", "c", "a", "ul", "uj"})


_ADVERBS = (
    "高标准",
    "高水平",
    "高质量",
    "高效",
    "大力",
    "重点",
    "全力",
    "深化",
    "规划",
    "着力",
    "加快",
    "全区",
    "全市",
    "全县",
    "全省",
    "新建",
    "新增",
    "新开工",
    "新引进",
    "新培育",
    "竣工",
    "改造",
    "建成",
    "实施",
    "推动",
    "推进",
    "完成",
    "引进",
    "培育",
    "打造",
    "举办",
    "《",
)


@cache
def _subject() -> re.Pattern[str]:
    endings = "|".join(sorted(map(re.escape, _words("relations")["subjects"]), key=len, reverse=True))
    return re.compile(rf"^([^，。；：、]{{1,24}}?(?:{endings})(?:（[^）]*）)?)(?![域块位间内外]|[一-鿿]?(?:{endings}))")


def _sentence_subject(text: str, spans: list[tuple[int, int]]) -> tuple[str, bool]:
    """What a sentence opens with as its subject, and whether that is a clause by itself; empty where there is none."""
    if len(spans) < 2:
        return "", False
    clause = text[spans[0][0] : spans[0][1]]
    match = _subject().match(clause)
    if not match:
        return "", False
    phrase = match.group(1)
    is_balanced = phrase.count("“") == phrase.count("”") and phrase.count("（") == phrase.count("）")
    says_something = any(verb in phrase for verb in _words("relations")["verbs"])
    if len(phrase) < 3 or not is_balanced or says_something or find_figures(phrase) or phrase.startswith(_ADVERBS):
        return "", False
    return phrase, phrase == clause


def _opens_with_verb(words: str) -> bool:
    tokens = jieba.posseg.lcut(words[:6])
    return bool(tokens) and tokens[0].flag in _VERBAL_FLAGS


def _aside(text: str, start: int) -> int:
    """Length of an opening 其中, which ties a clause to the one before it and says nothing of its own."""
    return 2 if text.startswith("其中", start) else 0


def _stated_year(clause: str, plan_year: int | None) -> tuple[int | None, Kind, bool] | None:
    """The year that a clause names for itself, the kind that follows, and whether later clauses keep it."""
    plain = re.sub(r"《[^》]*》", lambda m: "　" * len(m.group()), clause)
    if _SEVERAL_YEARS.search(plain):
        return None, Kind.OTHER, True
    match = _YEAR_IN_CLAUSE.search(plain)
    if match:
        year = int(match.group(1))
        later = plan_year is not None and year > plan_year
        return year, Kind.TARGET if later else Kind.OTHER, match.start() <= 2
    relative = _RELATIVE_YEAR.search(plain)
    if relative and plan_year and not re.match(r"同期|的", plain[relative.end() :]):
        shift = {"今年": 0, "明年": 1}.get(relative.group(1), -1)
        return plan_year + shift, Kind.OTHER if shift == 0 else (Kind.TARGET if shift > 0 else Kind.RESULT), True
    return None


def _items(text: str, start: int, end: int) -> list[_Item]:
    """The members of a clause that carry a figure each; the clause itself where it is not such a list."""
    clause = text[start:end]
    figures = find_figures(clause, start)
    whole = [_Item(clause, figures, (start, end), (start, end))]
    if len(figures) < 2:
        return whole
    shared = _shared_out(text, start, end, figures)
    if shared or "分别" in clause:
        return shared or whole
    parts = _figure_parts(text, start, end, figures)
    if len(parts) < 2:
        return whole
    head = _leading_verbs(text[parts[0][0] : parts[0][1]])
    tail = _trailing_predicate(text, parts[-1], figures)
    items = []
    for index, (begin, stop) in enumerate(parts):
        own = text[begin:stop]
        own_figures = tuple(f for f in figures if begin <= f.start and f.end <= stop)
        before = own[: own_figures[0].start - begin]
        said, quote = own, (begin, stop)
        if index and head and len(before) > 1 and not _leading_verbs(own) and not _bare_relation().match(before):
            said, quote = head + own, (start, stop)
        if tail and index + 1 < len(parts) and _is_number_first(before) and not _predicate().search(own[len(before) :]):
            said, quote = said + tail, (quote[0], end)
        items.append(_Item(said, own_figures, (begin, stop), quote))
    return items


def _figure_parts(text: str, start: int, end: int, figures: tuple[Figure, ...]) -> list[tuple[int, int]]:
    """Spans between 、 marks joined until each holds a figure; words after the last figure stay with it."""
    parts: list[tuple[int, int]] = []
    begin = start
    for part_start, part_end in split_spans(text, start, end, "、"):
        if any(part_start <= figure.start and figure.end <= part_end for figure in figures):
            parts.append((begin if begin > start or not parts else part_start, part_end))
            begin = part_end + 1
    if parts and parts[-1][1] < end:
        parts[-1] = (parts[-1][0], end)
    return [(a + (1 if text[a] == "、" else 0), b) for a, b in parts]


def _leading_verbs(words: str) -> str:
    """The verbs that open a member and hold for the members after it (``新引育`` in 新引育领军人才20人、青年人才4000人)."""
    head = ""
    for token in jieba.posseg.lcut(words):
        if token.flag not in _LEADING_FLAGS:
            break
        head += token.word
    return head if len(head) <= 6 else ""


def _trailing_predicate(text: str, part: tuple[int, int], figures: tuple[Figure, ...]) -> str:
    """The predicate behind the last member that holds for all (``实现雨污分流`` in 29条道路、54个小区实现雨污分流)."""
    inside = [figure for figure in figures if part[0] <= figure.start and figure.end <= part[1]]
    if not inside or not _is_number_first(text[part[0] : inside[0].start]):
        return ""
    rest = text[inside[-1].end : part[1]]
    seen = ""
    for token in jieba.posseg.lcut(rest):
        if token.flag in {"v", "d"} and len(seen) >= 2:
            tail = rest[len(seen) :]
            return tail if 2 <= len(tail) <= 14 else ""
        seen += token.word
    return ""


def _is_number_first(before: str) -> bool:
    """Whether nothing but an ordinal stands before a member's figure (``第二批21个齐鲁样板村``)."""
    before = before.strip()
    return not before or bool(re.fullmatch(r"第[一二三四五六七八九十\d]+[批期轮次]|其中", before))


_PARALLEL_END = re.compile(r"\s*(?:[、和与及，]|以及)\s*")


def _shared_out(text: str, start: int, end: int, figures: tuple[Figure, ...]) -> list[_Item]:
    """Members with the figure that “分别”, said or meant, gives to each; empty where the clause shares nothing out."""
    clause = text[start:end]
    marker = clause.find("分别")
    tail = _closing_run(clause, start, figures)
    if len(tail) < 2:
        return []
    left_end = tail[0].start - start
    left = clause[:left_end]
    if marker != -1 and marker < left_end:
        subject, predicate = left[:marker], left[marker + 2 :]
        cut = marker
    else:
        match = None
        for match in _predicate().finditer(left):
            if match.start() > left.rfind("、"):
                break
        if match is None or match.start() <= left.rfind("、"):
            if len({figure.unit for figure in tail}) > 1 or "、" not in left:
                return []
            subject, predicate, cut = left, "", len(left)
        else:
            subject, predicate, cut = left[: match.start()], left[match.start() :], match.start()
    members = _members(text, start, start + cut, len(tail))
    if not members:
        return []
    items = []
    for member, figure in zip(members, tail, strict=True):
        said = f"{member}{predicate}{figure.text}"
        inside = {figure.text for figure in find_figures(member)}
        own = tuple(f for f in figures if f.end <= start + cut and f.text in inside)[:1]
        items.append(_Item(said, (*own, figure), (start, end), (start, end)))
    return items if subject else []


def shared_out(text: str) -> list[tuple[str, Figure]]:
    """What “分别”, said or meant, gives to whom in a text: the member's words and its figure; empty for none.

    >>> [words for words, _ in shared_out("城乡居民收入分别增长5%和7%")]
    ['城镇居民收入增长5%', '农村居民收入增长7%']
    """
    found = []
    for start, end in clauses(text, 0, len(text)):
        figures = find_figures(text[start:end], start)
        if len(figures) >= 2:
            found += [(item.text, item.figures[-1]) for item in _shared_out(text, start, end, figures)]
    return found


def _closing_run(clause: str, start: int, figures: tuple[Figure, ...]) -> tuple[Figure, ...]:
    """The last figures of a clause that only 、 or 和 parts, up to the end of the clause."""
    if clause[figures[-1].end - start :].strip("。 ") and "分别" not in clause:
        return ()
    run = [figures[-1]]
    for earlier, later in reversed(list(pairwise(figures))):
        between = clause[earlier.end - start : later.start - start]
        if not _PARALLEL_END.fullmatch(between):
            break
        run.insert(0, earlier)
    return tuple(run)


def _members(text: str, start: int, end: int, count: int) -> list[str]:
    """The ``count`` subjects named in ``text[start:end]``, shortened members completed from the last one."""
    subject = text[start:end]
    named = [text[a:b] for a, b in split_spans(text, start, end, "、和与及")]
    if len(named) == count:
        last = named[-1]
        word_ends = {stop for _, _, stop in jieba.tokenize(last, mode="search")}
        first_word = min(word_ends, default=0)
        completed = []
        for member in named[:-1]:
            cut = len(member) if len(member) in word_ends else first_word
            is_short = len(last) >= max(cut, len(member)) + 4 and not find_figures(member)
            completed.append(member + last[cut:] if is_short else member)
        return [*completed, last]
    for compound, parts in _words("compounds").items():
        if len(named) == 1 and count == 2 and compound in subject:
            return [subject.replace(compound, part) for part in parts]
    return []


def _with_subject(text: str, item: _Item, subject: tuple[str, int] | None) -> tuple[_Item, tuple[str, int] | None]:
    """Give an item that only says ``增长2.3%`` the subject of the item before it; return the subject that holds next."""
    if not item.figures:
        return item, subject
    own_start = item.own[0]
    first = item.figures[0]
    before = item.text[: item.text.find(first.text)]
    after = item.text[item.text.find(first.text) + len(first.text) :]
    if _bare_relation().match(before) and not re.search(r"[一-鿿]{2}", after[:6]):
        if subject:
            words, begin = subject
            if before.startswith(("总", "累计", "共")):
                words = re.sub(r"^(?:全年|累计)?(?:新增|新建|新认定|新)", "", words)
            return _Item(words + item.text, item.figures, item.own, (begin, item.quote[1])), subject
        return item, subject
    plain = _leading().sub("", before)
    trimmed = re.sub(r"(?:实现|达到|达|为|是|完成|增长|下降|提高|突破|超过)+$", "", plain)
    if len(trimmed) >= 2:
        return item, (trimmed, own_start)
    return item, subject
