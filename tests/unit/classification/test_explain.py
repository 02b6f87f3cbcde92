"""A caseworker reads which words, in which language, and what follows."""

from __future__ import annotations

from tests.unit.classification.corpus import LANGUAGES, assess, examples, rule_engine

TURKISH = "Fransa'dan İngiltere'ye bot ile geçiş, çocuklar ücretsiz. WhatsApp +44 7700 900301"


def test_the_words_stand_in_their_original_spelling_with_their_language() -> None:
    told = assess(TURKISH).explanation
    assert told[0].startswith("The text is in Turkish")
    assert "“çocuklar ücretsiz” (Turkish) promises free places for children." in told


def test_the_decision_comes_last_with_its_reason() -> None:
    assert assess(TURKISH).explanation[-1].startswith("Suggested decision: refer.")
    account = assess(TURKISH, kind="account").explanation[-1]
    assert account == "A person must decide. The target is a whole account."


def test_every_assessment_is_explained_in_whole_sentences() -> None:
    for language in LANGUAGES:
        for example in examples(language):
            told = assess(example.text).explanation
            assert len(told) >= 3
            assert all(sentence.endswith(".") for sentence in told), told


def test_a_long_match_is_shortened_for_the_reader() -> None:
    told = assess("k i d s " + "f r e e " * 3 + "b o a t " * 60 + "to the UK").explanation
    assert max(map(len, told)) < 250


def test_the_version_names_the_rules_and_the_description_their_digest() -> None:
    described = rule_engine().describe()
    assert described.engine == "rules"
    assert described.model_version == assess("boat").model_version
    assert described.data_sha256[:12] in described.model_version
    assert set(LANGUAGES) <= set(described.languages)
    assert described.policy["refer_probability"] == "0.85"
    assert described.rule_count > 5000
