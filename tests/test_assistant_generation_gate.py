"""What a generated sentence may say: clauses of one cited sentence as they stand there, and hardly a word of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.generation.sentence_gate import Judgement, Ruling, SentenceGate
from corpus.passages import passages
from corpus.types import Document

DATA = Path(__file__).with_name("data")
# Written by somebody who knew the gate and set out to get past it, 1,240 sentences about the plan.
FALSE = [json.loads(line) for line in (DATA / "false_sentences.jsonl").read_text(encoding="utf-8").splitlines()]
HONEST = [json.loads(line) for line in (DATA / "honest_sentences.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def parsed(plan: Document) -> list[Any]:
    return list(passages(plan))


def judged(plan: Document, parsed: list[Any], sentence: str, *quotes: str) -> Judgement:
    """The ruling on a sentence where the evidence is the sentences of the plan that hold the quotes."""
    places = [plan.text.index(quote) for quote in quotes]
    spans = [
        next((p.sentence_start, p.sentence_end) for p in parsed if p.sentence_start <= at < p.sentence_end)
        for at in places
    ]
    return SentenceGate(plan, parsed, spans).judge(sentence)


JOBS, TALENT, PARKING = "确保城镇新增就业7000人", "新增博士10名", "新增停车位1000个"
VALLEY, HIGH_TECH = "二期产业加速器建成运营", "莱芜高新区向高而攀"


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("深化全方位公共就业服务，确保城镇新增就业7000人。", id="verbatim"),
        pytest.param("确保城镇新增就业7000人。", id="one clause of several"),
        pytest.param("2024年，确保城镇新增就业7000人。", id="with its year"),
        pytest.param("今年计划深化全方位公共就业服务，确保城镇新增就业7000人。", id="with year and kind"),
        pytest.param("就业方面，深化全方位公共就业服务，确保城镇新增就业7000人。", id="with its topic"),
        pytest.param("同时，确保城镇新增就业7000人。", id="joined on"),
        pytest.param("確保城鎮新增就業7000人。", id="traditional characters"),
        pytest.param("确保城镇新增就业７０００人。", id="full width"),
    ],
)
def test_what_the_cited_sentence_says_is_bound(plan: Document, parsed: list[Any], sentence: str) -> None:
    assert judged(plan, parsed, sentence, JOBS) == Judgement(Ruling.BOUND, "", (0,))


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        pytest.param("确保城镇新增就业8000人。", [JOBS], id="another figure"),
        pytest.param("2023年，确保城镇新增就业7000人。", [JOBS], id="another year"),
        pytest.param("确保城镇新增就业7000人以上。", [JOBS], id="a bound word added"),
        pytest.param("确保城镇新增就业近7000人。", [JOBS], id="a bound word in front"),
        pytest.param("已确保城镇新增就业7000人。", [JOBS], id="intended told as done"),
        pytest.param("确保城镇新增就业7000人，创历史新高。", [JOBS], id="true half, invented half"),
        pytest.param("确保城镇新增就业7000人，新增博士10名。", [JOBS, TALENT], id="clauses of two sentences"),
        pytest.param("因此确保城镇新增就业7000人。", [JOBS], id="a cause"),
        pytest.param("确保城镇新增就业7000人", [TALENT], id="stands elsewhere in the plan only"),
        pytest.param("停车方面，确保城镇新增就业7000人。", [JOBS], id="another topic"),
        pytest.param("新增停车位1000个<script>alert(1)</script>。", [PARKING], id="markup"),
        pytest.param("新增停车位≥1000个。", [PARKING], id="a sign that alters"),
        pytest.param("莱芜高新区，二期产业加速器建成运营。", [VALLEY, HIGH_TECH], id="another subject"),
    ],
)
def test_what_it_does_not_say_is_unbound(plan: Document, parsed: list[Any], sentence: str, evidence: list[str]) -> None:
    judgement = judged(plan, parsed, sentence, *evidence)
    assert judgement.ruling is Ruling.UNBOUND
    assert judgement.reason


def test_subject_that_the_sentence_leaves_out_is_named(plan: Document, parsed: list[Any]) -> None:
    judgement = judged(plan, parsed, "签约入驻企业11家。", VALLEY)
    assert judgement.ruling is Ruling.BOUND
    assert judgement.subject == "鲁中国际生物谷"


@pytest.mark.parametrize("sentence", ["", "。", "……", " \n"])
def test_nothing_said_is_nothing_to_judge(plan: Document, parsed: list[Any], sentence: str) -> None:
    assert judged(plan, parsed, sentence, JOBS).ruling is Ruling.EMPTY


def test_saying_that_the_plan_is_silent_is_told_apart(plan: Document, parsed: list[Any]) -> None:
    assert judged(plan, parsed, "文件未提及就业目标。", JOBS).ruling is Ruling.SILENT


def test_evidence_of_several_sentences_says_which_bears(plan: Document, parsed: list[Any]) -> None:
    assert judged(plan, parsed, "新增博士10名。", JOBS, TALENT).spans == (1,)


def test_false_sentences_are_unbound_or_given_their_true_subject(plan: Document, parsed: list[Any]) -> None:
    through = []
    for row in FALSE:
        judgement = SentenceGate(plan, parsed, [tuple(span) for span in row["spans"]]).judge(row["sentence"])
        if judgement.ruling is Ruling.BOUND and not judgement.subject:
            through.append((row["kind"], row["sentence"]))
    assert not through


def test_most_honest_sentences_are_bound(plan: Document, parsed: list[Any]) -> None:
    rulings = [
        SentenceGate(plan, parsed, [tuple(span) for span in row["spans"]]).judge(row["sentence"]).ruling
        for row in HONEST
    ]
    assert rulings.count(Ruling.BOUND) >= 0.4 * len(HONEST)
