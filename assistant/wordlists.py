"""The reviewed word lists, read once. They hold words and patterns and no values."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from assistant.normalise import fold


def _read(name: str) -> str:
    return files("assistant").joinpath(f"wordlists/{name}").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """How questions are worded; see the comments in ``question.toml``."""

    target: re.Pattern[str]
    result: re.Pattern[str]
    forms: tuple[tuple[str, re.Pattern[str]], ...]
    percent: re.Pattern[str]
    rates: re.Pattern[str]
    money: re.Pattern[str]
    phrases: re.Pattern[str]
    noise: frozenset[str]
    declined: re.Pattern[str]


def _any(words: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(sorted((re.escape(word) for word in words), key=len, reverse=True)))


@cache
def question_words() -> QuestionWords:
    """The words that tell what a question asks for."""
    data: dict[str, Any] = tomllib.loads(_read("question.toml"))
    phrases = data["noise"]["phrases"]
    return QuestionWords(
        target=_any(data["kind"]["target"]),
        result=_any(data["kind"]["result"]),
        forms=tuple((form["name"], re.compile("|".join(form["patterns"]))) for form in data["form"]),
        percent=_any(data["units"]["percent"]),
        rates=_any(data["units"]["rates"]),
        money=_any(data["units"]["money"]),
        phrases=_any([phrase for phrase in phrases if len(phrase) >= 2]),
        noise=frozenset(phrases),
        declined=re.compile("|".join(data["declined"]["patterns"]), re.I),
    )


@cache
def everyday() -> dict[str, tuple[str, ...]]:
    """Official terms by everyday word, both folded."""
    entries = {}
    for line in _read("everyday.tsv").splitlines():
        if line.strip() and not line.startswith("#"):
            left, _, right = line.partition("\t")
            entries[fold(left)] = tuple(fold(term) for term in right.split("|") if term.strip())
    return entries


@cache
def everyday_pattern() -> re.Pattern[str]:
    """Matches the everyday words, the longest first."""
    return _any(list(everyday()))


@cache
def report_share() -> dict[str, float]:
    """The share of government reports that use a word, 0 to 1; made by ``evals/report_words.py``."""
    lines = files("assistant").joinpath("weights/report_words.tsv").read_text(encoding="utf-8").splitlines()
    return {word: int(share) / 100 for word, _, share in (line.partition("\t") for line in lines)}


@cache
def places() -> frozenset[str]:
    """Names of places, with and without their suffix; a county that became a city or a district goes by either name."""
    names = {line for line in _read("places.txt").splitlines() if line and not line.startswith("#")}
    stems = {name[:-1] for name in names if len(name) >= 3 and name[-1] in "市县区"}
    return frozenset(names | {stem + suffix for stem in stems for suffix in "市县区"})


@cache
def header_asks() -> tuple[dict[str, re.Pattern[str]], re.Pattern[str]]:
    """How each header field is asked for, and the words that may stand beside the asking."""
    data: dict[str, Any] = tomllib.loads(_read("header.toml"))
    fields = {name: re.compile("|".join(patterns)) for name, patterns in data["fields"].items()}
    return fields, _any(data["generic"]["words"])


@cache
def place_pattern() -> re.Pattern[str]:
    """Matches the names of places, the longest first."""
    return _any(list(places()))


@cache
def place_stem_pattern() -> re.Pattern[str]:
    """Matches the names of places with or without what they are (樟树, 樟树市)."""
    return _any(list(places() | {name[:-1] for name in places() if len(name) >= 3 and name[-1] in "市县区旗省"}))
