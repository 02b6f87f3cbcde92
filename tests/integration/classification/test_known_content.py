"""Promises about assessments: what was decided once serves the next time, or a person decides."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from services.classification.bank import matching, numbers
from takedown.classification.v1 import classification_service_pb2 as pb
from takedown.referral.v1 import enums_pb2 as enums
from tests.fakes.pictures import drawn, encoded
from tests.fakes.pki import Pki
from tests.integration.classification.bank import (
    ADVERT,
    CLEAR,
    NOT_ADVERT,
    NOW,
    REFER,
    REVIEW,
    UNDECIDED,
    Classification,
    assess_request,
    serving,
)
from tests.integration.conftest import DatabaseUrls, MakeSchema, Postgres

# An offer, more likely than not, that the rules leave to a person.
UNSURE = "Trips to England by sea with my friends, safe and fast, families welcome, message me soon"


@pytest.fixture
async def urls(make_schema: MakeSchema) -> DatabaseUrls:
    return await make_schema("classification")


@pytest.fixture
async def there(pki: Pki, urls: DatabaseUrls) -> AsyncIterator[Classification]:
    async with serving(pki, urls) as made:
        yield made


async def test_what_nobody_decided_on_is_assessed_as_ever(there: Classification) -> None:
    await there.learn(CLEAR, UNDECIDED)
    found = await there.assess(CLEAR)
    assert (found.decision, len(found.known_content)) == (REFER, 0)
    assert list(found.warnings) == []
    assert (await there.assess(UNSURE)).decision == REVIEW


async def test_what_was_judged_no_advert_is_never_referred_again(there: Classification) -> None:
    learnt = await there.learn(CLEAR, NOT_ADVERT)
    for text in (CLEAR, CLEAR.upper() + " 🔥", CLEAR.replace("Friday", "Monday")):
        found = await there.assess(text)
        assert found.decision == REVIEW
        [known] = found.known_content
        assert known.signal_id == learnt.signal_id
        assert known.verdict == NOT_ADVERT
        assert known.similarity >= numbers.NEAR
    exact = (await there.assess(CLEAR)).known_content[0]
    assert (exact.match, exact.similarity) == (enums.SIGNAL_MATCH_EXACT_TEXT, 1.0)
    near = (await there.assess(CLEAR.replace("Friday", "Monday"))).known_content[0]
    assert near.match == enums.SIGNAL_MATCH_NEAR_TEXT


async def test_a_known_advert_is_referred_where_the_engine_takes_it_for_an_offer(
    there: Classification,
) -> None:
    await there.learn(UNSURE, ADVERT, provenance=enums.SIGNAL_PROVENANCE_PLATFORM_REMOVAL)
    found = await there.assess(UNSURE)
    assert found.decision == REFER
    assert found.known_content[0].provenance == enums.SIGNAL_PROVENANCE_PLATFORM_REMOVAL
    whole = await there.assess(UNSURE, kind=enums.CONTENT_KIND_ACCOUNT)
    assert (whole.decision, len(whole.known_content)) == (REVIEW, 1)


async def test_a_reversal_turns_an_advert_into_its_opposite_in_any_order(
    there: Classification,
) -> None:
    for times in ((0, 1), (1, 0)):
        text, referral_id = f"{CLEAR} {times}", str(uuid.uuid4())
        stated = [
            (ADVERT, enums.SIGNAL_PROVENANCE_PLATFORM_REMOVAL),
            (NOT_ADVERT, enums.SIGNAL_PROVENANCE_REVERSAL),
        ]
        for place in times:
            verdict, provenance = stated[place]
            await there.learn(
                text, verdict, provenance=provenance, referral_id=referral_id,
                source=NOW + timedelta(seconds=place),
            )  # fmt: skip
        found = await there.assess(text)
        assert found.decision == REVIEW
        assert {known.verdict for known in found.known_content} == {NOT_ADVERT}


async def test_a_referrals_own_signal_says_nothing_new_about_it(there: Classification) -> None:
    referral_id = str(uuid.uuid4())
    await there.learn(CLEAR, NOT_ADVERT, referral_id=referral_id)
    own = await there.assess(CLEAR, item_id=referral_id)
    assert (own.decision, len(own.known_content)) == (REFER, 0)
    assert (await there.assess(CLEAR, item_id="no uuid")).decision == REVIEW


async def test_tests_and_real_content_know_nothing_of_each_other(there: Classification) -> None:
    await there.learn(CLEAR, NOT_ADVERT, test=True)
    await there.add_negative(UNSURE)
    assert (await there.assess(CLEAR)).decision == REFER
    assert (await there.assess(CLEAR, test=True)).decision == REVIEW
    assert len((await there.assess(UNSURE, test=True)).known_content) == 0


async def test_what_a_person_withdrew_or_time_ended_matches_nothing(there: Classification) -> None:
    learnt = await there.learn(CLEAR, NOT_ADVERT)
    assert (await there.assess(CLEAR)).decision == REVIEW
    await there.withdraw(learnt.signal_id)
    assert (await there.assess(CLEAR)).decision == REFER
    added = await there.add_negative(CLEAR)
    assert (await there.assess(CLEAR)).known_content[0].signal_id == added.signal_id
    there.clock.advance(numbers.NEGATIVE_LASTS)
    reference = assess_request(CLEAR)
    reference.reference_time.FromDatetime(NOW)
    [result] = await there.batch(reference)
    assert result.assessment.decision == REFER


async def test_a_lone_negative_is_found_among_many_adverts(there: Classification) -> None:
    negative = await there.learn(CLEAR, NOT_ADVERT)
    for number in range(numbers.PER_BAND + 10):
        await there.learn(f"{CLEAR} {number}", ADVERT)
    found = await there.assess(CLEAR.replace("5am", "6am"))
    assert found.decision == REVIEW
    assert found.known_content[0].signal_id == negative.signal_id
    assert len(found.known_content) == numbers.SHOWN


async def test_each_item_of_a_batch_is_held_against_the_bank(there: Classification) -> None:
    await there.learn(CLEAR, NOT_ADVERT)
    await there.learn(UNSURE, ADVERT)
    quiet = "The sea was calm today and we walked along the beach with the children"
    items = [assess_request(text) for text in (CLEAR, UNSURE, quiet)]
    broken = pb.AssessRequest(item_id="", text="x")
    results = await there.batch(*items, broken, *items * 12)
    assert results[3].WhichOneof("result") == "error"
    whole = [result.assessment for result in (*results[:3], *results[4:])]
    assert [found.assessment_id for found in whole] == [i.item_id for i in items] * 13
    decisions = [found.decision for found in whole]
    assert decisions[0::3] == [REVIEW] * 13
    assert decisions[1::3] == [REFER] * 13
    assert [len(found.known_content) for found in whole] == [1, 1, 0] * 13


async def test_without_the_bank_nothing_is_referred_and_it_is_asked_again_when_it_is_back(
    there: Classification, postgres: Postgres
) -> None:
    assert (await there.assess(CLEAR)).decision == REFER
    postgres.stop()
    try:
        found = await there.assess(CLEAR)
        [batched] = await there.batch(assess_request(CLEAR))
    finally:
        postgres.start()
    for assessment in (found, batched.assessment):
        assert assessment.decision == REVIEW
        assert matching.UNASKED in assessment.warnings
    assert (await there.assess(CLEAR)).decision == REFER


async def test_a_bank_that_hangs_costs_an_assessment_no_more_than_its_deadline(
    there: Classification, urls: DatabaseUrls
) -> None:
    await there.learn(CLEAR, NOT_ADVERT)
    lock = await asyncpg.connect(urls.owner.replace("+asyncpg", ""))
    transaction = lock.transaction()
    await transaction.start()
    await lock.execute("LOCK TABLE classification.signals IN ACCESS EXCLUSIVE MODE")
    begun = asyncio.get_running_loop().time()
    try:
        found = await there.assess(CLEAR)
    finally:
        await transaction.rollback()
        await lock.close()
    assert asyncio.get_running_loop().time() - begun < 4
    assert matching.UNASKED in found.warnings
    again = await there.assess(CLEAR)
    assert (again.decision, len(again.known_content)) == (REVIEW, 1)


async def test_a_known_picture_is_told_and_decides_nothing(there: Classification) -> None:
    picture = pb.Picture(content=encoded(drawn(), "PNG"))
    again = pb.Picture(content=encoded(drawn(), "JPEG"))
    # As the worker states it: with what the referral's own assessment says of its pictures.
    before = await there.assess(CLEAR, pictures=[picture])
    learnt = await there.learn("", NOT_ADVERT, pictures=before.pictures)
    [signal] = await there.signals()
    assert signal.pictures == 1
    found = await there.assess(CLEAR, pictures=[again])
    pictures = [k for k in found.known_content if k.match == enums.SIGNAL_MATCH_PICTURE]
    assert [known.signal_id for known in pictures] == [learnt.signal_id]
    assert pictures[0].similarity >= 1 - numbers.PDQ_DISTANCE / numbers.PDQ_BITS
    assert found.decision == (await there.assess(CLEAR)).decision == REFER
