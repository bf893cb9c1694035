"""The tab 问答: a conversation, the sources beside it, example questions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio import events

from corpus.errors import RequestError
from ui.conversation import BUSY, STOPPED, Conversation, PageSettings
from ui.loading import Loader, LoadState
from ui.permalink import page_address
from ui.render import escape_inline
from ui.types import Session

log = logging.getLogger(__name__)

WELCOME = """### 请就本计划提问

可以用日常说法提问，也可以接着追问，如“那去年呢？”

粘贴一段文字并写上“核对”，可与原文逐字比对"""
INPUT_HINT = "请输入问题，按回车键发送"
API_NAME = "ask"
POLL_S = 1.0

Updates = dict[Any, Any]


class ChatTab:
    """The components of the tab, and which event changes which of them; made inside the tab."""

    def __init__(
        self, conversation: Conversation, loader: Loader, settings: PageSettings, is_full: Callable[[], bool]
    ) -> None:
        self._conversation = conversation
        self._is_full = is_full
        self._loader = loader
        self._settings = settings
        self._session = gr.State(Session())
        self._timer = gr.Timer(POLL_S)
        with gr.Row(elem_id="columns"):
            with gr.Column(scale=3, min_width=320, elem_id="chat-column"):
                self._add_chat()
            with gr.Column(scale=2, min_width=320, elem_id="source-column"):
                self._add_sources()
                self._add_examples()

    def _add_chat(self) -> None:
        self._chat = gr.Chatbot(
            label="对话",
            show_label=False,
            placeholder=WELCOME,
            elem_id="chat",
            layout="bubble",
            height=None,
            latex_delimiters=[],
            sanitize_html=True,
            allow_tags=False,
            allow_file_downloads=False,
            buttons=["copy"],
            group_consecutive_messages=False,
        )
        self._box = gr.Textbox(
            label="问题",
            show_label=False,
            placeholder=INPUT_HINT,
            lines=1,
            max_lines=6,
            elem_id="question",
            submit_btn="发送",
            stop_btn=False,
            autofocus=False,
            html_attributes=gr.InputHTMLAttributes(autocapitalize="off", spellcheck=False, enterkeyhint="send"),
        )
        with gr.Row(elem_id="below-input"):
            self._status = gr.Markdown(self._conversation.status(), elem_id="status", latex_delimiters=[])
            self._clear = gr.Button("清空对话", size="sm", elem_id="clear", min_width=96, scale=0)

    def _add_sources(self) -> None:
        with gr.Column(visible=False, elem_id="source-panel") as self._panel:
            gr.Markdown("## 原文出处", elem_id="source-title", latex_delimiters=[])
            self._sources = gr.Markdown("", elem_id="sources", latex_delimiters=[], sanitize_html=True)
            self._citation = gr.Textbox(
                label="引用卡片（可复制）",
                lines=2,
                max_lines=4,
                interactive=False,
                buttons=["copy"],
                elem_id="citation",
            )

    def _add_examples(self) -> None:
        self._example_buttons: list[gr.Button] = []
        with gr.Accordion("可以这样问", open=True, elem_id="examples") as self._examples:
            for group in self._settings.examples:
                gr.Markdown(f"**{escape_inline(group.title)}**", elem_classes="example-title", latex_delimiters=[])
                for question in group.questions:
                    self._example_buttons.append(gr.Button(question, size="sm", elem_classes="example"))

    # --- events ---

    def connect(self, page: gr.Blocks) -> Any:
        """Tie the events to the conversation; gives the event after which the assistant may have become ready."""
        asking = [self._session, self._chat, self._box, self._status, self._panel, self._examples]
        typed = gr.on(
            [self._box.submit],
            self._accept,
            [self._box, self._session],
            asking,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        clicked = gr.on(
            [button.click for button in self._example_buttons],
            self._accept_example,
            [self._session],
            asking,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        answered = [self._session, self._chat, self._box, self._sources, self._citation, self._panel]
        running = []
        for accepted in (typed, clicked):
            run = accepted.then(
                self._respond,
                [self._session],
                answered,
                concurrency_limit=self._settings.concurrency,
                concurrency_id="answer",
                # A stopped answer counts as running until the server has noticed; the next one must not be dropped.
                trigger_mode="multiple",
                show_progress="hidden",
                api_visibility="private",
            )
            running.append(run)
        self._box.stop(
            self._stop,
            [self._session],
            [self._session, self._chat, self._box],
            cancels=running,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        gr.on(
            [self._clear.click, self._chat.clear],
            self._reset,
            [self._session],
            [*asking, self._sources, self._citation],
            cancels=running,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        self._chat.select(
            self._show_turn,
            [self._session],
            [self._sources, self._citation],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        self._chat.like(self._rate, None, None, queue=False, api_visibility="private")
        events.api(
            self._api_ask, api_name=API_NAME, concurrency_limit=self._settings.concurrency, concurrency_id="answer"
        )
        return gr.on(
            [page.load, self._timer.tick],
            self._poll,
            None,
            [self._status, self._timer],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    def _accept(self, question: str, session: Session) -> Updates:
        session, hint = self._conversation.accept(question, session)
        # Asked before Gradio is, which would refuse with an English notice; the question stays in the box.
        hint = hint or (BUSY if self._is_full() else "")
        if hint:
            return {self._status: self._conversation.status(hint)}
        return {
            self._session: session,
            self._chat: self._conversation.messages(session),
            self._box: gr.Textbox(value="", submit_btn=False, stop_btn="停止"),
            self._status: self._conversation.status(),
            self._examples: gr.Accordion(open=False),
        }

    def _accept_example(self, session: Session, event: gr.EventData) -> Updates:
        return self._accept(str(getattr(event.target, "value", "")), session)

    def _respond(self, session: Session, request: gr.Request) -> Iterator[Updates]:
        shown = ""
        for state, writing in self._conversation.respond(session):
            if state.pending and writing == shown:
                yield {self._panel: gr.skip()}
            elif state.pending:
                shown = writing
                yield {self._chat: self._conversation.messages(state, writing)}
            else:
                sources, citation = self._conversation.sources(state, address=page_address(request.headers))
                yield {
                    self._session: state,
                    self._chat: self._conversation.messages(state),
                    self._box: _idle_box(),
                    self._sources: sources,
                    self._citation: gr.Textbox(value=citation, visible=bool(citation)),
                    self._panel: gr.Column(visible=True),
                }
        # Gradio repeats a generator's last value when it ends (or empties every output, if there was none), which
        # would bring back a question that was cleared away meanwhile.
        yield {self._panel: gr.skip()}

    def _stop(self, session: Session) -> Updates:
        updates: Updates = {self._box: _idle_box()}
        if session.pending:
            session = self._conversation.end(session, STOPPED)
            updates |= {self._session: session, self._chat: self._conversation.messages(session)}
        return updates

    def _reset(self, session: Session) -> Updates:
        self._conversation.abandon(session)
        return {
            self._session: Session(),
            self._chat: [],
            self._box: _idle_box(),
            self._status: self._conversation.status(),
            self._panel: gr.Column(visible=False),
            self._examples: gr.Accordion(open=True),
            self._sources: "",
            self._citation: "",
        }

    def _show_turn(self, session: Session, event: gr.SelectData, request: gr.Request) -> Updates:
        """Show the sources of the message that was selected."""
        index = event.index[0] if isinstance(event.index, (list, tuple)) else event.index
        turn = int(index) // 2
        if turn >= len(session.turns):
            return {self._sources: gr.skip(), self._citation: gr.skip()}
        sources, citation = self._conversation.sources(session, turn, page_address(request.headers))
        return {self._sources: sources, self._citation: gr.Textbox(value=citation, visible=bool(citation))}

    def _rate(self, event: gr.LikeData) -> None:
        """Log that an answer was found useful or not: its place in the conversation, never its text."""
        log.info("message %s rated %s", event.index, "useful" if event.liked is True else "not useful")

    def _poll(self) -> tuple[str, gr.Timer]:
        return self._conversation.status(), gr.Timer(active=self._loader.state is LoadState.WAITING)

    def _api_ask(self, question: str, turns: list[str] | None = None) -> dict[str, Any]:
        """Answer one question about the plan.

        Args:
            question: The question, in Chinese.
            turns: Earlier questions of the same conversation, oldest first.
        """
        try:
            return self._conversation.ask(question, turns or ())
        except RequestError as error:
            raise gr.Error(str(error), title="无法回答", print_exception=False) from None


def _idle_box() -> gr.Textbox:
    """The input box as it is while no question is being answered; what stands in it stays."""
    return gr.Textbox(submit_btn="发送", stop_btn=False)
