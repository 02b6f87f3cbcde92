"""``python -m services.classification.training.compare FOLDER FILE``: two models side by side.

FILE is NDJSON with ``id`` and ``text``; FOLDER another model package. Prints JSON: how often each
decision of the release meets each decision of the other, and the ids that differ. No content.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.classification import engines
from services.classification.domain import MAX_TEXT, AssessmentInput, Engine


def compare(release: Engine, other: Engine, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Decisions side by side; ``lines`` hold id and text, and may hold kind and language."""
    met: Counter[str] = Counter()
    differ: list[dict[str, Any]] = []
    now = datetime.now(UTC)
    for line in lines:
        item = AssessmentInput(
            str(line["id"]), str(line["text"])[:MAX_TEXT], now,
            str(line.get("language", "")), kind=str(line.get("kind", "")),
        )  # fmt: skip
        ours, theirs = release.assess(item), other.assess(item)
        met[f"{ours.decision.value} -> {theirs.decision.value}"] += 1
        if ours.decision is not theirs.decision:
            change = f"{ours.probability:.3f} -> {theirs.probability:.3f}"
            differ.append({"id": item.id, "probability": change})
    return {
        "release": release.version,
        "other": other.version,
        "texts": len(lines),
        "decisions": dict(sorted(met.items())),
        "differ": differ,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare a model package with the release's.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("file", type=Path)
    asked = parser.parse_args()
    try:
        lines = [json.loads(line) for line in asked.file.read_text("utf-8").splitlines() if line]
        other = engines.load("cascade", asked.folder)
        found = compare(engines.load("cascade"), other, lines)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"Cannot compare: {error}; give a model package and an NDJSON file.\n")
        return 2
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
