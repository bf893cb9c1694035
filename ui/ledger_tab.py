"""The tab 指标台账: every figure of the document in a table, with filters, places, exports and a chart."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr

from assistant.ledger import EntryKind, Ledger
from assistant.ledger_export import KIND_NAMES, filtered
from corpus.errors import RequestError
from corpus.types import Document
from ui.downloads import Downloads, file_name
from ui.ledger_chart import chart_markdown
from ui.ledger_view import (
    ALL,
    DATATYPES,
    HEADERS,
    WIDTHS,
    cited,
    count_line,
    in_section,
    running_numbers,
    section_choices,
    table,
    unplaced_markdown,
    year_choices,
)
from ui.loading import Loader, LoadState
from ui.permalink import card_text, citation_query, link_markdown, page_address
from ui.render import citation_markdown, escape_inline
from ui.types import LedgerFormat, LedgerKeeper

NOT_OFFERED = "当前运行的服务不提供指标台账。"
NO_ROW = '<p class="panel-empty">点击表中一行，这里显示它在原文中的段落和引用卡片。</p>'
FORMATS: Mapping[LedgerFormat, str] = {"xlsx": "导出 Excel", "csv": "导出 CSV", "json": "导出 JSON"}

Updates = dict[Any, Any]


class LedgerTab:
    """The components of the tab, and which event changes which of them; made inside the tab."""

    def __init__(self, loader: Loader, downloads: Downloads) -> None:
        self._loader = loader
        self._downloads = downloads
        # Addresses of the exports, none until the ledger is shown.
        self._offers: gr.State = gr.State(())
        self._status = gr.Markdown("", elem_id="ledger-status", latex_delimiters=[])
        self._add_filters()
        with gr.Row(elem_id="ledger-tools"):
            self._count = gr.Markdown("", elem_id="ledger-count", latex_delimiters=[])
            self._exports: dict[LedgerFormat, gr.Button] = {
                name: gr.Button(words, size="sm", link="#", elem_id=f"ledger-{name}", min_width=96)
                for name, words in FORMATS.items()
            }
        self._table = gr.Dataframe(
            headers=list(HEADERS),
            datatype=DATATYPES,
            column_widths=list(WIDTHS),
            interactive=False,
            type="array",
            label="指标台账",
            show_label=False,
            wrap=True,
            max_height=460,
            buttons=[],
            elem_id="ledger-table",
        )
        with gr.Row(elem_id="ledger-columns", elem_classes="columns"):
            with gr.Column(scale=1, min_width=320, elem_id="ledger-detail"):
                gr.Markdown("## 原文与引用", elem_classes="panel-title", latex_delimiters=[])
                self._source = gr.Markdown(NO_ROW, elem_id="ledger-source", latex_delimiters=[], sanitize_html=True)
                self._card = gr.Textbox(
                    label="引用卡片（可复制）",
                    lines=3,
                    max_lines=6,
                    interactive=False,
                    buttons=["copy"],
                    elem_id="ledger-card",
                    visible=False,
                )
                with gr.Accordion("未归类的数字", open=False, elem_id="unplaced") as self._unplaced_box:
                    self._unplaced = gr.Markdown("", elem_id="unplaced-list", latex_delimiters=[], sanitize_html=True)
            with gr.Column(scale=1, min_width=320, elem_id="ledger-chart"):
                gr.Markdown("## 上年实际与本年目标", elem_classes="panel-title", latex_delimiters=[])
                self._chart = gr.Markdown("", elem_id="chart", latex_delimiters=[], sanitize_html=True)

    def _add_filters(self) -> None:
        with gr.Row(elem_id="ledger-filters"):
            self._year = gr.Dropdown([(ALL, "")], value="", label="年份", min_width=110, elem_id="filter-year")
            kinds = [(ALL, ""), *((words, kind.value) for kind, words in KIND_NAMES.items())]
            self._kind = gr.Dropdown(kinds, value="", label="性质", min_width=110, elem_id="filter-kind")
            self._section = gr.Dropdown(
                [(ALL, 0)], value=0, label="章节", min_width=240, scale=2, elem_id="filter-section"
            )
            self._words = gr.Textbox(
                label="关键词",
                placeholder="如：收入、增长",
                lines=1,
                max_lines=1,
                min_width=180,
                elem_id="filter-words",
                html_attributes=gr.InputHTMLAttributes(autocapitalize="off", spellcheck=False, enterkeyhint="search"),
            )

    # --- events ---

    def connect(self, tab: gr.Tab, ready: Any) -> None:
        """Tie the events; ``ready`` is the event after which the ledger may have become available."""
        quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        filters = [self._year, self._kind, self._section, self._words]
        shown = [self._count, self._table, self._unplaced_box, self._unplaced, *self._exports.values(), self._offers]
        filled = [self._status, self._year, self._section, self._chart, *shown]
        tab.select(self._fill, [self._offers], filled, **quiet)
        ready.then(self._fill_waiting, [self._offers, self._status], filled, **quiet)
        gr.on(
            # A word that an input method composed is a change, but no input in Gradio's sense.
            [self._year.input, self._kind.input, self._section.input, self._words.change],
            self._filter,
            [*filters, self._offers],
            shown,
            trigger_mode="always_last",
            **quiet,
        )
        self._table.select(self._select, None, [self._source, self._card], **quiet)

    def _keeper(self) -> LedgerKeeper:
        assistant = self._loader.require()
        if not isinstance(assistant, LedgerKeeper):
            raise RequestError(NOT_OFFERED)
        return assistant

    def _fill(self, offers: tuple[str, ...]) -> Updates:
        """Show the ledger when the tab is opened for the first time."""
        if offers:
            return {self._offers: gr.skip()}
        try:
            ledger = self._keeper().ledger()
        except RequestError as error:
            state = "waiting" if self._loader.state is LoadState.WAITING else "failed"
            return {self._status: f'<span class="state state-{state}">{escape_inline(str(error))}</span>'}
        sections = section_choices(ledger)
        return {
            self._status: "",
            self._year: gr.Dropdown([(ALL, ""), *year_choices(ledger)], value=""),
            self._section: gr.Dropdown(
                [(ALL, 0), *((name, number) for number, (name, _) in enumerate(sections, start=1))], value=0
            ),
            self._chart: chart_markdown(ledger),
            **self._shown(ledger, ledger, offers),
        }

    def _fill_waiting(self, offers: tuple[str, ...], status: str) -> Updates:
        """Show the ledger where its tab was opened before it was there."""
        return self._fill(offers) if status else {self._offers: gr.skip()}

    def _filter(self, year: str, kind: str, section: int, words: str, offers: tuple[str, ...]) -> Updates:
        try:
            ledger = self._keeper().ledger()
        except RequestError:
            return {self._count: gr.skip()}
        headings = section_choices(ledger)[section - 1][1] if section else ()
        part = filtered(
            ledger, year=int(year) if year else None, kind=EntryKind(kind) if kind else None, words=words or ""
        )
        return self._shown(in_section(part, headings), ledger, offers)

    def _shown(self, part: Ledger, whole: Ledger, offers: tuple[str, ...]) -> Updates:
        """Everything that depends on the filters; ``offers`` are the exports of what was shown before."""
        self._downloads.withdraw(offers)
        addresses = tuple(self._offer(part, name) for name in self._exports)
        return {
            self._count: count_line(part, whole),
            self._table: table(part, running_numbers(whole)),
            self._unplaced_box: gr.Accordion(f"未归类的数字（{len(part.unplaced)} 个）"),
            self._unplaced: unplaced_markdown(part.unplaced, part.document),
            **{
                button: gr.Button(link=address)
                for button, address in zip(self._exports.values(), addresses, strict=True)
            },
            self._offers: addresses,
        }

    def _offer(self, part: Ledger, format: LedgerFormat) -> str:
        return self._downloads.offer(
            file_name("指标台账", part.document.title, format), partial(self._export, part, format)
        )

    def _export(self, part: Ledger, format: LedgerFormat) -> bytes:
        return self._keeper().export_ledger(part, format)

    def _select(self, event: gr.SelectData, request: gr.Request) -> Updates:
        """Show where the entry of the row that was clicked stands."""
        try:
            ledger = self._keeper().ledger()
            entry = ledger.entries[int(event.row_value[0]) - 1]
        except (RequestError, TypeError, ValueError, IndexError):
            return {self._source: gr.skip()}
        documents: dict[str, Document] = {ledger.document.doc_id: ledger.document}
        citation = cited(entry, ledger.document)
        link = link_markdown(citation_query(citation, ledger.document), "在计划全文中查看")
        return {
            self._source: f'{citation_markdown(citation, documents)}\n\n<p class="source-line">{link}</p>',
            self._card: gr.Textbox(card_text(citation, documents, page_address(request.headers)), visible=True),
        }
