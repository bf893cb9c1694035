"""How fast the assistant is: one answer beside one embedding, the index, the page, a cold start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from corpus.errors import RequestError
from evals.run import Answerer
from evals.summary import percentile
from evals.types import EvalCase

# Whole answer over embedding of the question, both at the median: retrieval and answering may cost twice what the
# embedding costs.
MAX_RATIO = 3.0
PAGE_TIMEOUT_S = 180.0
COMMAND_TIMEOUT_S = 600.0
_QUESTION = "2024年城镇新增就业多少人？"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Times in milliseconds unless the name says seconds; ``None`` where a part was not measured."""

    questions: int
    embedding_p50_ms: float
    answer_p50_ms: float
    answer_p95_ms: float
    ratio: float
    index_build_s: float | None = None
    page_ready_s: float | None = None
    ask_cold_s: float | None = None

    @property
    def is_fast_enough(self) -> bool:
        """Whether the ratio is within ``MAX_RATIO``."""
        return self.ratio <= MAX_RATIO


def warm_times(
    answerer: Answerer,
    encode: Callable[[Sequence[str]], object],
    cases: Sequence[EvalCase],
    *,
    rounds: int = 3,
    forget: Callable[[], None] = lambda: None,
) -> Benchmark:
    """Time embeddings and whole answers in this process, after one question each to warm up.

    The two are timed in turns on the same question, so that a busy machine slows both.

    Args:
        answerer: Who answers.
        encode: Embeds questions as the index does.
        cases: The questions asked; at least one.
        rounds: How often each question is asked.
        forget: Called before each, so that no question is answered from what was read before.
    """
    embedding: list[float] = []
    answering: list[float] = []
    encode([_QUESTION])
    answerer.ask(_QUESTION)
    for _ in range(rounds):
        for case in cases:
            forget()
            start = time.perf_counter()
            encode([case.question])
            middle = time.perf_counter()
            answerer.ask(case.question, case.turns)
            embedding.append((middle - start) * 1000)
            answering.append((time.perf_counter() - middle) * 1000)
    p50 = percentile(embedding, 50)
    return Benchmark(
        questions=len(cases),
        embedding_p50_ms=p50,
        answer_p50_ms=percentile(answering, 50),
        answer_p95_ms=percentile(answering, 95),
        ratio=percentile(answering, 50) / p50,
    )


def command(*arguments: str) -> tuple[str, ...]:
    """The command line of ``laiwu-plan`` with this interpreter, whatever ``PATH`` holds."""
    return (sys.executable, "-c", "import sys; from assistant.cli import main; sys.exit(main())", *arguments)


def timed_command(*arguments: str, environment: Mapping[str, str] | None = None) -> float:
    """Seconds that a command of ``laiwu-plan`` takes from start to exit.

    Raises:
        RequestError: The command failed or took longer than ``COMMAND_TIMEOUT_S``.
    """
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command(*arguments),
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RequestError(f"laiwu-plan {' '.join(arguments)} 在 {COMMAND_TIMEOUT_S:.0f} 秒内没有结束。") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["没有说明"])[-1]
        raise RequestError(f"laiwu-plan {' '.join(arguments)} 失败（{last}），请先单独运行它。")
    return time.perf_counter() - start


def index_build_seconds() -> float:
    """Seconds to build the index of the bundled plan in an empty folder, process start included."""
    with tempfile.TemporaryDirectory() as folder:
        return timed_command("index", environment={"LAIWU_INDEX_DIR": folder})


def ask_cold_seconds() -> float:
    """Seconds of one ``laiwu-plan ask`` in a new process, the index being there."""
    return timed_command("ask", _QUESTION, "--json")


def page_ready_seconds(timeout_s: float = PAGE_TIMEOUT_S) -> float:
    """Seconds from starting ``laiwu-plan serve`` until its page is served.

    Raises:
        RequestError: The server ended, or its page was not there in time.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        server = subprocess.Popen(
            command("serve", "--host", "127.0.0.1", "--port", str(port)), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            while time.perf_counter() - start < timeout_s:
                if server.poll() is not None:
                    log.seek(0)
                    last = (log.read().strip().splitlines() or ["没有说明"])[-1]
                    raise RequestError(f"laiwu-plan serve 提前结束（{last}），请先单独运行它。")
                if _is_served(f"http://127.0.0.1:{port}/"):
                    return time.perf_counter() - start
                time.sleep(0.05)
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    raise RequestError(f"laiwu-plan serve 的页面 {timeout_s:.0f} 秒内没有打开，请先单独运行它。")


def _is_served(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def text_table(result: Benchmark) -> str:
    """The times for a terminal."""
    verdict = "合格" if result.is_fast_enough else "超出"
    rows = [
        ("问题向量 p50", f"{result.embedding_p50_ms:.1f} ms"),
        ("完整回答 p50", f"{result.answer_p50_ms:.1f} ms"),
        ("完整回答 p95", f"{result.answer_p95_ms:.1f} ms"),
        ("比值（至多 3）", f"{result.ratio:.2f}  {verdict}"),
        *(
            (name, f"{seconds:.1f} s")
            for name, seconds in (
                ("建立索引", result.index_build_s),
                ("页面打开", result.page_ready_s),
                ("冷启动回答", result.ask_cold_s),
            )
            if seconds is not None
        ),
    ]
    return "\n".join(f"{name}　{value}" for name, value in rows)
