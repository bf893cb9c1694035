"""The command line ``laiwu-plan``. Nothing but the result goes to standard output."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import PlanAssistantError, RequestError

if TYPE_CHECKING:
    from assistant.service import PlanAssistant
    from assistant.types import Answer

USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 done, 1 the request failed (one sentence on standard error), 2 wrong usage.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    parser = _parser()
    try:
        options = parser.parse_args(argv)
    except SystemExit as stop:
        return USAGE_ERROR if stop.code else 0
    level = logging.INFO if options.verbose else logging.ERROR
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level)
    logging.basicConfig(handlers=[handler], level=level)
    try:
        return int(options.run(options) or 0)
    except PlanAssistantError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("已中断。")
        return 1
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - nothing left to write to
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="laiwu-plan", description="计划问答助手：按原文回答，数字逐一可查")
    parser.add_argument("-v", "--verbose", action="store_true", help="在标准错误输出日志")
    commands = parser.add_subparsers(required=True, metavar="命令")

    def command(name: str, run: Callable[[argparse.Namespace], int | None], help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help)
        added.set_defaults(run=run)
        return added

    def with_source(added: argparse.ArgumentParser) -> None:
        added.add_argument(
            "--source", type=Path, nargs="+", default=[], metavar="文件", help="代替内置计划的 .txt 文件"
        )

    index = command("index", _index, "建立或更新索引")
    with_source(index)
    ask = command("ask", _ask, "回答一个问题，或一批问题")
    ask.add_argument("question", nargs="?", help="问题")
    ask.add_argument("--json", action="store_true", help="输出 JSON")
    ask.add_argument("--batch", type=Path, metavar="IN.jsonl", help="每行一个 {id, question, turns}")
    ask.add_argument("--out", type=Path, metavar="OUT.jsonl", help="批量结果写到哪里")
    with_source(ask)
    check = command("check", _check, "与原文核对一句话，或一份文稿")
    check.add_argument("words", nargs="?", metavar="文字", help="要核对的一句话或一段文字")
    check.add_argument("--file", type=Path, metavar="文稿", help="要核对的 .txt 或 .docx 文稿")
    check.add_argument("--report", type=Path, metavar="OUT", help="核对报告写到哪里：OUT.md 或 OUT.docx")
    check.add_argument("--json", action="store_true", help="输出 JSON")
    with_source(check)
    targets = command("targets", _targets, "列出计划的指标台账：每个数字一行，可导出")
    targets.add_argument("--year", type=int, metavar="年份", help="只列这一年的，如 2024")
    targets.add_argument("--kind", choices=("target", "result", "stock", "count"), help="只列目标、实际、存量或数目")
    targets.add_argument("--format", choices=("table", "csv", "xlsx", "json"), default="table", help="默认 table")
    targets.add_argument("--out", type=Path, metavar="OUT", help="写到哪里；xlsx 必须给出")
    with_source(targets)
    serve = command("serve", _serve, "打开问答页面")
    serve.add_argument("--host", help="监听地址")
    serve.add_argument("--port", type=int, help="监听端口")
    with_source(serve)
    evaluate = command("eval", _eval, "运行评测集")
    evaluate.add_argument("--suite", default="dev", help="dev、sealed、all，或 questions.jsonl 的路径")
    evaluate.add_argument(
        "--answerer",
        action="append",
        help="quote、generated、whole-plan、quick-start、keyword、dense、top-sentence；可多次给出",
    )
    evaluate.add_argument("--limit", type=int, metavar="N", help="只问其中均匀取出的 N 题")
    evaluate.add_argument("--report", type=Path, metavar="目录", help="报告写到哪里")
    evaluate.add_argument("--benchmark", action="store_true", help="只测速度")
    evaluate.add_argument("--mutations", action="store_true", help="只测原文核对：逐句改动，看是否都能发现")
    evaluate.add_argument("--accounts", action="store_true", help="只测概括、解释类的问题：要点说到多少")
    evaluate.add_argument("--ledger", action="store_true", help="只测指标台账：数字是否齐全，与人工台账是否一致")
    evaluate.add_argument("--json", action="store_true", help="输出 JSON")
    with_source(evaluate)
    model = command("model", _model, "安装或检查本地语言模型")
    model.add_argument("action", choices=("install", "verify"), help="install 下载并拼装；verify 重新核对校验和")
    command("doctor", _doctor, "检查安装、模型与索引")
    return parser


def _say(sentence: str) -> None:
    sys.stderr.write(sentence.rstrip() + "\n")


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")


@contextlib.contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error that appears with the first step."""
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task: Any = None

    def step(done: int, total: int) -> None:
        nonlocal task
        if task is None:
            bar.start()
            task = bar.add_task(title, total=total)
        bar.update(task, completed=done, total=total)

    try:
        yield step
    finally:
        if task is not None:
            bar.stop()


