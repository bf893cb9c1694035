"""The tab 计划全文: the whole document, and what a permalink points at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr

from corpus.errors import RequestError
from ui.loading import Loader, LoadState
from ui.permalink import PARAGRAPH, Target, find_target
from ui.plan_view import NOT_READY, UNAVAILABLE, plan_markdown
from ui.render import note_markdown

TAB_ID = "plan"
Updates = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class PlanView:
    """What one visitor sees of the document: the words that a link named, and whether the text is there yet."""

    target: Target | None = None
    is_shown: bool = False


class PlanTab:
    """The components of the tab; made inside the tab."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._view = gr.State(PlanView())
        self._notice = gr.Markdown("", elem_id="plan-notice", latex_delimiters=[], visible=False)
        self._text = gr.Markdown(NOT_READY, elem_id="plan-text", latex_delimiters=[], sanitize_html=True)

    def add_jump(self) -> None:
        """Add, outside the tabs, the hidden box that a link inside the page puts its query in (``static/page.js``)."""
        self._jump = gr.Textbox(elem_id="jump", visible="hidden", label="跳转", container=False)

    def connect(self, tabs: gr.Tabs, tab: gr.Tab, ready: Any) -> None:
        """Tie the events; ``ready`` is the event after which the document may have become available."""
        quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        shown = [self._view, self._notice, self._text]
        tab.select(self._show, [self._view], shown, **quiet)
        ready.then(self._open, [self._view], [tabs, *shown], **quiet)
        self._jump.change(self._follow, [self._jump], [tabs, *shown], **quiet)
        self._tabs = tabs

    def _show(self, view: PlanView) -> Updates:
        """Show the text, unless it is there."""
        if view.is_shown:
            return {self._view: gr.skip()}
        return self._updates(view)

    def _open(self, view: PlanView, request: gr.Request) -> Updates:
        """Open the tab where the address of the page names a paragraph."""
        fields = dict(request.query_params)
        if view.is_shown or not fields.get(PARAGRAPH) or self._loader.state is LoadState.WAITING:
            return {self._view: gr.skip()}
        return self._go(fields)

    def _follow(self, query: str) -> Updates:
        """Follow a link inside the page: ``query`` is what stands after its question mark."""
        return self._go(dict(parse_qsl(query.lstrip("?"))))

    def _go(self, fields: Mapping[str, str]) -> Updates:
        assistant = self._loader.assistant
        target, notice = None, ""
        if assistant is not None:
            try:
                target = find_target(fields, next(iter(assistant.documents.values())))
            except RequestError as error:
                notice = note_markdown(str(error))
        return {
            self._tabs: gr.Tabs(selected=TAB_ID),
            **self._updates(PlanView(target)),
            self._notice: gr.Markdown(notice, visible=bool(notice)),
        }

    def _updates(self, view: PlanView) -> Updates:
        assistant = self._loader.assistant
        if assistant is None:
            return {self._text: NOT_READY if self._loader.state is LoadState.WAITING else UNAVAILABLE}
        document = next(iter(assistant.documents.values()))
        return {
            self._view: PlanView(view.target, is_shown=True),
            self._text: plan_markdown(document, view.target),
        }
