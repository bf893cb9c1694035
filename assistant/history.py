"""The ways in which a follow-up question can be made to stand alone.

A question in a conversation may stand alone, borrow the topic of an earlier one (“2023年实际呢？”), or put other words
into its wording (“那农村居民呢？”). Which of these is meant is seldom plain from the words, so all that come into
question are written out here; ``assistant.reading`` takes the one whose evidence fits best.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import jieba
import jieba.posseg

from assistant.evidence import Profile, matched
from assistant.normalise import arabic, fold, simplified, tidy
from assistant.question import NAMED_ACTUAL as _NAMED_ACTUAL
from assistant.question import Form, Question, understand
from assistant.wordlists import question_words
from corpus.figures import units
from corpus.types import Document

_OPENING = re.compile(
    r"^(?:那么?|还有|再(?:问|说|看|查)(?:一?下|问)?|另外|同样(?:的(?:问题)?)?|换成|换做|换到|改成|改为|改(?=[去今前明]年|20)|如果是|至于|顺便(?:问)?(?:一?下)?|对了|然后|接着|嗯|哦|好的?|好吧|请问|以及|而|其中的?|[，,、。 ])+"
)
_BACK = re.compile(
    r"^(?:(?:那么?|再|又|还是|好|嗯|哦|话)[，,、]?)*我?(?:回到|说回来?|回头(?:再)?(?:看|说)|前面|刚才|刚刚|之前|最开始|一开始|最早|最先|上面|开头|(?=第[一1]个(?:问题|指标|题))|(?:说|问|看)(?=第[一1]个|最开始|一开始|最早|刚才|前面))(?:我|刚才|前面|最开始|一开始|之前|说|问|提|讲)*(?:到|过|的)*(?:那个|这个|那|这)?(?:第?[一1]个)?(?:问题|指标|数字?|题)?(?:来?说|的)?[，,、：: ]*"
)
_FIRST = re.compile(r"第[一1]个(?:问题|指标|数|题)?|最开始|一开始|最早|最先|开头")
_CLOSING = re.compile(r"(?:又)?(?:呢|怎么样|如何|怎样|咋样|是多少|多少|的话)?[呢吗啊呀]?[？?。！!~ ]*$")
_REFERENCE = re.compile(
    r"它们?|他们|这个|那个|这些|那些|该(?=[项目企业公司园区产业指标])|上述|上面|刚才|前面|前者|后者|其(?!他|它|中|余|实)|此|同期|同一"
)
_NEW_TOPIC = re.compile(
    r"^(?:换个?(?:话题|问题)|不说这个了?|另一个问题|问点别的|下一个问题|说点别的|再问个别的)[，,。：: ]*"
)
_ORDINAL = re.compile(
    r"(?:其中)?(?:排在?)?(?:第([一二两三四五六七八九十\d]+)|最后(?:面|边)?(?:的)?(?=[一那]?[个家项条位座种类]))(?:的)?[一那]?(?:个|家|项|条|位|座|种|类)?(?:项目|企业|公司|产业|园区|平台|行动|战略|领域)?"
)
_RATE = re.compile(r"增速|增幅|降幅|涨幅|增长率?")
_YEAR_WORD = re.compile(r"(?:19|20)\d{2}年?|(?<!\d)\d{2}年|大?前年|去年|上年|今年|明年|后年|本年度?|来年")
_ASKS = re.compile(r"什么|啥|哪|谁|吗|怎|咋|如何|多少|几|为何|([一-鿿])[不没]\1")
_MORE = re.compile(r"还有(?:什么|哪些|谁|别的|其他)|其他(?:的)?(?:呢|还有)|别的呢|剩下的")
_SAID_KIND = re.compile(r"目标|计划|预期|任务|实际|完成情况")
_BARE = re.compile(
    r"(?:来着|具体|到底)?(?:(?:是|叫|指)(?:的是)?(?:什么|啥|哪个|哪一个|谁)?)?(?:来着|名字|呀|啊|呢)?[？?。]?"
)
_WIDTH = {
    full: full - 0xFEE0 for full in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), 0xFF0E)
}
_POLITE = re.compile(
    r"^(?:(?:您好|你好|请问|请教|麻烦|劳驾|打扰了?|我?想?(?:再)?(?:问|了解|知道|咨询)(?:一?下)?|帮(?:我|忙)(?:查|看|问)?(?:一?下)?|问一?下)[，,。！!：: ]*)+"
)
_BOTH = re.compile(
    r"(?:这|那|上面|前面|刚才)(?:的)?[两二2](?:个|项|者)(?:数字?|指标|目标|值|项目)?|[两二]者|(?:它|他)们[两俩]"
)
SAME_LENGTH = 1.0  # what a word counts that takes the place of one as long as itself (农村 for 城镇)
MAX_EARLIER = 3  # earlier questions that a follow-up may lean on


class Way(StrEnum):
    """How a question is made to stand alone."""

    TYPED = "typed"
    JOINED = "joined"
    PUT_IN = "put_in"
    DATED = "dated"
    REFERRED = "referred"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class StandAlone:
    """A question that stands alone, the way it was made so, and how many questions back it leans; 0 for none."""

    text: str
    way: Way = Way.TYPED
    back: int = 0

    @property
    def is_follow_up(self) -> bool:
        """Whether it borrowed from an earlier question."""
        return self.way is not Way.TYPED


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier question, made stand-alone, with the members of the list that answers it; empty where it is no list."""

    text: str
    members: tuple[str, ...] = ()