def _open(sources: Sequence[Path]) -> PlanAssistant:
    from assistant.generation.choose import open_answering
    from assistant.settings import load_settings

    with _progress("建立索引") as step:
        return open_answering(load_settings(), sources, step)


def _index(options: argparse.Namespace) -> int:
    from assistant.service import open_index_of
    from assistant.settings import load_settings

    with _progress("建立索引") as step:
        ensured = open_index_of(load_settings(), options.source, step)
    names = "、".join(document.title or name for name, document in ensured.index.documents.items())
    count = len(ensured.index.passages)
    if ensured.built:
        _write(f"已建立索引：{names}，{count} 条。")
    else:
        _write(f"索引已是最新，无需更新：{names}，{count} 条。")
    return 0


def _ask(options: argparse.Namespace) -> int:
    if (options.batch is None) == (options.question is None):
        _say("请给出一个问题，或用 --batch 给出问题文件（二者选一）。")
        return USAGE_ERROR
    if options.batch is not None:
        if options.out is None:
            _say("--batch 需要同时用 --out 指定结果文件。")
            return USAGE_ERROR
        return _batch(options.batch, options.out, options.source)
    if options.out is not None:
        _say("--out 只和 --batch 一起用；单个问题的回答直接显示。")
        return USAGE_ERROR
    from assistant.normalise import tidy

    if not tidy(options.question):
        raise RequestError("问题是空的，请输入一个关于计划的问题。")
    answer = _open(options.source).ask(options.question)
    _write(json.dumps(answer.to_dict(), ensure_ascii=False) if options.json else as_text(answer))
    return 0


def as_text(answer: Answer) -> str:
    """An answer for the terminal: the text, who worded it, what a wording check found, each quotation with its place."""
    from assistant.display import generation_note

    lines = [answer.answer]
    if answer.generation is not None:
        lines.append(f"（{generation_note(answer.generation)}）")
    if answer.wording_check is not None:
        lines += [f"· {finding.difference.value}：{finding.note}" for finding in answer.wording_check.findings]
    lines += [f"[{c.n}] {c.section} · 第{c.paragraph}段：“{c.quote}”" for c in answer.citations]
    if answer.nearest:
        lines.append("最接近的原文：")
        lines += [f"- {c.section} · 第{c.paragraph}段：“{c.quote}”" for c in answer.nearest]
    return "\n".join(lines)


def _batch(source: Path, target: Path, documents: Sequence[Path]) -> int:
    """Answer a file of questions line by line; a line that cannot be taken becomes an error line and is counted."""
    lines = _read_lines(source)
    _refuse_target(target, [source, *documents])
    target_dir = target.resolve().parent
    asked = failed = 0
    assistant = _open(documents)
    partial = target_dir / f".{target.name}.{os.getpid()}.part"
    try:
        with partial.open("w", encoding="utf-8", errors="replace") as handle, _progress("回答问题") as step:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                asked += 1
                record = _answer_line(assistant, line, number)
                failed += "error" in record
                handle.write(json.dumps(record, ensure_ascii=False) + "\n")
                step(number, len(lines))
        os.replace(partial, target)
    except OSError as error:
        raise RequestError(f"无法写入 {target}（{error.strerror}），请检查路径和权限。") from None
    finally:
        partial.unlink(missing_ok=True)
    _say(f"已回答 {asked - failed} 个问题，失败 {failed} 个，结果在 {target}。")
    return 1 if failed else 0


