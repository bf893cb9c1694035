"""Serve the page: security headers, health check, clean start and stop."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.draft import MAX_DRAFT_BYTES
from corpus.errors import RequestError
from ui.downloads import PATH as DOWNLOAD_PATH
from ui.downloads import Downloads
from ui.loading import Loader, LoadState
from ui.shell import STATIC, localised_shell, static_text
from ui.types import Assistant

if TYPE_CHECKING:
    from ui.conversation import PageSettings

log = logging.getLogger(__name__)

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860
# Seconds that open connections get at Ctrl-C; every open page holds one.
SHUTDOWN_S = 1
ICON_PATH = "/favicon.ico"


def content_security_policy(frame_hosts: Sequence[str] = ()) -> str:
    """The policy that the page needs and no more: everything from this server, framed by ``frame_hosts`` only."""
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            " ".join(("frame-ancestors 'self'", *frame_hosts)),
        )
    )


class PageMiddleware:
    """Adds the security headers to every response and makes the start page ours."""

    def __init__(self, app: ASGIApp, *, title: str, description: str, frame_hosts: Sequence[str] = ()) -> None:
        self._app = app
        self._title = title
        self._description = description
        self._headers = {
            "content-security-policy": content_security_policy(frame_hosts),
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
            "cross-origin-resource-policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_start_page = scope["path"] == "/" and scope["method"] in ("GET", "HEAD")
        if is_start_page:
            # The page is rewritten below, which takes its plain text.
            kept = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
            scope = {**scope, "headers": kept}
        start: Message | None = None
        body = b""

        async def send_ours(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                if is_start_page and Headers(scope=message).get("content-type", "").startswith("text/html"):
                    start = message
                    return
            elif message["type"] == "http.response.body" and start is not None:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                if body:
                    html = body.decode("utf-8")
                    body = localised_shell(html, title=self._title, description=self._description).encode()
                    MutableHeaders(scope=start)["content-length"] = str(len(body))
                await send(start)
                await send({"type": "http.response.body", "body": body})
                return
            await send(message)

        await self._app(scope, receive, send_ours)


def create_app(
    source: Assistant | Callable[[], Assistant],
    *,
    settings: PageSettings | None = None,
    allow_origins: Sequence[str] = (),
    frame_hosts: Sequence[str] = (),
) -> FastAPI:
    """Build the web application: the page at ``/``, ``/healthz`` and ``/gradio_api``.

    The assistant is loaded in a background thread that starts with the server.

    Args:
        source: The assistant, or a factory that makes it.
        settings: Settings of the page.
        allow_origins: Other sites whose scripts may call the API; none by default.
        frame_hosts: Other sites that may show the page in a frame; none by default.
    """
    # Imported here: Gradio takes seconds, which `laiwu-plan ask` need not spend.
    import gradio as gr

    from ui.app import build_app
    from ui.conversation import PageSettings
    from ui.theme import official_theme

    # Gradio 6.31 calls pandas 3 in an outdated way after every queued call; nothing the operator can act upon.
    warnings.filterwarnings("ignore", message="The copy keyword is deprecated", category=DeprecationWarning)
    settings = settings or PageSettings()
    loader = Loader(source)
    downloads = Downloads()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loader.start()
        yield

    app = FastAPI(title=settings.title, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        return {"ready": loader.state is LoadState.READY}

    @app.get(ICON_PATH)
    async def icon() -> Response:
        return Response(static_text("favicon.svg"), media_type="image/svg+xml")

    @app.get(f"/{DOWNLOAD_PATH}/{{token}}")
    def download(token: str) -> Response:
        return downloads.respond(token)

    # Without a policy of the parent's, Gradio allows any origin, with credentials.
    app.add_middleware(CORSMiddleware, allow_origins=list(allow_origins), allow_methods=["GET", "POST"])
    app.add_middleware(
        PageMiddleware, title=settings.title, description=settings.subtitle, frame_hosts=tuple(frame_hosts)
    )
    gr.mount_gradio_app(
        app,
        build_app(loader, settings=settings, downloads=downloads),
        path="/",
        theme=official_theme(),
        css_paths=STATIC / "page.css",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=MAX_DRAFT_BYTES,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        i18n=gr.I18n(**{"zh-CN": {"chatbot.copy_message": "复制回答与出处", "chatbot.copied_message": "已复制"}}),
    )
    return app


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket.

    Raises:
        RequestError: The port is taken or not allowed, or the host is not this machine's.
    """
    try:
        if not 0 <= port <= 65535:
            raise OSError
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(address[0], socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise RequestError(f"无法使用地址 {host}:{port}，请检查 --host 和 --port。") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address[4])
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message = f"端口 {port} 已被占用，请关闭占用它的程序，或用 --port 换一个端口。"
        elif error.errno == errno.EACCES:
            message = f"没有权限使用端口 {port}，请用 --port 换一个 1024 以上的端口。"
        else:
            message = f"无法在 {host}:{port} 上提供服务（{error.strerror}），请检查 --host 和 --port。"
        raise RequestError(message) from None
    return listener


def serve(
    source: Assistant | Callable[[], Assistant],
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    settings: PageSettings | None = None,
    allow_origins: Sequence[str] = (),
    frame_hosts: Sequence[str] = (),
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        source: The assistant, or a factory that makes it; called in a background thread once the page is served.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
        settings: Settings of the page.
        allow_origins: Other sites whose scripts may call the API.
        frame_hosts: Other sites that may show the page in a frame.
        on_listening: Called with the address of the page, once it can be opened.

    Raises:
        RequestError: The port or the address cannot be used.
    """
    # Every open page holds a connection, so at Ctrl-C some are always cut off: no error, and no traceback.
    uvicorn_log = logging.getLogger("uvicorn.error")
    uvicorn_log.addFilter(_is_no_cut_connection)
    try:
        with listen(host, port) as listener, suppress(KeyboardInterrupt):
            app = create_app(source, settings=settings, allow_origins=allow_origins, frame_hosts=frame_hosts)
            config = uvicorn.Config(
                app, log_config=None, access_log=False, timeout_graceful_shutdown=SHUTDOWN_S, server_header=False
            )
            _Server(config, on_started=lambda: _announce(listener, on_listening)).run(sockets=[listener])
    finally:
        uvicorn_log.removeFilter(_is_no_cut_connection)


def _is_no_cut_connection(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, asyncio.CancelledError) and not record.getMessage().startswith("Cancel ")


class _Server(uvicorn.Server):
    """A uvicorn server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_started()


def _announce(listener: socket.socket, on_listening: Callable[[str], None] | None) -> None:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    address = f"http://{shown}:{port}"
    log.info("the page is at %s", address)
    if on_listening is not None:
        on_listening(address)
