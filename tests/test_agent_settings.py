"""Settings: what the environment may say, and what it is told when it says nonsense."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from agent import Settings, SettingsInvalid
from agent.settings import checked_settings, in_force, variable

EXAMPLE = Path(__file__).parent.parent / ".env.example"


def test_the_example_names_every_setting_with_its_default_and_no_other() -> None:
    shown = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))
    fields = {variable(name): field for name, field in Settings.model_fields.items()}

    assert list(shown) == list(fields)
    for name, field in fields.items():
        if field.default_factory is None:
            assert TypeAdapter[object](field.annotation or object).validate_python(shown[name]) == field.default


def test_a_setting_comes_from_the_environment_and_before_that_from_what_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WINDOWSEAT_WINDOW_TURNS", "7")
    monkeypatch.setenv("OLLAMA_HOST", "http://10.0.0.5:11434")
    assert Settings.read().window_turns == 7
    assert Settings.read().ollama_host == "http://10.0.0.5:11434"
    assert Settings.read(window_turns=3).window_turns == 3


def test_a_setting_comes_from_the_file_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WINDOWSEAT_MODEL=echo\nSOMETHING_ELSE=1\n")
    assert Settings.read(_env_file=tmp_path / ".env").model == "echo"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("WINDOWSEAT_WINDOW_TURNS", "-1", "WINDOWSEAT_WINDOW_TURNS is '-1', but .*greater than or equal to 0"),
        ("WINDOWSEAT_WINDOW_TURNS", "many", "WINDOWSEAT_WINDOW_TURNS is 'many', but .*integer"),
        ("WINDOWSEAT_PROMPT_LIMIT", "0", "WINDOWSEAT_PROMPT_LIMIT is '0', but .*greater than or equal to 1"),
        ("WINDOWSEAT_ECHO_WORDS_PER_SECOND", "fast", "WINDOWSEAT_ECHO_WORDS_PER_SECOND is 'fast', but .*number"),
        ("WINDOWSEAT_MODEL", "", "WINDOWSEAT_MODEL is '', but .*at least 1 character"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_it_may_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=sentence):
        Settings.read()


def test_values_in_force_are_shown_as_they_were_given() -> None:
    shown = {
        setting.variable: setting.value
        for setting in in_force(Settings.read(_env_file=None, model="ollama:granite-4.0", idle_minutes=1.5))
    }
    assert shown["WINDOWSEAT_MODEL"] == "ollama:granite-4.0"
    assert (shown["WINDOWSEAT_IDLE_MINUTES"], shown["WINDOWSEAT_FIRST_SECONDS"]) == ("1.5", "600")


@pytest.mark.parametrize("wrong", [7, 0, False])
def test_a_second_model_that_is_none_is_named_so(wrong: Any) -> None:
    with pytest.raises(SettingsInvalid, match=f"^second_model is {wrong!r}, but"):
        checked_settings(Settings.read(_env_file=None), second_model=wrong)


def test_a_server_that_listens_everywhere_is_asked_on_loopback() -> None:
    assert Settings.read(ollama_host="0.0.0.0:11434").ollama_host == "http://127.0.0.1:11434"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("somehost", "http://somehost:11434"),
        ("10.0.0.0:1", "http://10.0.0.0:1"),
        ("https://box/ollama/", "https://box:443/ollama"),
        ("[::1]:11434", "http://[::1]:11434"),
    ],
)
def test_the_servers_address_is_read_as_ollama_reads_it(given: str, address: str) -> None:
    assert Settings.read(ollama_host=given).ollama_host == address


@pytest.mark.parametrize("given", ["localhost:abc", "http://[bad", "http://127.0.0.1:99999", "ftp://x", "http://"])
def test_an_address_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("OLLAMA_HOST", given)
    with pytest.raises(SettingsInvalid, match=r"OLLAMA_HOST is .*, but it should be an address like http"):
        Settings.read()


def test_a_malformed_address_is_no_reason_for_the_import_to_fail() -> None:
    code = "import os; from agent import Settings, SettingsInvalid; print(os.environ['OLLAMA_HOST']); Settings.read()"
    environment = {**os.environ, "OLLAMA_HOST": "not_a_url:::"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.stdout == "not_a_url:::\n"
    assert "SettingsInvalid: OLLAMA_HOST is 'not_a_url:::', but it should be an address" in run.stderr
