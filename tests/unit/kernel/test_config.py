"""Settings: strict, and clear about what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import Field

from services.kernel.config import DatabaseSettings, Part, ServiceSettings, load

TLS = '[tls]\nca_file = "ca.pem"\ncert_file = "c.pem"\nkey_file = "k.pem"\n'
SECRET = "hunter2-canary"


class Limits(Part):
    per_second: int = 5


class Settings(ServiceSettings):
    database: DatabaseSettings
    limits: Limits = Limits()
    platforms: list[str] = Field(default_factory=list)


Write = Callable[[str], list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> list[str]:
        file = tmp_path / "settings.toml"
        file.write_text(text)
        return ["--config", str(file)]

    return written


DATABASE = f'[database]\nurl = "postgresql+asyncpg://u:{SECRET}@h/d"\n'


def _problems(
    capsys: pytest.CaptureFixture[str], argv: list[str], environ: dict[str, str] | None = None
) -> list[str]:
    with pytest.raises(SystemExit) as stopped:
        load(Settings, "intake", argv, environ or {})
    assert stopped.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("intake: ") and line.endswith(".") for line in lines)
    assert SECRET not in "".join(lines)
    return [line.removeprefix("intake: ") for line in lines]


def test_the_environment_goes_before_the_file(write: Write) -> None:
    argv = write("drain_seconds = 1\n" + TLS + DATABASE)
    environ = {
        "TAKEDOWN_INTAKE__DRAIN_SECONDS": "2.5",
        "TAKEDOWN_INTAKE__DATABASE__POOL_SIZE": "8",
        "TAKEDOWN_INTAKE__PLATFORMS": '["x", "tiktok"]',
        "TAKEDOWN_OTHER__LISTEN": "ignored",
    }
    settings = load(Settings, "intake", argv, environ)
    assert settings.drain_seconds == 2.5
    assert settings.database.pool_size == 8
    assert settings.platforms == ["x", "tiktok"]
    assert settings.service == "intake"


def test_the_file_can_be_named_by_the_environment(write: Write) -> None:
    environ = {"TAKEDOWN_CONFIG": write(TLS + DATABASE)[1]}
    assert load(Settings, "intake", [], environ).listen == "127.0.0.1:0"


def test_a_valid_configuration_says_so_and_exits_0(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        load(Settings, "intake", [*write(TLS + DATABASE), "--check-config"], {})
    assert stopped.value.code == 0
    assert capsys.readouterr().out == "configuration is valid\n"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("drian_seconds = 1\n" + TLS + DATABASE, "drian_seconds"),
        (TLS + DATABASE + "[limits]\nper_minute = 1\n", "limits.per_minute"),
    ],
)
def test_an_unknown_key_in_the_file_refuses_to_start(
    write: Write, capsys: pytest.CaptureFixture[str], text: str, key: str
) -> None:
    [problem] = _problems(capsys, write(text))
    assert problem == f"{key}: unknown key; remove it or correct its spelling."


@pytest.mark.parametrize(
    "name",
    ["TAKEDOWN_INTAKE__DRIAN_SECONDS", "TAKEDOWN_INTAKE__LIMITS__X", "TAKEDOWN_INTAKE_LISTEN"],
)
def test_an_unknown_variable_of_the_service_refuses_to_start(
    write: Write, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    [problem] = _problems(capsys, write(TLS + DATABASE), {name: "1"})
    assert "unknown" in problem


@pytest.mark.parametrize(
    "environ",
    [
        {"TAKEDOWN_INTAKE__LISTEN__PORT": "1"},
        {"TAKEDOWN_INTAKE__DATABASE": "flat"},
        {"TAKEDOWN_INTAKE__PLATFORMS": "[not json"},
        {"TAKEDOWN_INTAKE____X": "1"},
    ],
)
def test_a_variable_of_the_wrong_shape_is_a_sentence_and_no_traceback(
    write: Write, capsys: pytest.CaptureFixture[str], environ: dict[str, str]
) -> None:
    assert _problems(capsys, write('listen = "127.0.0.1:1"\n' + TLS + DATABASE), environ)


def test_every_problem_is_told_at_once_and_no_secret_with_it(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'listen = "nowhere"\n' + DATABASE + f'pool_size = "{SECRET}"\n'
    problems = _problems(capsys, write(text))
    assert {problem.partition(":")[0] for problem in problems} == {
        "listen",
        "tls",
        "database.pool_size",
    }


def test_a_file_of_another_service_refuses_to_start(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    [problem] = _problems(capsys, write('service = "observation"\n' + TLS + DATABASE))
    assert "observation" in problem


@pytest.mark.parametrize("content", [b"\xff\xfe", b"not toml", b"a = "])
def test_a_file_that_is_no_toml_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    assert len(_problems(capsys, ["--config", str(file)])) == 1


def test_a_file_that_is_not_there_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(_problems(capsys, ["--config", str(tmp_path / "absent.toml")])) == 1
