"""The page of figures and its plots, from the report alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_SHOWN: Final = (
    ("texts", "texts"), ("precision", "precision"), ("recall", "recall"), ("f1", "F1"),
    ("calibration_error", "calibration error"), ("referred", "referred"),
    ("refer_right", "of them right"), ("protected_referred", "protected speech referred"),
    ("review_minutes_per_100", "review, minutes per 100 texts"),
)  # fmt: skip


def write(path: Path, found: Mapping[str, Any]) -> None:
    """``path`` and, in the folder of its name without the ending, two SVG plots."""
    test = found["test"]
    lines = [
        "# How good the classifier is",
        "",
        "Written by `make evaluate`, not by hand. The texts are the corpus's test split:",
        "synthetic, by the same authors as the rest, in families that no model was fitted on.",
        f"The model is `{found['model_version']}`.",
        "",
        *_table({name: test[name]["all"] for name in test}, "engine"),
        "## Cross-validated on train and validation",
        "",
        *_table(found["cross_validated"], "model"),
        "## Cascade by language",
        "",
        *_table(test["cascade"]["languages"], "language"),
        "## Cascade by difficulty",
        "",
        *_table(test["cascade"]["difficulty"], "difficulty"),
        "## Cascade by category and hook of adverts",
        "",
        *_labels({**test["cascade"]["categories"], **test["cascade"]["hooks"]}),
        *(line for kind, said in found["unseen"].items() for line in _unseen(kind, said)),
        "## Departure times",
        "",
        *_departures(test["cascade"]),
        f"![Reliability]({path.stem}/reliability.svg)",
        "",
        f"![F1 by language]({path.stem}/languages.svg)",
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    _plots(path.with_suffix(""), test["cascade"])


def _unseen(kind: str, report: Mapping[str, Any]) -> list[str]:
    writers = ", ".join(f"`{name}`" for name in report["writers"])
    return [
        f"## Cascade on writers of whom nothing was fitted on: {kind}",
        "",
        f"Authors {writers}: neither models nor thresholds nor lexica have learnt from them.",
        "",
        *_table({"all": report["all"], **report["languages"]}, "language"),
        *_table(report["difficulty"], "difficulty"),
        *_departures(report),
    ]


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _table(rows: Mapping[str, Mapping[str, Any]], first: str) -> list[str]:
    kept = [(key, name) for key, name in _SHOWN if any(key in row for row in rows.values())]
    lines = [f"| {first} | " + " | ".join(name for _, name in kept) + " |",
             "| --- |" + " --- |" * len(kept)]  # fmt: skip
    for name, row in rows.items():
        lines.append(f"| {name} | " + " | ".join(_number(row.get(key)) for key, _ in kept) + " |")
    return [*lines, ""]


def _labels(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = ["| label | adverts | precision | recall |", "| --- | --- | --- | --- |"]
    for name, row in rows.items():
        lines.append(
            f"| {name} | {row['texts']} | {_number(row['precision'])} | {_number(row['recall'])} |"
        )
    return [*lines, ""]


def _departures(report: Mapping[str, Any]) -> list[str]:
    lines = ["| language | stated | resolved exactly | found where none is stated |",
             "| --- | --- | --- | --- |"]  # fmt: skip
    for name, row in {"all": report["all"], **report["languages"]}.items():
        found = row["departures"]
        lines.append(
            f"| {name} | {found['stated']} | {_number(found['resolved'])} "
            f"| {_number(found['invented'])} |"
        )
    return [*lines, ""]


def _plots(folder: Path, report: Mapping[str, Any]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    # The same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "takedown"
    from matplotlib import pyplot

    folder.mkdir(exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(5, 4))
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey")
    axes.plot([b[1] for b in report["reliability"]], [b[2] for b in report["reliability"]], "o-")
    axes.set(xlabel="probability said", ylabel="share of adverts", title="Reliability, test split")
    figure.savefig(folder / "reliability.svg", metadata={"Date": None})
    figure, axes = pyplot.subplots(figsize=(7, 4))
    rows = {name: row["f1"] or 0.0 for name, row in report["languages"].items()}
    axes.bar(list(rows), list(rows.values()))
    axes.axhline(0.85, linestyle="--", color="grey")
    axes.set(ylabel="F1", ylim=(0, 1), title="F1 by language, test split")
    figure.savefig(folder / "languages.svg", metadata={"Date": None})
    pyplot.close("all")


def card(path: Path, facts: Mapping[str, Any], thresholds: Mapping[str, Any]) -> None:
    """The model card and, from the same facts, the Algorithmic Transparency record."""
    languages = ", ".join(f"{code} {count}" for code, count in facts["languages"].items())
    libraries = ", ".join(f"{name} {version}" for name, version in facts["libraries"].items())
    refer = ", ".join(f"{kind} {value}" for kind, value in thresholds["refer"].items())
    lines = [
        "# Model card and transparency record",
        "",
        "Written by `make evaluate` from `services/classification/model/facts.json`; not by hand.",
        "",
        "## Model card",
        "",
        "| | |",
        "| --- | --- |",
        "| what it does | says how likely a post is an advert of people smuggling |",
        "| what it is for | sorting referrals: without a person only where an offer is clear |",
        "| what it is not for | finding posts, judging people, or anything without the policy |",
        f"| fitted on | {facts['texts']} synthetic texts, {facts['adverts']} of them adverts |",
        f"| languages | {languages} |",
        f"| rules | `{facts['rules_sha256']}` |",
        f"| libraries | {libraries} |",
        f"| thresholds of `refer` | {refer}; asked precision {thresholds['precision']} |",
        f"| semantic model asked | of {facts['semantic_asked']:.0%} of unseen texts |",
        "",
        "On texts by writers that no model had seen:",
        "",
        *_table(facts["cross_validated"], "model"),
        "How it does by language, category and difficulty: [figures](classification-figures.md).",
        "",
        "## Algorithmic transparency record",
        "",
        "| question | answer |",
        "| --- | --- |",
        "| What is the tool? | A classifier in Takedown, which carries referrals to platforms |",
        "| Who decides? | The platform decides whether content goes; the referral is voluntary |",
        "| What does it decide alone? | That a clear offer is referred, in ten languages; never a "
        "rejection, never for accounts, pages, groups or channels |",
        "| What does a person see? | The words it went by, in the original text, in English |",
        "| What data is it fitted on? | Synthetic texts in the repository; no personal data |",
        "| What does it keep? | Nothing: text goes in, an assessment comes out |",
        "| What can go wrong? | Journalism, a question or a lawful service referred; an advert "
        "left to wait for a person. The first is guarded by thresholds and by the rules |",
        "| How is it watched? | Decisions by language, drift of scores, a shadow for new models |",
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
