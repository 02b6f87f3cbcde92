"""``make model``: fit both models on train and validation, choose the thresholds, write them.

The same corpus, lexica and library versions give the same bytes on the same kind of processor with
as many cores: fixed seeds, one thread of BLAS, half precision. The texts kept for testing are not
read. ``--check`` fits anew and compares with what is there.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

# Before numpy is imported: sums of several threads come in another order every time.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

from services.classification.engines import MODEL  # noqa: E402
from services.classification.training.making import digest, make  # noqa: E402


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description="Fit the classifier's models from the corpus.")
    parser.add_argument("--check", action="store_true", help="compare with what is there")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as name:
        made = make(Path(name), say)
        for file, found in made.items():
            same = (MODEL / file).is_file() and digest(MODEL / file) == found
            say(f"{found}  {file}{'' if same or not check else ': differs'}")
            if check and not same:
                return 1
            if not check:
                MODEL.mkdir(exist_ok=True)
                (MODEL / file).write_bytes((Path(name) / file).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
