from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant.cli import _parser
from assistant.settings import Settings, bundled_documents, load_settings
from corpus.errors import SettingsError

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
EXAMPLE = ROOT / ".env.example"
NAMES = [f"LAIWU_{name.upper()}" for name in Settings.model_fields]


@pytest.fixture
def readme() -> str:
    return README.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_setting_is_documented_in_the_readme(readme: str, name: str) -> None:
    assert name in readme


@pytest.mark.parametrize("name", NAMES)
def test_setting_is_in_the_example_of_an_env_file(name: str) -> None:
    assert re.search(rf"^#? ?{name}=", EXAMPLE.read_text(encoding="utf-8"), re.M)


def test_readme_and_example_name_no_setting_that_is_not_there(readme: str) -> None:
    named = set(re.findall(r"LAIWU_[A-Z_]+[A-Z]", readme + EXAMPLE.read_text(encoding="utf-8")))
    assert named <= set(NAMES)


def test_example_of_an_env_file_holds_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    lines = [re.sub(r"^#\s?(?=LAIWU_)", "", line) for line in EXAMPLE.read_text(encoding="utf-8").splitlines()]
    env = tmp_path / "example.env"
    env.write_text("\n".join(line for line in lines if re.match(r"LAIWU_\w+=.", line)), encoding="utf-8")
    assert Settings(_env_file=env) == Settings(_env_file=None)  # type: ignore[call-arg]


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_every_command_is_in_the_readme(readme: str) -> None:
    [subcommands] = [action for action in _parser()._actions if action.choices]
    assert [name for name in (subcommands.choices or ()) if f"laiwu-plan {name}" not in readme] == []


def test_the_two_commands_of_the_project_are_in_the_readme_and_there(readme: str) -> None:
    for script in ("scripts/run", "scripts/test"):
        assert script in readme
        assert (ROOT / script).stat().st_mode & 0o111


def test_files_that_the_readme_links_to_are_there(readme: str) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", readme)
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("LAIWU_PORT", "many", id="no_number"),
        pytest.param("LAIWU_PORT", "70000", id="port_too_high"),
        pytest.param("LAIWU_MIN_CONFIDENCE", "1.5", id="probability_above_one"),
        pytest.param("LAIWU_CANDIDATES", "0", id="no_candidates"),
        pytest.param("LAIWU_MAX_QUESTION_CHARS", "-1", id="negative_length"),
    ],
)
def test_unusable_setting_is_named_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert name in str(caught.value) and value in str(caught.value)
    assert str(caught.value).count("。") == 1


def test_setting_is_read_from_an_env_file_and_the_environment_goes_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAIWU_PORT", raising=False)
    (tmp_path / ".env").write_text("LAIWU_PORT=7001\n", encoding="utf-8")
    assert load_settings().port == 7001
    monkeypatch.setenv("LAIWU_PORT", "7002")
    assert load_settings().port == 7002


def test_fingerprint_changes_with_what_can_change_an_answer_only() -> None:
    plain = Settings(_env_file=None)  # type: ignore[call-arg]
    assert plain.fingerprint() == plain.model_copy(update={"port": 1}).fingerprint()
    assert plain.fingerprint() != plain.model_copy(update={"candidates": 5}).fingerprint()
    assert plain.fingerprint() != plain.model_copy(update={"min_confidence": 0.5}).fingerprint()


def test_bundled_document_is_the_plan(plan_path: Path) -> None:
    assert bundled_documents() == [plan_path]