def stand_alone(question: str, earlier: Sequence[Earlier], profile: Profile) -> list[StandAlone]:
    """Every stand-alone question that a question in a conversation can mean.

    Args:
        question: The question as typed.
        earlier: The earlier questions, oldest first; empty for a first question.
        profile: The document asked about.

    Returns:
        At least one, each text once; first the question without what only opens it. Only that where it opens a
        conversation or says that it changes the topic.
    """
    text = tidy(question)
    text = _POLITE.sub("", arabic(simplified(text).translate(_WIDTH))) or text
    fresh = _NEW_TOPIC.sub("", text)
    if fresh != text or not earlier:
        return [StandAlone(fresh)]
    bare = _BACK.sub("", text) or text
    bare = _OPENING.sub("", bare) or bare
    found = [StandAlone(bare), StandAlone(text), *_listed(bare, text, earlier, profile.document)]
    for back in _leant_on(text, bare, earlier, profile.document):
        found += [StandAlone(words, way, back) for words, way in _leaning(bare, earlier[-back].text, profile)]
    each: dict[str, StandAlone] = {}
    for alone in found:
        each.setdefault(alone.text, alone)
    return list(each.values())


def _leant_on(text: str, bare: str, earlier: Sequence[Earlier], document: Document) -> list[int]:
    """How many questions back a follow-up may lean: 1, those that share a word with it, and the first where it says so."""
    words = [term.text for term in understand(bare, document).terms]
    sharing = [
        back
        for back, before in enumerate(reversed(earlier), start=1)
        if any(matched([word], fold(before.text)) > 0 for word in words)
    ]
    first = [len(earlier)] if _FIRST.search(text) else []
    return list(dict.fromkeys([*first, 1, *sharing]))[:MAX_EARLIER]


def _leaning(bare: str, previous: str, profile: Profile) -> list[tuple[str, Way]]:
    """The ways in which a question can lean on an earlier one."""
    document = profile.document
    asked, before = understand(bare, document), understand(previous, document)
    (topic, asking), core, head = _split(previous), _core(bare), _head(previous)
    asks = asks_itself(bare)
    said = bare if asks or not core else _CLOSING.sub("", bare) + ("是多少？" if before.form is Form.AMOUNT else asking)
    found = [((_strip_time(words) if asked.years else words) + said, Way.JOINED) for words in (topic, head) if words]
    if core:
        put_in = _substituted(previous, core, profile)
        found.append((_with_time(put_in, asked, before, document, bare), Way.PUT_IN))
        if asks and core in bare:
            put_in = _topic(_substituted(_topic(previous), core, profile)) + bare[bare.find(core) + len(core) :]
            found.append((_with_time(put_in, asked, before, document, bare), Way.PUT_IN))
    if not core or question_words().rates.fullmatch(core) or _RATE.fullmatch(core):
        found.append((_with_time(previous, asked, before, document, bare), Way.DATED))
    if _REFERENCE.search(bare):
        found += [(_REFERENCE.sub(words, bare, count=1), Way.REFERRED) for words in (_subject(previous), head) if words]
    return found


def _listed(bare: str, text: str, earlier: Sequence[Earlier], document: Document) -> list[StandAlone]:
    """The question where it asks for one member of what was listed, for the rest of it, or for two topics at once."""
    asked, last = understand(bare, document), earlier[-1].text
    before = understand(last, document)
    if _BOTH.search(text):
        pair = f"{_subject(earlier[-2].text)}和{_subject(last)}分别是多少？" if len(earlier) > 1 else last
        return [StandAlone(_with_time(pair, asked, before, document, text), Way.LISTED, 1)]
    if ordinal := _ORDINAL.search(bare):
        for back, listed in enumerate(reversed(earlier), start=1):
            place = _ordinal(ordinal.group(1), len(listed.members))
            if 0 < place <= len(listed.members):
                member, rest = listed.members[place - 1], bare[ordinal.end() :]
                text = member if _BARE.fullmatch(rest) else bare[: ordinal.start()] + member + rest
                return [StandAlone(text, Way.LISTED, back)]
        return [StandAlone(f"{_topic(last)}的{bare}", Way.JOINED, 1)]
    if _MORE.search(text):
        return [StandAlone(f"{_topic(last)}{'' if before.form is Form.LIST else '有'}哪些？", Way.LISTED, 1)]
    return []


