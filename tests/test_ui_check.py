"""The tab 原文核对 without a browser: drafts taken in, checked, stopped, refused, and how a check is shown."""

from __future__ import annotations

import logging
import re
import threading
import time
from pathlib import Path

import pytest
from test_ui_render import DOCUMENTS, XSS, Elements, words
from ui_fakes import FakeAssistant, FakeDesk

from assistant.draft import CheckedDraft, CheckedSentence, DraftSummary
from assistant.types import Citation, Difference, Finding, Verdict, WordingCheck
from corpus.errors import RequestError
from ui.check_tab import take
from ui.check_view import MAX_SHOWN, Order, draft_markdown, progress_markdown, summary_markdown
from ui.checking import (
    EMPTY,
    FAILED,
    NOT_OFFERED,
    PASTED,
    TOO_LARGE,
    UNREADABLE,
    CheckSession,
    DraftChecks,
    Progress,
)
from ui.conversation import PageSettings
from ui.loading import Loader
from ui.types import DraftChecker

DRAFT = "新增停车位1000个。一般公共预算收入增长6.5%。\n规上工业增加值增长8.5%。我们将在火星建设3座基地。"


def checks(assistant: FakeAssistant | None = None, **changes: object) -> DraftChecks:
    return DraftChecks(Loader(assistant or FakeDesk()), PageSettings(**changes))  # type: ignore[arg-type]


def check(desk: DraftChecks, text: str = DRAFT, name: str = "") -> tuple[CheckSession, Progress]:
    session, hint = desk.accept(text, name, CheckSession())
    assert not hint
    return list(desk.run(session))[-1]


def checked(text: str = DRAFT) -> CheckedDraft:
    draft = check(checks(), text)[0].draft
    assert draft is not None
    return draft


# --- drafts ------------------------------------------------------------------------------------------------------


def test_fake_checks_drafts() -> None:
    assert isinstance(FakeDesk(), DraftChecker)
    assert not isinstance(FakeAssistant(), DraftChecker)


def test_every_sentence_is_checked() -> None:
    draft = checked()
    assert draft.name == PASTED
    assert [s.check.verdict for s in draft.sentences] == ["match", "mismatch", "match", "not_found"]
    assert draft.summary == DraftSummary(4, 2, 1, 0, 1, 4, 2, 1, 1)


@pytest.mark.parametrize("text", ["", "  \n ", None])
def test_nothing_entered_is_said(text: str | None) -> None:
    assert checks().accept(text, "", CheckSession()) == (CheckSession(), EMPTY)


def test_too_long_draft_is_refused_with_both_numbers() -> None:
    _, hint = checks(max_draft_chars=10).accept("字" * 11, "", CheckSession())
    assert "11" in hint
    assert "10" in hint


def test_second_draft_waits_until_the_first_is_checked() -> None:
    desk = checks()
    session, _ = desk.accept("一", "", CheckSession())
    again, hint = desk.accept("二", "", session)
    assert again.pending == "一"
    assert "停止" in hint


def test_progress_counts_sentences() -> None:
    desk = checks(FakeDesk(sentence_s=0.15))
    session, _ = desk.accept(DRAFT, "", CheckSession())
    steps = [progress for state, progress in desk.run(session) if state.pending]
    seen = [step.done for step in steps if step.total]
    assert seen == sorted(seen)
    assert len(set(seen)) > 1
    assert {step.total for step in steps} <= {0, 4}


def test_stopped_check_ends_and_goes_no_further() -> None:
    assistant = FakeDesk(sentence_s=0.1)
    desk = checks(assistant)
    session, _ = desk.accept("新增停车位1000个。" * 50, "", CheckSession())
    steps = desk.run(session)
    next(steps)
    assert desk.stop(session) == CheckSession()
    assert list(steps) == []
    time.sleep(0.3)
    reached = assistant.checked
    time.sleep(0.4)
    assert assistant.checked == reached < 50


def test_stopping_keeps_the_check_before() -> None:
    desk = checks()
    session, _ = check(desk)
    pending, _ = desk.accept("新的一稿。", "", session)
    assert desk.stop(pending).draft == session.draft


def test_failure_is_one_sentence_and_details_stay_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    session, progress = check(checks(), "请崩溃。")
    assert session == CheckSession()
    assert progress.note == FAILED
    assert "秘密的细节" in caplog.text


def test_refusal_of_the_assistant_is_shown() -> None:
    class Strict(FakeDesk):
        def check_draft(self, text: str, name: str, on_progress: object = None) -> CheckedDraft:
            raise RequestError("文稿里没有句子。")

    assert check(checks(Strict()))[1].note == "文稿里没有句子。"


def test_assistant_without_drafts_says_so() -> None:
    assert check(checks(FakeAssistant()))[1].note == NOT_OFFERED


def test_draft_waits_for_the_index() -> None:
    may_load = threading.Event()
    loader = Loader(lambda: may_load.wait(10) and FakeDesk()).start()  # type: ignore[arg-type, return-value]
    desk = DraftChecks(loader, PageSettings())
    session, _ = desk.accept(DRAFT, "", CheckSession())
    steps = desk.run(session)
    assert "正在准备" in next(steps)[1].note
    may_load.set()
    assert list(steps)[-1][0].draft is not None


def test_words_of_a_draft_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        check(checks(), name="讲话稿.docx")
    assert "4 sentences" in caplog.text
    assert "停车位" not in caplog.text
    assert "讲话稿" not in caplog.text