def _read_lines(source: Path) -> list[str]:
    """The lines of a file of questions, blank ones kept so that line numbers are those of the file."""
    from corpus.load import decode

    try:
        data = source.read_bytes()
    except FileNotFoundError:
        raise RequestError(f"找不到问题文件 {source}，请检查路径。") from None
    except OSError as error:
        raise RequestError(f"无法读取问题文件 {source}（{error.strerror}），请检查路径和权限。") from None
    return decode(data, str(source)).split("\n")


def _answer_line(assistant: PlanAssistant, line: str, number: int) -> dict[str, Any]:
    """One line of a batch as a JSON answer, or as ``{"id", "line", "error"}``."""
    identifier = None
    try:
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"第 {number} 行不是合法的 JSON：{error}。") from None
        if not isinstance(data, dict) or not isinstance(data.get("question"), str):
            raise RequestError(f"第 {number} 行缺少文字形式的 question。")
        identifier = data.get("id")
        turns = data.get("turns") or []
        if not isinstance(turns, list) or not all(isinstance(turn, str) for turn in turns):
            raise RequestError(f"第 {number} 行的 turns 应是文字的列表。")
        answer = assistant.ask(data["question"], turns)
        return ({} if identifier is None else {"id": identifier}) | answer.to_dict()
    except PlanAssistantError as error:
        return {"id": identifier, "line": number, "error": str(error)}


def _check(options: argparse.Namespace) -> int:
    from assistant.draft import draft_sentences, read_draft

    if (options.file is None) == (options.words is None):
        _say("请给出一段文字，或用 --file 给出一份文稿（二者选一）。")
        return USAGE_ERROR
    if options.report is not None and options.report.suffix.lower() not in (".md", ".docx"):
        _say("--report 的文件名应以 .md 或 .docx 结尾。")
        return USAGE_ERROR
    text = read_draft(options.file) if options.file is not None else options.words
    if options.report is not None:
        _refuse_report(options.report, options.file)
    count = len(draft_sentences(text))
    if not count:
        raise RequestError("要核对的文字是空的，请给出一句话或一份文稿。")
    if options.file is not None or options.report is not None or count > 1:
        return _check_draft(text, options)
    from assistant.check import checked_answer, open_checker
    from assistant.normalise import tidy
    from assistant.wording_request import claim_in

    words = tidy(text)
    answer = checked_answer(words, claim_in(words) or words, *open_checker(options.source))
    _write(json.dumps(answer.to_dict(), ensure_ascii=False) if options.json else as_text(answer))
    return 0


def _check_draft(text: str, options: argparse.Namespace) -> int:
    from assistant.check import open_checker
    from assistant.draft import check_draft
    from assistant.draft_report import report_docx, report_markdown, report_text

    checker, document = open_checker(options.source)
    name = options.file.name if options.file is not None else ""
    with _progress("核对文稿") as step:
        draft = check_draft(text, checker, document, name=name, on_progress=step)
    if options.report is not None:
        is_word = options.report.suffix.lower() == ".docx"
        report = report_docx(draft, document) if is_word else report_markdown(draft, document).encode()
        _replace(options.report, report)
    _write(json.dumps(draft.to_dict(document), ensure_ascii=False) if options.json else report_text(draft, document))
    return 0


def _refuse_report(target: Path, draft: Path | None) -> None:
    """Refuse, before anything is checked, a report that cannot be written or would overwrite the draft."""
    if target.is_dir():
        raise RequestError(f"{target} 是文件夹，请用 --report 给出一个文件名。")
    if draft is not None and target.exists() and target.samefile(draft):
        raise RequestError(f"报告 {target} 会覆盖文稿本身，请用 --report 给出另一个文件名。")
    folder = target.resolve().parent
    if not folder.is_dir():
        raise RequestError(f"报告所在的文件夹 {target.parent} 不存在，请先建立。")
    if not os.access(folder, os.W_OK):
        raise RequestError(f"无法写入 {target.parent}（没有写权限），请检查权限。")


