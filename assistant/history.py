"""Make a follow-up question stand alone.

The earlier questions are resolved one after the other; each either stands alone or borrows from the one before it:
its topic where it only names another year or form (“2023年实际呢？”), its wording where it names another topic
(“那农村居民呢？”). Which part of the earlier wording gives way is decided by what the document has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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
    r"^(?:那么?|还有|再(?:问|说|看|查)(?:一?下|问)?|另外|同样|换成|换做|换到|改成|改为|改(?=[去今前明]年|20)|如果是|至于|顺便(?:问)?(?:一?下)?|对了|然后|接着|嗯|哦|好的?|好吧|请问|以及|而|其中的?|[，,、。 ])+"
)
_CLOSING = re.compile(r"(?:又)?(?:呢|怎么样|如何|怎样|咋样|是多少|多少|的话)?[呢吗啊呀]?[？?。！!~ ]*$")
_REFERENCE = re.compile(
    r"它们?|他们|这个|那个|这些|那些|该(?=[项目企业公司园区产业指标])|上述|上面|刚才|前面|前者|后者|其(?!他|它|中|余|实)|此|同期|同一"
)
_NEW_TOPIC = re.compile(
    r"^(?:换个?(?:话题|问题)|不说这个了?|另一个问题|问点别的|下一个问题|说点别的|再问个别的)[，,。：: ]*"
)
_BACK = re.compile(
    r"^(?:回到|再说回|说回|还是说|回头(?:再)?(?:看|说)|话说回来|前面(?:问|说|提到)的?|刚才(?:问|说|提到)?的?|最开始(?:问)?的?|第一个问题)(?:刚才|前面|最开始|之前)?(?:问|说)?(?:的)?"
)
_ATTRIBUTE = re.compile(r"(?:完成|总)?投资(?:额|总额)?|金额|资金|增速|增幅|数量|面积|占比|比例|比重|规模|总量|总额")
_RATE = re.compile(r"增速|增幅|降幅|涨幅|占比|比例|比重")
_NAMED_AGAIN = re.compile(r"^.{0,12}?(?:那个|这个|的)?(?:指标|问题|数字?|项目|事)[，,]")
_ORDINAL = re.compile(
    r"(?:其中)?第([一二两三四五六七八九十\d]+)(?:个|家|项|条|位|座|种)(?:项目|企业|公司|产业|园区|平台|行动|战略)?"
)
_YEAR_WORD = re.compile(r"(?:19|20)\d{2}年?|(?<!\d)\d{2}年|大?前年|去年|上年|今年|明年|后年|本年度?|来年")
_MORE = re.compile(r"还有(?:什么|哪些|谁|别的|其他)|其他(?:的)?(?:呢|还有)|别的呢|剩下的")
_SAID_KIND = re.compile(r"目标|计划|预期|任务|实际|完成情况")
_BARE_ASKING = re.compile(r"^(?:那)?(?:是|在|有|要|用|花|为)(?:哪|几|谁|什么|多少|第几|何)")
_OWN_ASKING = re.compile(r"(?:多少|几)(?:块)?钱")
_BARE = re.compile(
    r"(?:来着|具体|到底)?(?:是|叫|指)(?:的是)?(?:什么|啥|哪个|哪一个|谁)?(?:来着|名字|呀|啊|呢)?[？?。]?"
)
_SAME = re.compile(r"^(?:是)?(?:哪些|哪几|哪|谁|什么|多少|几|在哪|怎么|为什么|何时|啥)")


_WIDTH = {
    full: full - 0xFEE0 for full in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), 0xFF0E)
}
_POLITE = re.compile(
    r"^(?:(?:您好|你好|请问|请教|麻烦|劳驾|打扰了?|我?想?(?:再)?(?:问|了解|知道|咨询)(?:一?下)?|帮(?:我|忙)(?:查|看|问)?(?:一?下)?|问一?下)[，,。！!：: ]*)+"
)
_FIRST = re.compile(
    r"^我?(?:最开始|一开始|最早|最先|第一个?)(?:我)?(?:问|说|提)?(?:到)?的?(?:那个?)?(?:指标|问题|数|项目|事|题)?[，,的 ]*"
)
_BOTH = re.compile(
    r"(?:这|那|上面|前面|刚才)(?:的)?[两二2](?:个|项|者)(?:数字?|指标|目标|值|项目)?|[两二]者|(?:它|他)们[两俩]"
)


SAME_LENGTH = 1.0  # what a word counts that takes the place of one as long as itself (农村 for 城镇)


@dataclass(frozen=True, slots=True)
class StandAlone:
    """A question that stands alone, whether it borrowed from an earlier one, and the years that one was about.

    ``previous`` is the question before it, itself made stand-alone; empty for a first question.
    """

    text: str
    is_follow_up: bool
    earlier_years: tuple[int, ...] = ()
    previous: str = ""


def stand_alone(
    question: str,
    turns: Sequence[str],
    profile: Profile,
    members_of: Callable[[str], Sequence[str]] | None = None,
) -> StandAlone:
    """Resolve a question against the earlier questions of the conversation.

    Args:
        question: The question as typed.
        turns: Earlier questions of the same person, oldest first; empty for a first question.
        profile: The document asked about.
        members_of: Gives the members of the list that a stand-alone question is answered with, for “第二个”.

    Returns:
        The question unchanged where it stands alone already.
    """
    resolved: list[str] = []
    for turn in turns:
        if tidy(turn):
            resolved.append(_resolve(tidy(turn), resolved, profile, members_of).text)
    alone = _resolve(tidy(question), resolved, profile, members_of)
    years = understand(resolved[-1], profile.document).years if resolved else ()
    return replace(alone, earlier_years=years, previous=resolved[-1] if resolved else "")


def joined(previous: str, question: str) -> StandAlone:
    """A question put behind the topic of the one before it: for one that seemed to stand alone and found nothing."""
    topic = _strip_time(_topic(previous)) if _YEAR_WORD.search(question) else _topic(previous)
    return StandAlone(topic + _OPENING.sub("", question), True)


def _resolve(
    text: str, earlier: Sequence[str], profile: Profile, members_of: Callable[[str], Sequence[str]] | None
) -> StandAlone:
    text = _POLITE.sub("", arabic(simplified(text).translate(_WIDTH))) or text
    if earlier:
        text = re.sub(r"^(?:那|再|还是)?(?:回到|说回)(?=第一|最开始|一开始)", "", text)
        text = re.sub(r"^同样的?(?:问题)?[，,]?(?:(?:再)?问(?:一?下)?|换成)", "换成", text)
        aside = re.search(r"(?<=呢)[，,。？?].*$", text) if len(text) <= 24 else None
        if aside and not _YEAR_WORD.search(aside.group()):
            text = text[: aside.start()] + "？"
    fresh = _NEW_TOPIC.sub("", text)
    if fresh != text:
        return StandAlone(fresh, False)
    if not earlier:
        return StandAlone(text, False)
    first = _FIRST.match(text)
    back = _BACK.match(text)
    if first and re.search(r"问|指标|题", first.group()) and first.end() < len(text):
        text = text[first.end() :]
        previous = earlier[0]
        if not _core(_OPENING.sub("", text)):
            asked, before = understand(text, profile.document), understand(previous, profile.document)
            return StandAlone(_with_time(previous, asked, before, profile.document, text), True)
    elif back and back.end() < len(text):
        text = text[back.end() :].lstrip("，,、的")
        previous = _nearest(text, earlier, profile.document)
        rest = _NAMED_AGAIN.sub("", text)
        if rest and rest != text and not names_something(_core(rest)):
            asked, before = understand(rest, profile.document), understand(previous, profile.document)
            return StandAlone(_with_time(previous, asked, before, profile.document, rest), True)
    else:
        previous = earlier[-1]
    asked = understand(text, profile.document)
    before = understand(previous, profile.document)
    if not _depends(text, asked, before):
        return StandAlone(text, False)
    both = _BOTH.search(text)
    if both and len(earlier) == 1:
        return StandAlone(_with_time(previous, asked, before, profile.document, text), True)
    if both and len(earlier) > 1:
        pair = f"{_subject(earlier[-2])}和{_subject(earlier[-1])}分别是多少？"
        return StandAlone(_with_time(pair, asked, before, profile.document, text), True)
    ordinal = _ORDINAL.search(text)
    if ordinal and members_of is not None:
        members = members_of(previous)
        place = _ordinal(ordinal.group(1))
        if 0 < place <= len(members):
            if _BARE.fullmatch(text[ordinal.end() :]):
                return StandAlone(members[place - 1], True)
            return StandAlone(text[: ordinal.start()] + members[place - 1] + text[ordinal.end() :], True)
        return StandAlone(f"{_topic(previous)}的{text}", True)
    fragment = _OPENING.sub("", text)
    if _MORE.search(text):
        return StandAlone(f"{_topic(previous)}{'' if before.form is Form.LIST else '有'}哪些？", True)
    core = _core(fragment)
    if not core:
        return StandAlone(_with_time(previous, asked, before, profile.document, fragment), True)
    if asked.form is not before.form and asked.form is not Form.WHAT and _SAME.match(_strip_time(fragment)):
        return StandAlone(_topic(previous) + _strip_time(fragment), True)
    if _REFERENCE.search(fragment):
        replaced = _REFERENCE.sub(_subject(previous), fragment, count=1)
        return StandAlone(replaced, True)
    if _ATTRIBUTE.fullmatch(core):
        return StandAlone(f"{_split(previous)[0]}的{core}是多少？", True)
    replaced = _substituted(previous, core, profile)
    other_class = asked.unit_class and before.unit_class and asked.unit_class != before.unit_class
    wants_more = asked.form not in (Form.WHAT, before.form) or asked.unit or other_class or _OWN_ASKING.search(fragment)
    if wants_more and core not in fragment:
        return StandAlone(_topic(previous) + fragment, True)
    if wants_more:
        replaced = _topic(_substituted(_topic(previous), core, profile)) + _asking(fragment, core)
    return StandAlone(_with_time(replaced, asked, before, profile.document, fragment), True)


def _depends(text: str, asked: Question, before: Question) -> bool:
    """Whether a question needs an earlier one: it opens or closes like a follow-up, refers back, or says too little."""
    if len(text) > 40 or re.match(r"^(?:列出|列举|罗列|列一下|逐项)", text):
        return False
    if any(pattern.search(text) for pattern in (_REFERENCE, _ORDINAL, _MORE, _BOTH)):
        return True
    if _BARE_ASKING.match(text):
        return True
    if re.match(r"^(?:那|换成|换做|如果是)", text):
        return len(asked.terms) <= 8
    if re.search(r"呢[？?。！!]?$", text):
        return len(asked.terms) <= 4
    says_what = [
        term
        for term in asked.terms
        if len(term.text) >= 2 and names_something(term.text) and not _RATE.fullmatch(term.text)
    ]
    return not says_what or (len(says_what) == 1 and len(fold(text)) <= 6 and asked.form in (Form.WHAT, Form.LIST))


def names_something(word: str) -> bool:
    """Whether a word has a noun in it."""
    return any(pair.flag[0] in "nlji" or pair.flag in ("vn", "eng", "x") for pair in jieba.posseg.lcut(word))


def _ordinal(numeral: str) -> int:
    if numeral.isdigit():
        return int(numeral)
    value = arabic(numeral + "个")[:-1]
    return "一二三四五六七八九十".find(numeral) + 1 if not value.isdigit() else int(value)


def _nearest(text: str, earlier: Sequence[str], document: Document) -> str:
    """The earlier question that shares most with a fragment; the latest where none does."""
    words = [term.text for term in understand(text, document).terms]
    scored = [(sum(matched([word], fold(turn)) for word in words), place) for place, turn in enumerate(earlier)]
    best = max(scored)
    return earlier[best[1]] if best[0] > 0 else earlier[-1]


def _strip_time(text: str) -> str:
    return _YEAR_WORD.sub("", text).lstrip("的 ")


def _core(fragment: str) -> str:
    """The words of a fragment that name a topic: no year, no kind, no question words."""
    text = _strip_time(_CLOSING.sub("", fragment))
    words = question_words()
    text = words.target.sub("", words.result.sub("", text))
    text = words.phrases.sub("", text)
    kept = [token for token in jieba.lcut(text) if token not in words.noise and re.search(r"\w", token)]
    return text.strip("的，,、 ？?") if kept else ""


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


def _asking(fragment: str, core: str) -> str:
    """What a fragment asks, behind the topic that it names."""
    position = fragment.find(core)
    return fragment[position + len(core) :] if position != -1 else ""


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
