"""A model server on this machine that answers over HTTP as it is told to: rightly, wrongly, too late or not at all."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

POLL_S = 0.01
Messages = Sequence[Mapping[str, str]]


# --- what the server may be told to do ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Says:
    """Writes this text, ``chunk`` characters at a time, and ends as a server should; with ``finish`` as the reason."""

    text: str
    chunk: int = 3
    pause_s: float = 0.0
    finish: str = "stop"


@dataclass(frozen=True, slots=True)
class Echo:
    """Writes what ``answer`` makes of the messages of the request."""

    answer: Callable[[Messages], str]
    chunk: int = 3
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """Answers with this status instead of words."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hangs:
    """Takes the request and never answers; with ``after`` it first writes that text."""

    after: str = ""


@dataclass(frozen=True, slots=True)
class Stops:
    """Writes this text and drops the connection."""

    text: str


@dataclass(frozen=True, slots=True)
class EndsWithoutFinish:
    """Writes this text and ends the stream in good order, but never says that the answer is whole."""

    text: str


@dataclass(frozen=True, slots=True)
class Endless:
    """Writes this text over and over."""

    text: str
    pause_s: float = 0.001


@dataclass(frozen=True, slots=True)
class Sends:
    """Sends this body as it stands, with status 200."""

    body: str
    content_type: str = "text/event-stream"


@dataclass(frozen=True, slots=True)
class NotJson:
    """Sends events that hold no JSON."""


@dataclass(frozen=True, slots=True)
class WrongShape:
    """Sends JSON that is no part of an answer."""


Script = Says | Echo | Status | Hangs | Stops | EndsWithoutFinish | Endless | Sends | NotJson | WrongShape


# --- what the server remembers ------------------------------------------------------------------------------------


@dataclass
class Asked:
    """One request for an answer; ``was_left`` is set when the client went away before the server was done."""

    body: dict[str, Any]
    headers: dict[str, str]
    was_left: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def messages(self) -> list[dict[str, str]]:
        messages: list[dict[str, str]] = self.body["messages"]
        return messages


class ScriptedModel:
    """The server, running from ``with`` to the end of its block.

    The scripts are followed in turn, one for each request for an answer, the last one for all that come after. Where a
    ``key`` is given, requests with another one are turned away with 401. With ``keeps_open`` a connection stays open
    after an answer, as most servers leave it.
    """

    def __init__(self, *scripts: Script, key: str = "", keeps_open: bool = False) -> None:
        self.asked: list[Asked] = []
        self.key = key
        self.keeps_open = keeps_open
        self._scripts = list(scripts)
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self.is_stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_S,), name="scripted-model")

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def does(self, *scripts: Script) -> None:
        """Follow these scripts from now on."""
        with self._lock:
            self._scripts = list(scripts)

    def __enter__(self) -> ScriptedModel:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_stopping.set()
        self._server.shutdown()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    def take(self, asked: Asked) -> Script:
        """Note a request and say what is to be done with it."""
        with self._lock:
            self.asked.append(asked)
            return self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        model = self

        class Handler(_Handler):
            scripted = model

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them, so that no test leaves anything behind
    request_queue_size = 64


class _Left(Exception):
    """The client has gone away."""


class _Handler(BaseHTTPRequestHandler):
    """Speaks the part of the OpenAI protocol that the program uses."""

    protocol_version = "HTTP/1.1"
    scripted: ScriptedModel

    def setup(self) -> None:
        super().setup()
        self.scripted.opened(self.connection)

    def finish(self) -> None:
        self.scripted.closed(self.connection)
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            self._send(404, _error("no such page"))
        elif not self._has_key():
            self._send(401, _error("wrong key"))
        else:
            self._send(200, json.dumps({"object": "list", "data": [{"id": "scripted", "object": "model"}]}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self._send(404, _error("no such page"))
            return
        asked = Asked(body, {name.lower(): value for name, value in self.headers.items()})
        script = self.scripted.take(asked)
        try:
            self._follow(script if self._has_key() else Status(401), asked)
        except (OSError, _Left):
            asked.was_left.set()
            self.close_connection = True
        finally:
            asked.is_over.set()

    def _has_key(self) -> bool:
        return self.scripted.key in ("", self.headers.get("Authorization", "").removeprefix("Bearer "))

    def _follow(self, script: Script, asked: Asked) -> None:
        match script:
            case Status(code, headers):
                self._send(code, _error("as told"), headers)
            case Sends(body, content_type):
                self._send(200, body, {"Content-Type": content_type})
            case NotJson():
                self._follow(Sends("data: 你好 {[\n\ndata: [DONE]\n\n"), asked)
            case WrongShape():
                self._follow(Sends('data: {"object": "status", "ok": true}\n\ndata: [DONE]\n\n'), asked)
            case Says(text, _, _, finish) if not asked.body.get("stream"):
                self._send(200, json.dumps(_completion(text, finish)))
            case Says(text, chunk, pause_s, finish):
                self._stream(_cut(text, chunk), pause_s)
                self._end(finish)
            case Echo(answer, chunk, pause_s):
                self._follow(Says(answer(asked.messages), chunk, pause_s), asked)
            case Hangs(after):
                if after:
                    self._stream(_cut(after, 3))
                self._wait()
            case Stops(text):
                self._stream(_cut(text, 3))
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            case EndsWithoutFinish(text):
                self._stream(_cut(text, 3))
                self._end("")
            case Endless(text, pause_s):
                self._stream(_over_and_over(text), pause_s)

    def _send(self, code: int, body: str, headers: Mapping[str, str] | None = None) -> None:
        data = body.encode()
        self.send_response(code)
        self._head({"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})})
        self.wfile.write(data)

    def _head(self, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            self.send_header(name, value)
        if not self.scripted.keeps_open:
            self.send_header("Connection", "close")
        self.end_headers()

    def _stream(self, parts: Iterator[str], pause_s: float = 0.0) -> None:
        """Begin a stream of events and write these parts of an answer."""
        self.send_response(200)
        self._head({"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        self._event(_chunk({"role": "assistant", "content": ""}))
        for part in parts:
            self._event(_chunk({"content": part}))
            if pause_s:
                self._wait(pause_s)
            if self.scripted.is_stopping.is_set():
                return

    def _end(self, finish: str) -> None:
        """End a stream in good order; an empty reason is not told."""
        if finish:
            self._event(_chunk({}, finish))
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: str) -> None:
        event = f"data: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))

    def _wait(self, pause_s: float = float("inf")) -> None:
        """Wait, but not for a client that goes away meanwhile."""
        until = time.monotonic() + pause_s
        while not self.scripted.is_stopping.is_set():
            try:
                if not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    raise _Left
            except BlockingIOError:
                pass
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(POLL_S, left))


def _cut(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def _over_and_over(text: str) -> Iterator[str]:
    while True:
        yield text


def _chunk(delta: Mapping[str, str], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    kept = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    return json.dumps({**kept, "choices": [choice]}, ensure_ascii=False)


def _completion(text: str, finish: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    kept = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "scripted"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {**kept, "choices": [choice], "usage": usage}


def _error(message: str) -> str:
    return json.dumps({"error": {"message": message, "type": "scripted", "code": None}})
