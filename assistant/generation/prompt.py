"""What is put to a language model: fixed instruction and example first, then the evidence under handles, then the question."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from langchain_core.prompts import ChatPromptTemplate

from index.tokens import count_tokens

# Handles that mean nothing and are no words, so that the model can neither count with them nor mistake them for text.
# None is a unit, which documents give in brackets too (kg, km, ft).
HANDLES = tuple(a + b for a in "qvxzjw" for b in "hbdgpt")
HANDLE = re.compile(r"[〔\[【(（]\s*([a-z]{2})\s*[〕\]】)）]")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence as the model sees it: its handle, the year and kind it speaks of, its words."""

    handle: str
    label: str
    words: str


def pieces(evidence: Sequence[tuple[str, str]], budget: int) -> list[Piece]:
    """The evidence (label and words) under handles, in order, as much as ``budget`` tokens hold; at least the first."""
    given: list[Piece] = []
    spent = 0
    for handle, (label, words) in zip(HANDLES, evidence, strict=False):
        plain = HANDLE.sub("", " ".join(words.split()))
        cost = count_tokens(plain)
        if given and spent + cost > budget:
            break
        given.append(Piece(handle, label, plain))
        spent += cost
    return given


@cache
def prompt_template() -> ChatPromptTemplate:
    """The prompt; its variables are ``evidence`` and ``question``, both in the last message."""
    data: dict[str, Any] = _data()["answer"]
    messages: list[tuple[str, str]] = [("system", _literal(data["system"].strip()))]
    for example in data["examples"]:
        shown = evidence_text([Piece(*piece) for piece in example["evidence"]])
        messages += [("human", _literal(_asked(shown, example["question"]))), ("ai", _literal(example["answer"]))]
    return ChatPromptTemplate.from_messages([*messages, ("human", _asked("{evidence}", "{question}"))])


@cache
def rewrite_template() -> ChatPromptTemplate:
    """The prompt that has a question made stand-alone; its variables are ``turns`` and ``question``."""
    data: dict[str, Any] = _data()["rewrite"]
    messages: list[tuple[str, str]] = [("system", _literal(data["system"].strip()))]
    for example in data["examples"]:
        turns = "\n".join(f"- {turn}" for turn in example["turns"])
        messages += [("human", _literal(_followed(turns, example["question"]))), ("ai", _literal(example["answer"]))]
    return ChatPromptTemplate.from_messages([*messages, ("human", _followed("{turns}", "{question}"))])


def _data() -> dict[str, Any]:
    return tomllib.loads(files("assistant").joinpath("wordlists/prompt.toml").read_text(encoding="utf-8"))


def _followed(turns: str, question: str) -> str:
    return f"前面问过：\n{turns}\n现在问：{question}"


def evidence_text(given: Sequence[Piece]) -> str:
    """The pieces as lines of the prompt."""
    return "\n".join(f"[{piece.handle}]（{piece.label}）{piece.words}" for piece in given)


def _asked(evidence: str, question: str) -> str:
    return f"资料：\n{evidence}\n问题：{question}"


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
