"""``takedown``: the command line. Human output by default, ``--json`` everywhere."""

from __future__ import annotations

import sys

import typer

from services.cli.url import url_command

# The offline commands stay quick: what speaks gRPC is loaded only when it is asked for.
_OFFLINE = frozenset({"url", "classify"})


def build(offline: bool) -> typer.Typer:
    """The application; ``offline`` leaves out what needs a stack."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Refer adverts of people smuggling, and follow them until they are gone.",
    )
    app.command("url")(url_command)
    _add_classify(app)
    if not offline:
        from services.cli import (
            asks,
            batch,
            campaign,
            doctor,
            hold,
            reconcile,
            referral,
            review,
            signal,
            stack,
        )

        referral.app.command("batch")(batch.batch_command)
        app.add_typer(referral.app, name="referral")
        app.add_typer(review.app, name="review")
        app.add_typer(hold.app, name="hold")
        app.command("clarify")(asks.clarify)
        app.command("escalate")(asks.escalate)
        app.add_typer(asks.departure, name="departure")
        app.add_typer(campaign.app, name="campaign")
        app.add_typer(signal.app, name="signal")
        app.command("reconcile")(reconcile.reconcile)
        app.add_typer(stack.app, name="stack")
        app.command("doctor")(doctor.doctor)
    return app


def _add_classify(app: typer.Typer) -> None:
    from services.cli.classify import classify_command

    app.command("classify")(classify_command)


def run() -> None:
    """The entry point that the installation names."""
    build(offline=len(sys.argv) > 1 and sys.argv[1] in _OFFLINE)()


if __name__ == "__main__":
    run()
