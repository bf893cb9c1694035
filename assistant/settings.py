"""Settings, read from the environment once, at the entry point."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from corpus.errors import RequestError, SettingsError


def default_index_dir() -> Path:
    """``var/index`` in a checkout, else a folder of the user's cache."""
    root = Path(__file__).resolve().parents[1]
    if (root / "pyproject.toml").is_file():
        return root / "var" / "index"
    return Path.home() / ".cache" / "laiwu-plan" / "index"


class Settings(BaseSettings):
    """All settings; each is an environment variable with the prefix ``LAIWU_`` or a line of a ``.env`` file."""

    model_config = SettingsConfigDict(env_prefix="LAIWU_", env_file=".env", extra="ignore", frozen=True)

    embedding_model: str = Field(
        default="bundled", description="向量模型：bundled 为随包模型，或 sentence-transformers 的名称、路径"
    )
    index_dir: Path = Field(default_factory=default_index_dir, description="索引目录")
    max_question_chars: int = Field(default=2_000, ge=10, le=100_000, description="问题长度上限（字符）")
    candidates: int = Field(default=40, ge=5, le=200, description="检索返回的候选条数")
    min_confidence: float | None = Field(
        default=None, ge=0, le=1, description="低于此概率即答“文件未提及”；缺省用校准值"
    )
    answerer: Literal["auto", "quote", "local", "openai"] = Field(
        default="auto",
        description="回答方式：quote 只摘录原文；local 用随装的本地模型；openai 用兼容 OpenAI 接口的模型服务；auto 取已配置的最好一种",
    )
    llm_base_url: str = Field(default="", description="模型服务地址，如 http://127.0.0.1:8000/v1")
    llm_model: str = Field(default="", description="模型服务上的模型名称")
    llm_api_key: SecretStr = Field(default=SecretStr(""), description="模型服务的密钥")
    llm_timeout_s: float = Field(default=20.0, gt=0, le=600, description="一次生成的时限（秒），超时即以原文摘录作答")
    llm_evidence_tokens: int = Field(default=300, ge=100, le=20_000, description="交给模型的原文上限（词元）")
    llm_max_tokens: int = Field(default=320, ge=32, le=4_000, description="模型一次最多写多少（词元）")
    local_model: Path | None = Field(
        default=None, description="本地模型（GGUF 文件）；缺省用 laiwu-plan model install 装好的"
    )
    host: str = Field(default="127.0.0.1", description="页面监听地址")
    port: int = Field(default=7860, ge=0, le=65535, description="页面监听端口")

    def fingerprint(self) -> str:
        """A short hash of everything that can change an answer."""
        said = f"{self.embedding_model}|{self.candidates}|{self.min_confidence}"
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: A variable has a value that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "LAIWU_" + "_".join(map(str, first["loc"])).upper()
        raise SettingsError(f"设置 {name} 的值不可用：{first.get('input')!r}，请改正或删去。") from None


def only_document(sources: Sequence[Path], purpose: str) -> Path:
    """The document that is meant: the bundled one where none is named.

    Args:
        sources: What was named.
        purpose: What it is wanted for, as it goes into the sentence (``对照一份文件核对``).

    Raises:
        RequestError: More than one document is named.
    """
    paths = list(sources) or bundled_documents()
    if len(paths) > 1:
        raise RequestError(f"目前一次只能{purpose}，现在给出了 {len(paths)} 份，请只给一份 --source。")
    return paths[0]


def bundled_documents() -> list[Path]:
    """The documents that come with the program."""
    data = Path(str(files("corpus").joinpath("data")))
    return sorted(data.glob("*.txt"))