def asks_itself(question: str) -> bool:
    """Whether a question has a word that asks, and is not left to borrow it (“那农村居民呢”)."""
    return bool(_ASKS.search(question))


@lru_cache(maxsize=8192)
def names_something(word: str) -> bool:
    """Whether a word has a noun in it."""
    return any(pair.flag[0] in "nlji" or pair.flag in ("vn", "eng", "x") for pair in jieba.posseg.lcut(word))


def _ordinal(numeral: str | None, count: int) -> int:
    """The place that a numeral names, counted from 1; that of the last of ``count`` where there is no numeral."""
    if numeral is None:
        return count
    if numeral.isdigit():
        return int(numeral)
    value = arabic(numeral + "个")[:-1]
    return "一二三四五六七八九十".find(numeral) + 1 if not value.isdigit() else int(value)


def _strip_time(text: str) -> str:
    return _YEAR_WORD.sub("", text).lstrip("的 ")


def _core(fragment: str) -> str:
    """The words of a fragment that name a topic: no year, no kind, no question words."""
    text = _strip_time(_CLOSING.sub("", fragment))
    words = question_words()
    text = words.target.sub("", words.result.sub("", text))
    text = words.phrases.sub("", text)
    kept = [token for token in jieba.lcut(text) if token not in words.noise and re.search(r"\w", token)]
    return text.strip("的呢，,。、 ？?") if kept else ""


def _topic(question: str) -> str:
    """A question without its asking end: ``2024年新增停车位多少个？`` is 2024年新增停车位.

    Where the asking only qualifies what follows (打造什么产业基地), it alone is left out.
    """
    text = re.sub(r"[？?。！!]+$", "", question)
    qualifying = re.search(
        r"(?:什么(?:样的)?|哪些|哪几(?:个|家|项|条|种)|哪(?:[两二三四五六七八九十]|一)?(?:个|家|项|条|种|类|所|座))([一-鿿]{3,12})$",
        text,
    )
    if qualifying and not _SAID_KIND.match(qualifying.group(1)):
        return text[: qualifying.start()] + qualifying.group(1)
    text = re.sub(
        r"(?:的?(?:数量|情况)?(?:目标|计划)?(?:是|为|有|要|打算|定|约)*)?(?:多少|几|哪些|哪几|哪|谁|什么|怎么样|如何|怎样|多大|多高)[^，。]*$",
        "",
        text,
    )
    return text.rstrip("的是有为")


def _split(question: str) -> tuple[str, str]:
    """A question as topic and asking end; ``改造多少个老旧小区？`` is 改造老旧小区 and 多少个？."""
    measures = "|".join(map(re.escape, units()))
    inverted = re.match(rf"^(.*?)(多少|几)((?:{measures})?)([一-鿿]{{2,14}}?)[？?。]*$", question)
    if inverted and inverted.group(1) and not re.match(r"[的呢吗]|钱$", inverted.group(4)):
        return inverted.group(1) + inverted.group(4), f"{inverted.group(2)}{inverted.group(3)}？"
    topic = _topic(question)
    return topic, question[len(topic) :] if question.startswith(topic) else "？"


def _subject(question: str) -> str:
    return _strip_time(_topic(question))


def topic_of(question: str) -> str:
    """What a question is about: its words without year and without what asks; they all where nothing else is left."""
    return _subject(question) or question


def _head(question: str) -> str:
    """What a question opens with before its first verb: whom or what it is about; empty where it opens with a verb."""
    words = []
    for pair in jieba.posseg.lcut(_subject(question)):
        if pair.flag[0] in "vdpcr" and pair.flag != "vn":
            break
        words.append(pair.word)
    return "".join(words).strip("，,的 ")


def _with_time(text: str, asked: Question, before: Question, document: Document, fragment: str) -> str:
    """Put the year and kind that a follow-up names in place of those of the question it follows."""
    if asked.years:
        years = "、".join(f"{year}年" for year in asked.years)
        text = _YEAR_WORD.sub(years, text, count=1) if _YEAR_WORD.search(text) else years + text
    if asked.kind is not None or asked.years:
        words = question_words()
        text = _NAMED_ACTUAL.sub("〓", text)
        swap = words.target if (asked.kind is not None and asked.kind.value == "result") else words.result
        if asked.years and asked.kind is None and before.years and asked.years != before.years:
            text = words.target.sub("", words.result.sub("", text))
        else:
            text = swap.sub("", text)
        said = _SAID_KIND.search(fragment)
        if said and said.group() not in text:
            position = len(text) - len(re.sub(r"^.*?年", "", text)) if _YEAR_WORD.search(text) else 0
            text = f"{text[:position]}{said.group()}{text[position:]}"
        if asked.kind is not None and not asked.years and before.years and before.kind is not asked.kind:
            text = _YEAR_WORD.sub("", text, count=1)
    return re.sub(r"的的+", "的", text.replace("〓", "实际")).lstrip("的，, ")


