"""Between protobuf and the rows of observation."""

from __future__ import annotations

from services.observation.domain import Content
from services.observation.store import Row
from takedown.referral.v1 import enums_pb2 as enums
from takedown.referral.v1 import observation_pb2, referral_pb2


def content(message: referral_pb2.Content) -> Content:
    return Content(
        platform=message.platform,
        kind=enums.ContentKind.Name(message.kind).removeprefix("CONTENT_KIND_"),
        content_id=message.content_id,
        account=message.account,
        url=message.canonical_url or message.url,
    )


def observation(row: Row) -> observation_pb2.Observation:
    shown = observation_pb2.Observation(
        observation_id=str(row["observation_id"]),
        referral_id=str(row["referral_id"]),
        purpose=enums.ObservationPurpose.Value(f"OBSERVATION_PURPOSE_{row['purpose']}"),
        availability=enums.Availability.Value(f"AVAILABILITY_{row['availability']}"),
        visible=enums.Visible.Value(f"VISIBLE_{row['visible']}"),
        cause=enums.Availability.Value(f"AVAILABILITY_{row['cause']}"),
        confidence=enums.Confidence.Value(f"CONFIDENCE_{row['confidence']}"),
        marker=row["marker"],
        controls_passed=row["controls_passed"],
        vantage=row["vantage"],
        response_sha256=row["response_sha256"],
        counts_as_gone=row["counts_as_gone"],
        resolved_url=row["resolved_url"],
    )
    shown.observe_time.FromDatetime(row["observe_time"])
    return shown


def capture(row: Row) -> observation_pb2.Capture:
    shown = observation_pb2.Capture(
        capture_id=str(row["capture_id"]),
        referral_id=str(row["referral_id"]),
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        warc_key=row["warc_key"],
        http_status=row["http_status"],
        truncated=row["truncated"],
        failure=row["failure"],
    )
    shown.capture_time.FromDatetime(row["capture_time"])
    return shown
