"""Preserving content: the bytes under their digest, and a WARC record of the exchange."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import obstore
from obstore.store import LocalStore, ObjectStore, from_url
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from services.observation.domain import Fetched


@dataclass(frozen=True, slots=True)
class Captured:
    """``failure`` is "" when there are bytes; digests are lower-case hexadecimal."""

    sha256: str = ""
    size_bytes: int = 0
    warc_key: str = ""
    http_status: int = 0
    truncated: bool = False
    failure: str = ""


class EvidenceStore:
    """Content-addressed: the same bytes are stored once and never overwritten."""

    def __init__(self, location: str) -> None:
        self._store: ObjectStore
        if "://" in location:
            self._store = from_url(location)
        else:
            Path(location).mkdir(parents=True, exist_ok=True)
            self._store = LocalStore(prefix=location)

    async def keep(self, capture_id: UUID, fetched: Fetched, now: datetime) -> Captured:
        """Store what was fetched.

        Raises:
            obstore.exceptions.BaseError: the store failed; the caller tries again.
        """
        if fetched.failure:
            return Captured(failure=fetched.failure)
        digest = hashlib.sha256(fetched.body).hexdigest()
        await obstore.put_async(self._store, f"bodies/{digest[:2]}/{digest}", fetched.body)
        warc_key = f"warc/{now:%Y/%m/%d}/{capture_id}.warc.gz"
        await obstore.put_async(self._store, warc_key, warc_record(fetched, now))
        return Captured(
            sha256=digest,
            size_bytes=len(fetched.body),
            warc_key=warc_key,
            http_status=fetched.status,
            truncated=fetched.truncated,
        )


def warc_record(fetched: Fetched, now: datetime) -> bytes:
    """One gzip-compressed WARC 1.1 response record of the exchange."""
    # The client took the body out of its packing: headers that describe that would lie now. A
    # content-encoding that is still there is one that it could not unpack.
    packing = {"transfer-encoding", "content-length"}
    headers = [(name, value) for name, value in fetched.headers if name not in packing]
    headers.append(("content-length", str(len(fetched.body))))
    line = f"{fetched.status} {fetched.reason}".strip()
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version="1.1")
    warc_headers = {"WARC-Date": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    if fetched.truncated:
        warc_headers["WARC-Truncated"] = "length"
    record = writer.create_warc_record(
        fetched.final_url,
        "response",
        payload=io.BytesIO(fetched.body),
        # Known, so that the library buffers nothing in a file that it leaves open.
        length=len(fetched.body),
        http_headers=StatusAndHeaders(line, headers, protocol="HTTP/1.1"),
        warc_headers_dict=warc_headers,
    )
    writer.write_record(record)
    return out.getvalue()
