"""The tab 原文核对: a draft pasted or uploaded, and what the check of it found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.draft import MAX_DRAFT_BYTES, CheckedDraft
from corpus.errors import RequestError
from ui.check_view import Order, draft_markdown, progress_markdown, summary_markdown
from ui.checking import STOPPED, TOO_LARGE, UNREADABLE, CheckSession, DraftChecks, Progress
from ui.conversation import BUSY, PageSettings
from ui.downloads import Downloads, file_name
from ui.render import escape_inline
from ui.types import ReportFormat

log = logging.getLogger(__name__)

HINT = "把要核对的文字粘贴在这里：一句、一段或整篇文稿"
PRIVACY = (
    f"可上传 .txt、.docx 文件，不超过 {MAX_DRAFT_BYTES // 2**20} MB。文件读取后立即删除，文稿与核对结果不写入磁盘。"
)
NO_RESULT = (
    '<p class="panel-empty">核对后，这里逐句显示是否与原文一致：数字、单位、“以上”“左右”等界限词、增减、年份，'
    "以及在计划中的位置。</p>"
)

Updates = dict[Any, Any]


class CheckTab:
    """The components of the tab, and which event changes which of them; made inside the tab."""

    def __init__(
        self, checks: DraftChecks, downloads: Downloads, settings: PageSettings, is_full: Callable[[], bool]
    ) -> None:
        self._checks = checks
        self._downloads = downloads
        self._settings = settings
        self._is_full = is_full
        self._session = gr.State(CheckSession())
        self._name = gr.State("")
        # Addresses of the two reports.
        self._offers: gr.State = gr.State(())
        with gr.Row(elem_id="check-columns", elem_classes="columns"):
            with gr.Column(scale=2, min_width=320, elem_id="check-input"):
                self._add_input()
            with gr.Column(scale=3, min_width=320, elem_id="check-output"):
                self._add_result()

    def _add_input(self) -> None:
        self._text = gr.Textbox(
            label="要核对的文字",
            placeholder=HINT,
            lines=10,
            max_lines=18,
            elem_id="draft",
            autofocus=False,
            html_attributes=gr.InputHTMLAttributes(autocapitalize="off", spellcheck=False),
        )
        with gr.Row(elem_id="check-buttons"):
            self._start = gr.Button("核对", variant="primary", size="md", elem_id="check-start", min_width=110)
            self._halt = gr.Button(
                "停止", variant="stop", size="md", elem_id="check-stop", min_width=110, visible=False
            )
            self._upload = gr.UploadButton(
                # What it may be is said in static/page.js: Gradio's own refusal is in English.
                "上传文件",
                size="md",
                elem_id="check-upload",
                min_width=100,
            )
            self._clear = gr.Button("清空", size="md", elem_id="check-clear", min_width=72)
        self._status = gr.Markdown("", elem_id="check-status", latex_delimiters=[])
        gr.Markdown(PRIVACY, elem_classes="hint", latex_delimiters=[])
        # static/page.js writes here that a file is too large, before it is sent.
        self._refused = gr.Textbox(elem_id="check-refused", visible="hidden", label="未上传", container=False)

    def _add_result(self) -> None:
        self._summary = gr.Markdown(NO_RESULT, elem_id="check-summary", latex_delimiters=[])
        with gr.Row(visible=False, elem_id="check-tools") as self._tools:
            self._order = gr.Radio(
                [order.value for order in Order],
                value=Order.READING.value,
                label="显示",
                show_label=False,
                container=False,
                elem_id="check-order",
                min_width=230,
            )
            self._word_report = gr.Button("下载报告（Word）", size="sm", link="#", elem_id="check-docx", min_width=130)
            self._text_report = gr.Button(
                "下载报告（Markdown）", size="sm", link="#", elem_id="check-md", min_width=150
            )
        self._result = gr.Markdown("", elem_id="check-result", latex_delimiters=[], sanitize_html=True)

    # --- events ---

    def connect(self) -> None:
        """Tie the events to the checks."""
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        output = [self._session, self._start, self._halt, self._status]
        reports = [self._word_report, self._text_report, self._offers]
        result = [self._summary, self._tools, self._order, self._result, *reports]
        accepted = self._start.click(
            self._accept, [self._text, self._name, self._session], output, queue=False, **quiet
        )
        running = accepted.then(
            self._run,
            [self._session, self._offers],
            [*output, *result],
            concurrency_limit=self._settings.check_concurrency,
            concurrency_id="check",
            # A stopped check counts as running until the server has noticed; the next one must not be dropped.
            trigger_mode="multiple",
            **quiet,
        )
        self._halt.click(self._stop, [self._session], output, cancels=[running], queue=False, **quiet)
        self._clear.click(
            self._reset,
            [self._session, self._offers],
            [*output, *result, self._text, self._name],
            cancels=[running],
            queue=False,
            **quiet,
        )
        # The file is taken as Gradio stored it: its own reading of it would leave an empty file behind each time.
        self._upload.upload(
            self._read, [self._upload], [self._text, self._name, self._status], preprocess=False, queue=False, **quiet
        )
        self._refused.change(self._refuse, None, [self._status], queue=False, **quiet)
        self._order.input(self._show, [self._session, self._order], [self._result], queue=False, **quiet)

    def _accept(self, text: str, name: str, session: CheckSession) -> Updates:
        session, hint = self._checks.accept(text, name, session)
        if hint := hint or (BUSY if self._is_full() else ""):
            return {self._status: _hint(hint)}
        return {
            self._session: session,
            self._start: gr.Button(visible=False),
            self._halt: gr.Button(visible=True),
            self._status: progress_markdown(Progress()),
        }

    def _run(self, session: CheckSession, offers: tuple[str, ...]) -> Iterator[Updates]:
        shown = Progress()
        for state, progress in self._checks.run(session):
            if state.pending:
                yield {self._status: progress_markdown(progress) if progress != shown else gr.skip()}
                shown = progress
            else:
                yield self._finished(state, progress.note, offers)
        # Gradio repeats a generator's last value when it ends, which would bring back what was cleared meanwhile.
        yield {self._status: gr.skip()}

    def _finished(self, session: CheckSession, note: str, offers: tuple[str, ...]) -> Updates:
        updates = {self._session: session, **self._idle(_hint(note) if note else _done("核对完成"))}
        if note or session.draft is None:
            return updates
        self._downloads.withdraw(offers)
        word, text = self._offer(session.draft, "docx"), self._offer(session.draft, "md")
        return updates | {
            self._summary: summary_markdown(session.draft),
            self._tools: gr.Row(visible=True),
            self._order: Order.READING.value,
            self._word_report: gr.Button(link=word),
            self._text_report: gr.Button(link=text),
            self._offers: (word, text),
            self._result: draft_markdown(session.draft, self._checks.documents),
        }

    def _offer(self, draft: CheckedDraft, format: ReportFormat) -> str:
        name = file_name("核对报告", draft.name, format)
        return self._downloads.offer(name, partial(self._checks.report, draft, format))

    def _idle(self, status: str) -> Updates:
        return {
            self._start: gr.Button(visible=True),
            self._halt: gr.Button(visible=False),
            self._status: status,
        }

    def _stop(self, session: CheckSession) -> Updates:
        if not session.pending:
            return self._idle("")
        return {self._session: self._checks.stop(session), **self._idle(_hint(STOPPED))}

    def _reset(self, session: CheckSession, offers: tuple[str, ...]) -> Updates:
        self._checks.stop(session)
        self._downloads.withdraw(offers)
        return {
            self._session: CheckSession(),
            **self._idle(""),
            self._summary: NO_RESULT,
            self._tools: gr.Row(visible=False),
            self._result: "",
            self._text: "",
            self._name: "",
            self._offers: (),
        }

    def _show(self, session: CheckSession, order: str) -> Updates:
        if session.draft is None:
            return {self._result: gr.skip()}
        return {self._result: draft_markdown(session.draft, self._checks.documents, Order(order))}

    def _read(self, file: dict[str, Any] | None) -> Updates:
        """Put the text of an uploaded file in the box; the file itself is deleted whatever happens."""
        if not file:
            return {self._status: gr.skip()}
        name = Path(str(file.get("orig_name") or "")).name
        try:
            text = self._checks.read(take(Path(file["path"])), name)
        except RequestError as error:
            return {self._status: _hint(str(error))}
        except OSError:
            log.exception("an uploaded file is gone")
            return {self._status: _hint(UNREADABLE)}
        said = f"已读入“{name}”，{len(text)} 个字，点击“核对”开始。"
        return {self._text: text, self._name: name, self._status: _done(said)}

    def _refuse(self) -> str:
        return _hint(TOO_LARGE)


def take(path: Path) -> bytes:
    """The content of an uploaded file, which is then deleted with the folder it alone was in.

    Raises:
        OSError: It cannot be read.
    """
    try:
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _hint(text: str) -> str:
    return f'<span class="state state-hint">{escape_inline(text)}</span>'


def _done(text: str) -> str:
    return f'<span class="state state-ready">{escape_inline(text)}</span>'