def _replace(target: Path, data: bytes) -> None:
    """Write a file at once: it is there whole, or what was there before stays."""
    target = target.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(data)
        os.replace(partial, target)
    except OSError as error:
        raise RequestError(f"无法写入 {target}（{error.strerror}），请检查路径和权限。") from None
    finally:
        partial.unlink(missing_ok=True)


def _targets(options: argparse.Namespace) -> int:
    if options.format == "xlsx" and options.out is None:
        _say("--format xlsx 需要同时用 --out 指定结果文件。")
        return USAGE_ERROR
    from assistant.ledger import EntryKind, open_ledger
    from assistant.ledger_export import as_csv, as_json, as_table, as_xlsx, filtered

    if options.out is not None:
        _refuse_target(options.out, options.source)
    kind = EntryKind(options.kind) if options.kind else None
    whole = open_ledger(options.source)
    ledger = filtered(whole, options.year, kind)
    if not ledger.entries and not ledger.unplaced:
        years = "、".join(str(year) for year in sorted({e.year for e in whole.entries if e.year})) or "没有注明"
        raise RequestError(f"台账里没有符合条件的数字；这份文件里数字的年份有：{years}。")
    if options.format == "xlsx":
        data = as_xlsx(ledger)
    elif options.format == "csv":
        data = as_csv(ledger)
    elif options.format == "json":
        data = (as_json(ledger) + "\n").encode("utf-8", "replace")
    else:
        data = (as_table(ledger) + "\n").encode("utf-8", "replace")
    if options.out is None:
        sys.stdout.write(data.decode("utf-8"))
        return 0
    _replace(options.out, data)
    _say(f"已写入 {len(ledger.entries)} 条已归类、{len(ledger.unplaced)} 条未归类的数字，在 {options.out}。")
    return 0


def _refuse_target(target: Path, sources: Sequence[Path]) -> None:
    """Refuse, before any work, a result file that cannot be written or is one of the files that are read."""
    folder = target.resolve().parent
    if target.is_dir():
        raise RequestError(f"{target} 是文件夹，请用 --out 给出一个文件名。")
    if not folder.is_dir():
        raise RequestError(f"结果文件所在的文件夹 {target.parent} 不存在，请先建立。")
    if not os.access(folder, os.W_OK):
        raise RequestError(f"无法写入 {target.parent}（没有写权限），请检查权限。")
    if target.exists() and any(source.exists() and target.samefile(source) for source in sources):
        raise RequestError(f"{target} 就是输入的文件，写入会覆盖它，请用 --out 给出另一个文件名。")


def _serve(options: argparse.Namespace) -> int:
    from assistant.settings import load_settings
    from ui.server import serve

    settings = load_settings()

    def opened() -> PlanAssistant:
        assistant = _open(options.source)
        assistant.prepare()
        return assistant

    serve(
        opened,
        host=options.host or settings.host,
        port=settings.port if options.port is None else options.port,
        on_listening=lambda address: _say(f"页面地址：{address}（按 Ctrl-C 结束）"),
    )
    return 0


def _eval(options: argparse.Namespace) -> int:
    from evals import cli as evaluation

    return evaluation.run(options)


def _model(options: argparse.Namespace) -> int:
    from assistant.generation.local_model import is_available
    from assistant.generation.model_store import default_model_dir, install, verify

    directory = default_model_dir()
    if options.action == "verify":
        _write(f"模型文件完好：{verify(directory)}")
        return 0
    with _progress("下载模型") as step:
        installation = install(directory, step)
    _write(f"{'已装好模型' if installation.fresh else '模型已经装好，无需下载'}：{installation.path}")
    if not is_available():
        _say("还没有安装运行模型的组件 xllamacpp，请运行 scripts/install local。")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from assistant.doctor import examine

    healthy = True
    for check in examine():
        _write(f"{'正常' if check.ok else '异常'}  {check.name}：{check.found}")
        healthy = healthy and check.ok
    return 0 if healthy else 1


if __name__ == "__main__":
    raise SystemExit(main())
