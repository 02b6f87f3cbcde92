"""The numbers of the signal bank, each with its source."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

# docs/decisions/0021: how much alike two whole texts are to be called nearly the same, and from
# how many words on they are compared at all. Below that nine words in ten say nothing.
NEAR: Final = 0.9
FEWEST_WORDS: Final = 8

# MinHash over the set of words. Nine words in ten alike is a Jaccard similarity of about 0.82
# where no word comes twice: 25 bands of 5 rows propose such a pair with 1 - (1 - 0.82^5)^25,
# which is 0.99999, and one of unrelated texts (0.2) with 0.008.
PERMUTATIONS: Final = 128
BANDS: Final = 25
ROWS: Final = 5
SEED: Final = 1

# PDQ's published threshold: at most so many of 256 bits differ, at such a quality or better
# (https://github.com/facebook/ThreatExchange, "The TMK+PDQF and PDQ algorithms", 2019).
PDQ_DISTANCE: Final = 31
PDQ_BITS: Final = 256
PDQ_QUALITY: Final = 50

# docs/decisions/0021: for how long a signal matches, and when it is deleted after that.
ADVERT_LASTS: Final = timedelta(days=365)
NEGATIVE_LASTS: Final = timedelta(days=730)
UNDECIDED_LASTS: Final = timedelta(days=90)
PURGED_AFTER: Final = timedelta(days=30)

# Bounds of our own: what one question may cost, whatever the bank holds.
ASK_SECONDS: Final = 1.0
PER_BAND: Final = 40
CANDIDATES: Final = 20
SHOWN: Final = 10
CONTACTS: Final = 60
PURGE_BATCH: Final = 500
PURGE_SECONDS: Final = 600.0
# How many of the newest signals, and pairs of them, campaigns are looked for among.
SUGGESTED_FROM: Final = 5_000
PAIRS: Final = 20_000
