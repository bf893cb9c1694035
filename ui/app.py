"""The page: its header, its tabs, and what ties them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import gradio as gr

from ui.chat_tab import ChatTab
from ui.check_tab import CheckTab
from ui.checking import DraftChecks
from ui.conversation import Conversation, PageSettings
from ui.downloads import Downloads
from ui.ledger_tab import LedgerTab
from ui.loading import Loader
from ui.plan_tab import TAB_ID as PLAN_TAB_ID
from ui.plan_tab import PlanTab
from ui.render import escape_inline
from ui.types import Assistant, ExampleGroup

# Seconds between looks for files that Gradio keeps of uploads that never reached us, and their age when deleted.
UPLOADS_CHECKED_EVERY_S = 300
UPLOADS_KEPT_S = 300


def build_app(
    source: Assistant | Callable[[], Assistant] | Loader,
    *,
    title: str = "",
    examples: Sequence[ExampleGroup] | None = None,
    settings: PageSettings | None = None,
    downloads: Downloads | None = None,
) -> gr.Blocks:
    """Build the page.

    Args:
        source: The assistant; or a factory that makes it, called at once in a background thread; or a loader that
            the caller starts.
        title: Title of the page, in place of the one in ``settings``.
        examples: Example questions, in place of those in ``settings``.
        settings: Everything else that may be set.
        downloads: Where the files are offered that the page links to; whoever serves the page serves them
            (:mod:`ui.server`).

    Returns:
        The page, its queue configured. Theme, style sheet and security headers are added where it is served
        (:mod:`ui.server`).
    """
    settings = settings or PageSettings()
    if title:
        settings = replace(settings, title=title)
    if examples is not None:
        settings = replace(settings, examples=tuple(examples))
    downloads = downloads or Downloads()
    loader = source if isinstance(source, Loader) else Loader(source).start()
    page = gr.Blocks(
        title=settings.title,
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(UPLOADS_CHECKED_EVERY_S, UPLOADS_KEPT_S),
    )

    def is_full() -> bool:
        return len(page._queue) >= settings.max_waiting

    with page:
        gr.Markdown(
            f"# {escape_inline(settings.title)}\n\n{escape_inline(settings.subtitle)}",
            elem_id="page-header",
            latex_delimiters=[],
        )
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("问答", id="chat"):
                chat = ChatTab(Conversation(loader, settings), loader, settings, is_full)
            with gr.Tab("原文核对", id="check"):
                check = CheckTab(DraftChecks(loader, settings), downloads, settings, is_full)
            with gr.Tab("指标台账", id="ledger") as ledger_tab:
                ledger = LedgerTab(loader, downloads)
            with gr.Tab("计划全文", id=PLAN_TAB_ID) as plan_tab:
                plan = PlanTab(loader)
        plan.add_jump()
        gr.Markdown(escape_inline(settings.footer), elem_id="page-footer", latex_delimiters=[])
        ready = chat.connect(page)
        check.connect()
        ledger.connect(ledger_tab, ready)
        plan.connect(tabs, plan_tab, ready)
    page.queue(max_size=settings.max_waiting, default_concurrency_limit=settings.concurrency)
    return page
