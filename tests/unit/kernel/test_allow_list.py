"""Default deny: every method of every service, and everybody who is not named."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.kernel.allow_list import AllowList
from services.kernel.identity import Identity
from takedown.acknowledgement.v1 import acknowledgement_service_pb2
from takedown.adapter.v1 import platform_adapter_service_pb2
from takedown.classification.v1 import classification_service_pb2
from takedown.delivery.v1 import delivery_service_pb2
from takedown.intake.v1 import casework_service_pb2, record_service_pb2, referral_service_pb2
from takedown.observation.v1 import observation_service_pb2

MODULES = (
    acknowledgement_service_pb2,
    platform_adapter_service_pb2,
    classification_service_pb2,
    delivery_service_pb2,
    casework_service_pb2,
    record_service_pb2,
    referral_service_pb2,
    observation_service_pb2,
)
METHODS = {
    f"/{service.full_name}/{method.name}"
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
WHO = ("referrer/nca", "platform/tiktok", "service/worker", "service/intake", "operator/jo")
REFERRERS, PLATFORM, WORKER, OPERATOR = (
    {"referrer/nca"},
    {"platform/tiktok"},
    {"service/worker"},
    {"operator/jo"},
)


def expected(method: str) -> set[str]:
    """Architecture, "Identity" and the table of who calls whom, written out once more."""
    service = method.split("/")[1].rpartition(".")[2]
    if service == "ReferralService":
        reads = method.endswith(("/GetReferral", "/ListReferrals", "/ListReferralEvents"))
        return REFERRERS | OPERATOR | (WORKER if reads else set())
    if method.endswith(("CaseworkService/AnswerClarification", "/ConfirmDeparture")):
        return OPERATOR | REFERRERS
    return {
        "CaseworkService": OPERATOR,
        "RecordService": WORKER,
        "DeliveryService": WORKER,
        "ClassificationService": WORKER | OPERATOR,
        "PlatformAdapterService": WORKER,
        "AcknowledgementService": PLATFORM,
        "ObservationService": WORKER,
    }[service]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_each_method_answers_exactly_who_it_is_for(method: str) -> None:
    rules = AllowList.read()
    allowed = {who for who in WHO if rules.allows(Identity(*who.split("/")), method)}
    assert allowed == expected(method)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(
    "method", ["/takedown.new.v1.NewService/Do", "/", "", "//", "/grpc.health.v1.Health2/Check"]
)
def test_what_is_not_listed_answers_nobody(who: str, method: str) -> None:
    assert not AllowList.read().allows(Identity(*who.split("/")), method)


@pytest.mark.parametrize("who", WHO)
def test_everybody_may_ask_for_health(who: str) -> None:
    assert AllowList.read().allows(Identity(*who.split("/")), "/grpc.health.v1.Health/Check")


@pytest.mark.parametrize(
    "text",
    [
        '["a.B"]\n"*" = ["god/*"]',
        '["a.B"]\n"*" = ["*"]',
        '["a.B"]\n"*" = ["service"]',
        '["a.B"]\n"*" = "service/*"',
        '["a.B"]\n"*" = [1]',
        '"*" = ["service/*"]',
        '["a.B"]\n"*" = ["service/"]',
    ],
)
def test_a_list_with_an_unknown_role_or_shape_refuses_to_load(tmp_path: Path, text: str) -> None:
    file = tmp_path / "allow.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"role|method|list"):
        AllowList.read(file)
