"""``takedown stack``: the one-machine stack, as ``make up`` and ``make down`` run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.referral import Json

app = typer.Typer(no_args_is_help=True, help="The one-machine stack.")
Root = Annotated[Path | None, typer.Option(help="Its folder; .local when not given.")]


def _infra(*arguments: str, root: Path | None) -> None:
    """The stack is infrastructure, not a service: it is run, not imported."""
    extra = ["--root", str(root)] if root is not None else []
    command = [sys.executable, "-m", "infra.local", *arguments, *extra]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603


@app.command()
def up(
    time_scale: Annotated[float | None, typer.Option(help="Factor on every duration.")] = None,
    root: Root = None,
) -> None:
    """Start it and keep it running."""
    extra = ["--time-scale", str(time_scale)] if time_scale is not None else []
    _infra("up", *extra, root=root)


@app.command()
def down(root: Root = None) -> None:
    """Stop it; its data stays."""
    _infra("down", root=root)


@app.command()
def status(root: Root = None, json_output: Json = False) -> None:
    """What runs."""
    _infra("status", *(["--json"] if json_output else []), root=root)
