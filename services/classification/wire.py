"""Between protobuf and the classifier's domain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from services.classification.domain import AssessmentInput, AssessmentResult, EngineDescription
from services.classification.pictures import facts
from services.classification.pictures.facts import PictureFacts, Result
from services.kernel.moments import moment
from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.referral.v1 import assessment_pb2
from takedown.referral.v1 import enums_pb2 as enums


def read(
    request: pb.AssessRequest, now: datetime, pictures: Sequence[PictureFacts] = ()
) -> AssessmentInput:
    """``pictures``: what is known of the request's, in order."""
    given = request.HasField("reference_time")
    kind = enums.ContentKind.Name(request.kind).removeprefix("CONTENT_KIND_").lower()
    return AssessmentInput(
        id=request.item_id,
        text=request.text,
        now=moment(request.reference_time, "reference_time") if given else now,
        language_hint=request.language_hint,
        platform=request.platform,
        kind="" if kind == "unspecified" else kind,
        picture_text=facts.text(pictures, len(request.text))[0],
        unread_pictures=any(picture.result is not Result.READ for picture in pictures),
    )


def assessment(result: AssessmentResult, now: datetime) -> assessment_pb2.Assessment:
    shown = assessment_pb2.Assessment(
        assessment_id=result.id,
        probability=result.probability,
        speech_act=enums.SpeechAct.Value(f"SPEECH_ACT_{result.speech_act.value}"),
        categories=[enums.Category.Value(f"CATEGORY_{c.value.upper()}") for c in result.categories],
        hooks=[enums.Hook.Value(f"HOOK_{hook.value.upper()}") for hook in result.hooks],
        explanation=result.explanation,
        decision=enums.AssessmentDecision.Value(
            f"ASSESSMENT_DECISION_{result.decision.value.upper()}"
        ),
        model_version=result.model_version,
        warnings=result.warnings,
    )
    for guess in result.languages:
        shown.languages.add(code=guess.code, confidence=guess.confidence)
    for signal in result.signals:
        shown.signals.add(
            rule_id=signal.rule_id,
            supports=signal.supports,
            language=signal.language,
            start=signal.start,
            end=signal.end,
            weight=signal.weight,
        )
    _entities(shown, result)
    _known(shown, result)
    if result.departure_time is not None:
        shown.departure_time.FromDatetime(result.departure_time.astimezone(UTC))
    shown.assess_time.FromDatetime(now)
    return shown


def show_pictures(
    shown: assessment_pb2.Assessment, item: AssessmentInput, pictures: Sequence[PictureFacts]
) -> None:
    """Add to an assessment of ``item`` what was made of its pictures."""
    shown.picture_text = item.picture_text
    cut = facts.text(pictures, len(item.text))[1]
    shown.warnings.extend(facts.warnings(pictures, cut))
    for picture in pictures:
        shown.pictures.add(
            result=enums.PictureResult.Value(f"PICTURE_RESULT_{picture.result.value}"),
            pdq=picture.pdq,
            pdq_quality=picture.pdq_quality,
            reader=picture.reader,
        )


def _entities(shown: assessment_pb2.Assessment, result: AssessmentResult) -> None:
    for entity in result.entities:
        added = shown.entities.add(
            kind=enums.EntityKind.Value(f"ENTITY_KIND_{entity.kind.value.upper()}"),
            value=entity.value,
            start=entity.start,
            end=entity.end,
        )
        if entity.resolved is not None:
            added.resolved_time.FromDatetime(entity.resolved.astimezone(UTC))


def _known(shown: assessment_pb2.Assessment, result: AssessmentResult) -> None:
    for known in result.known_content:
        added = shown.known_content.add(
            signal_id=known.signal_id,
            match=enums.SignalMatch.Value(f"SIGNAL_MATCH_{known.match.value}"),
            similarity=known.similarity,
            verdict=enums.SignalVerdict.Value(f"SIGNAL_VERDICT_{known.verdict.value}"),
            provenance=enums.SignalProvenance.Value(f"SIGNAL_PROVENANCE_{known.provenance}"),
        )
        if known.decide_time is not None:
            added.decide_time.FromDatetime(known.decide_time.astimezone(UTC))


def description(found: EngineDescription) -> pb.DescribeModelResponse:
    return pb.DescribeModelResponse(
        model_version=found.model_version,
        engine=found.engine,
        languages=found.languages,
        data_sha256=found.data_sha256,
        rule_count=found.rule_count,
        policy=dict(found.policy),
    )