# --- files -------------------------------------------------------------------------------------------------------


def test_file_is_read_by_the_assistant() -> None:
    assistant = FakeDesk()
    assert checks(assistant).read("新增停车位1000个。".encode(), "稿.txt") == "新增停车位1000个。"
    assert assistant.uploads == [("稿.txt", 25)]


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"a\0b", "不是文本"), (b"\xff\xfe\xfd", UNREADABLE), (b"a" * (10 * 2**20 + 1), TOO_LARGE)],
    ids=["binary", "reader breaks", "large"],
)
def test_bad_file_is_one_sentence(data: bytes, said: str) -> None:
    with pytest.raises(RequestError, match=re.escape(said)) as caught:
        checks().read(data, "a.txt")
    assert str(caught.value).count("。") == 1


def test_file_with_too_much_text_is_refused() -> None:
    with pytest.raises(RequestError, match="超过上限"):
        checks(max_draft_chars=5).read(b"abcdef", "a.txt")


def test_uploaded_file_is_deleted_with_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "upload" / "a.txt"
    file.parent.mkdir()
    file.write_bytes(b"x")
    assert take(file) == b"x"
    assert not file.parent.exists()
    assert tmp_path.exists()


def test_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(b"x")
    take(tmp_path / "a.txt")
    assert [file.name for file in tmp_path.iterdir()] == ["b.txt"]


def test_uploaded_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        take(tmp_path / "gone" / "a.txt")


# --- how a check is shown ----------------------------------------------------------------------------------------


def test_summary_counts_sentences_and_figures() -> None:
    shown = words(summary_markdown(checked()))
    assert "4 句：一致 2，不一致 1，文件中没有 1" in shown
    assert "4 个数字：一致 2，改动 1，文中没有 1" in shown


def test_sentences_stand_in_reading_order_with_badge_and_place() -> None:
    shown = words(draft_markdown(checked(), DOCUMENTS))
    parts = re.split(r"(?=[1-4](?:一致|不一致|文件中没有))", shown)[1:]
    assert re.match(
        r"1一致新增停车位1000个出处：第三部分（三）聚力城乡协调并进，统筹城乡融合发展 · 第1段 查看原文", parts[0]
    )
    assert parts[1].startswith("2不一致原文：一般公共预算收入增长6.6%")
    assert "文稿：一般公共预算收入增长6.5%" in parts[1]
    assert parts[3].startswith("4文件中没有我们将在火星建设3座基地")


def test_difference_is_marked_by_whole_figures() -> None:
    shown = draft_markdown(checked("一般公共预算收入增长6.5%。"), DOCUMENTS)
    assert "增长<ins>6.6</ins>%" in shown
    assert "增长<del>6.5</del>%" in shown


def test_finding_that_is_not_wrong_is_quiet() -> None:
    shown = draft_markdown(checked("规上工业增加值增长8.5%。一般公共预算收入增长6.5%。"), DOCUMENTS)
    assert re.search(r'class="finding quiet"><b>同义</b>', shown)
    assert re.search(r'class="finding"><b>数字</b>', shown)


def test_only_what_differs_says_what_it_leaves_out() -> None:
    shown = words(draft_markdown(checked(), DOCUMENTS, Order.WRONG))
    assert "2不一致" in shown
    assert "停车位" not in shown
    assert "未列出：一致 2 句，文件中没有 1 句。" in shown


def test_draft_without_differences_says_so() -> None:
    assert "没有与原文不一致的句子" in words(draft_markdown(checked("新增停车位1000个。"), DOCUMENTS, Order.WRONG))


def test_draft_without_sentences_says_so() -> None:
    assert "没有可以核对的句子" in draft_markdown(CheckedDraft("", (), DraftSummary(*[0] * 9)), DOCUMENTS)


def test_very_long_draft_is_cut_on_the_page_and_says_so() -> None:
    draft = checked("新增停车位1000个。" * (MAX_SHOWN + 1))
    shown = draft_markdown(draft, DOCUMENTS)
    assert shown.count('class="checked ') == MAX_SHOWN
    assert "其余见下载的报告" in shown


def test_progress_in_words() -> None:
    assert "已核对 3/12 句" in words(progress_markdown(Progress(3, 12)))
    assert 'style="width:25%"' in progress_markdown(Progress(3, 12))
    assert "正在核对" in words(progress_markdown(Progress()))
    assert "&#60;b&#62;" in progress_markdown(Progress(note="<b>"))


@pytest.mark.parametrize("payload", XSS)
@pytest.mark.parametrize("verdict", [*Verdict, "unheard of"])
def test_draft_and_findings_are_text(verdict: str, payload: str) -> None:
    finding = Finding(Difference.WORDS, payload, payload, payload)
    diff = (("equal", payload), ("delete", payload), ("insert", payload))
    check = WordingCheck(verdict, payload, diff, (finding,))  # type: ignore[arg-type]
    citation = Citation(1, payload, "1.1", payload, payload, 0, 5, "")
    draft = CheckedDraft(payload, (CheckedSentence(payload, 0, 1, check, citation),), DraftSummary(*[1] * 9))
    for shown in (draft_markdown(draft, DOCUMENTS), summary_markdown(draft)):
        elements = Elements(shown)
        assert elements.names <= {"div", "p", "span", "b", "br", "ins", "del", "ul", "li"}
        assert elements.attributes <= {"class"}