def _substituted(previous: str, core: str, profile: Profile) -> str:
    """The earlier question with the words that ``core`` stands in for replaced.

    Every run of content words is tried; the wording that one passage of the document covers best wins, and of equals
    the one that keeps most of the earlier words.
    """
    topic, tail = _split(previous)
    pairs = _tokens(topic)
    tokens = [word for word, _ in pairs]
    noise = question_words().noise
    places = [
        i
        for i, token in enumerate(tokens)
        if re.search(r"\w", token) and token not in noise and not _YEAR_WORD.fullmatch(token) and not token.isdigit()
    ]
    if not places:
        return topic + core + tail
    nouns = [i for i in places if pairs[i][1][0] in "nljz" or pairs[i][1] in ("vn", "eng")] or places
    folded_core = fold(core)
    parts = [t for t in jieba.lcut(folded_core) if len(t) > 1]
    near = [
        f"{folded.text}｜{folded.context}｜{folded.lead}"
        for folded in profile.folded.values()
        if matched([folded_core, *parts], folded.text) > 0
    ] or [profile.text]
    options: list[tuple[float, int, str]] = []
    for i in places:
        for j in places:
            if j < i or j - i > 8:
                continue
            left, right = tokens[:i], tokens[j + 1 :]
            joins_on = folded_core + fold("".join(right))[:2]
            if j < nouns[-1] and not (len(joins_on) > len(folded_core) and any(joins_on in text for text in near)):
                continue
            kept = [tokens[k] for k in places if k < i or k > j]
            beside = tokens[i - 1] if i - 1 in places else ""
            removed = fold("".join(tokens[i : j + 1]))
            options.append(
                (
                    _support(core, kept, beside, right, near, removed),
                    len("".join(kept)),
                    "".join(left) + core + "".join(right),
                )
            )
    words = list(jieba.tokenize(topic, mode="search"))
    starts, ends = {begin for _, begin, _ in words}, {stop for _, _, stop in words}
    for start in range(len(topic) - len(core) + 1):
        rest = topic[start + len(core) :]
        gone = topic[start : start + len(core)]
        if start not in starts or start + len(core) not in ends or re.search(r"[\d年]", gone):
            continue
        joins_on = folded_core + fold(rest)[:2]
        if len(joins_on) == len(folded_core) + 2 and any(joins_on in text.split("｜", 1)[0] for text in near):
            before = topic[:start]
            kept = [
                t
                for t in (*jieba.lcut(before), *jieba.lcut(rest))
                if len(t) > 1 and t not in noise and not _YEAR_WORD.fullmatch(t)
            ]
            options.append(
                (
                    _support(core, kept, "", [rest], near, fold(topic[start : start + len(core)])) + SAME_LENGTH,
                    len("".join(kept)),
                    before + core + rest,
                )
            )
    return max(options)[2] + tail if options else _subject(previous) + core + tail


def _tokens(text: str) -> list[tuple[str, str]]:
    """Words with their word class; what stands between quotation marks is one word."""
    found: list[tuple[str, str]] = []
    for piece in re.split(r"([“\"「『][^”\"」』]{1,20}[”\"」』])", text):
        if piece[:1] in ("“", '"', "「", "『"):
            found.append((piece, "n"))
        elif piece:
            found += [(pair.word, pair.flag) for pair in jieba.posseg.lcut(piece)]
    return found


def _support(
    core: str, kept: Sequence[str], beside: str, right: Sequence[str], near: Sequence[str], removed: str
) -> float:
    """How well one passage bears the core with the kept words: each found adds, each not found takes away.

    A kept word right before the core would qualify it, so it must stand in the passage's own words. A sentence that
    names the removed words beside the core sets the two side by side.
    """
    folded = fold(core)
    after = fold("".join(right))[:2]
    best = -1e9
    for text in near:
        own = text.split("｜", 1)[0]
        score = 3.0 * matched([folded], own)
        if len(after) == 2 and folded + after in own:
            score += 1.5
        if beside and fold(beside) not in own:
            score -= 1.5
        if len(removed) >= 2 and removed in text and removed not in own:
            score += 0.8
        for word in kept:
            folded_word = fold(word)
            score += 1.0 if folded_word in own else (0.3 if folded_word in text else -1.0)
        best = max(best, score)
    return best
