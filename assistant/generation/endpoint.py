"""Where a language model answers, and what may go wrong there, each fault with the sentence that a reader gets."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_openai.chat_models.base import BaseChatOpenAI
    from openai import DefaultAsyncHttpxClient as AsyncAPIClient

REJECTED_S = 300.0  # how long a server is left alone that takes neither key nor model
BUSY_S, LONGEST_S = 20.0, 3_600.0  # the same for one that is busy and does not say how long, and at most
AWAY = "连不上模型服务"
CONNECT_S = 3.0  # a server that does not take a connection within this time is taken to be away


class ModelFault(Exception):
    """The model gave no answer; ``note`` says so to a reader, ``retry_after_s`` when to ask it again."""

    def __init__(self, note: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(note)
        self.note = note
        self.retry_after_s = retry_after_s


_LOOPBACK = re.compile(r"https?://(?:127\.|localhost\b|\[::1\])")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that speaks the OpenAI protocol; ``name`` is what readers see of its model."""

    base_url: str
    model: str
    name: str
    key: str = field(default="", repr=False)

    def client(self, timeout_s: float) -> AsyncAPIClient:
        """A connection to the server, to be closed by who opened it; one on this machine is reached past any proxy."""
        import openai

        is_here = _LOOPBACK.match(self.base_url) is not None
        return openai.DefaultAsyncHttpxClient(
            timeout=openai.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)), trust_env=not is_here
        )

    def chat_model(self, client: AsyncAPIClient | None = None, *, max_tokens: int, timeout_s: float) -> BaseChatOpenAI:
        """The model as LangChain sees it: one try, no temperature.

        ``BaseChatOpenAI`` and not ``ChatOpenAI``: the latter sends ``max_completion_tokens``, which many servers that
        speak the protocol do not know and then write without end.
        """
        import openai
        from langchain_openai.chat_models.base import BaseChatOpenAI
        from pydantic import SecretStr

        return BaseChatOpenAI(
            base_url=self.base_url,
            model=self.model,
            api_key=SecretStr(self.key or "none"),
            temperature=0,
            max_tokens=max_tokens,
            timeout=openai.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            max_retries=0,
            stream_usage=False,
            http_async_client=client,
        )

    def reach(self) -> None:
        """Ask for the list of models, which costs nothing.

        Raises:
            ModelFault: The server cannot be reached or does not take the key.
        """
        import openai

        client = openai.OpenAI(base_url=self.base_url, api_key=self.key or "none", max_retries=0, timeout=CONNECT_S)
        try:
            client.models.list()
        except Exception as error:
            raise fault_of(error) from error
        finally:
            client.close()


def fault_of(error: Exception) -> ModelFault:
    """What went wrong with a server, as a reader is told; the message of the server itself is for the log only."""
    import openai

    if isinstance(error, ModelFault):
        return error
    if isinstance(error, openai.APITimeoutError):
        return ModelFault("模型服务没有及时回应")
    if isinstance(error, openai.APIConnectionError):
        return ModelFault(AWAY)
    if isinstance(error, (openai.AuthenticationError, openai.PermissionDeniedError)):
        return ModelFault("模型服务不接受密钥", retry_after_s=REJECTED_S)
    if isinstance(error, openai.RateLimitError):
        return ModelFault("模型服务繁忙", retry_after_s=_retry_after(error.response.headers.get("retry-after", "")))
    if isinstance(error, openai.NotFoundError):
        return ModelFault("模型服务上没有这个模型", retry_after_s=REJECTED_S)
    if isinstance(error, openai.APIStatusError):
        asked = error.response.headers.get("retry-after", "")
        return ModelFault(f"模型服务出错（{error.status_code}）", retry_after_s=_retry_after(asked) if asked else None)
    return ModelFault("模型服务的回应无法读取")


def _retry_after(header: str) -> float:
    """Seconds that a server asks to be left alone: a number, or a date; a little where it says neither."""
    from email.utils import parsedate_to_datetime

    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, OverflowError):
            seconds = BUSY_S
    if math.isnan(seconds):
        seconds = BUSY_S
    return min(max(seconds, 1.0), LONGEST_S)
