"""Questions for the fields of the document's head: 文号, 印发机关, 日期, 联系人, 电话."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from assistant.question import Question
from assistant.wordlists import header_asks, question_words
from corpus.types import Document, Passage

_SPEAKER = re.compile(r"(?:作|做)(?:的|了|这份|这个|政府)*(?:工作)?报告|报告.{0,8}(?:作|做)的")
_PERSON = re.compile(r"[区市县镇局处科省]长|书记|主任|领导|董事长|经理|院长|校长|私人|(?<!有)个人|手机|家里|住址")


def header_passages(question: Question, document: Document, passages: Sequence[Passage]) -> list[Passage]:
    """The header fields that a question asks for; empty where it asks for something else.

    The question, or its last part, must hold no content word beside the asking: “咨询电话是多少” asks for the head's
    telephone, “区长的电话是多少” does not.
    """
    if asks_for_somebody(question):
        return []
    for part in (question.folded, *re.split(r"[,，。！!；;]", question.folded)[-1:]):
        asked = _asked(part, document, {passage.field: passage for passage in passages if passage.is_header})
        if asked:
            return asked
    return []


def asks_for_somebody(question: Question) -> bool:
    """Whether a question asks for an official or a private person; of these the head of a document tells nothing."""
    return bool(_PERSON.search(question.folded)) and not _SPEAKER.search(question.folded)


def _asked(words: str, document: Document, by_name: Mapping[str, Passage]) -> list[Passage]:
    fields, generic = header_asks()
    rest = words
    for word in (document.title, document.place, document.place[:-1]):
        rest = rest.replace(word.lower(), "") if word else rest
    rest = re.sub(r"(?:19|20)\d{2}年?|今年|去年", "", rest)
    asked = []
    for name, pattern in fields.items():
        match = pattern.search(rest)
        if match is not None and name in by_name:
            asked.append(by_name[name])
            rest = rest[: match.start()] + " " + rest[match.end() :]
    beside = re.sub(r"[^\w]", "", question_words().phrases.sub("", generic.sub("", rest)))
    if len([c for c in beside if c not in question_words().noise]) > 1:
        return []
    return asked
