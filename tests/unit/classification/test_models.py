"""The trained models: what is damaged is refused, what is unsure is a person's, all is the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.classification import arrays, engines, fast, semantic, thresholds
from services.classification.arrays import ModelFileError
from services.classification.cascade import ModelEngine
from services.classification.domain import AssessmentInput, Decision, Label, SpeechAct
from services.classification.engine import load as load_rules
from services.classification.lazy import Lazy
from services.classification.semantic import Embedder, SemanticUnavailableError
from services.classification.serving import ServingEngine, reference
from services.classification.training.compare import compare
from tests.unit.classification.corpus import NOW, examples

ADVERT = (
    "Small boat Calais to UK Friday 5am, 1200 per person, kids free, 100% guaranteed,"
    " WhatsApp +44 7700 900123"
)
CASCADE = engines.load("cascade")
FAST = engines.load("fast")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the release's model package, to be damaged."""
    return Path(shutil.copytree(engines.MODEL, tmp_path / "model"))


def item(text: str, **more: str) -> AssessmentInput:
    return AssessmentInput("1", text, NOW, **more)


def test_a_plain_advert_is_one_for_both_engines() -> None:
    for engine in (FAST, CASCADE):
        result = engine.assess(item(ADVERT, kind="post"))
        assert result.label is Label.SMUGGLING_ADVERT
        assert result.speech_act is SpeechAct.OFFER
        assert result.categories
        assert result.departure_time is not None


@pytest.mark.parametrize("kind", ["account", "page", "group", "channel"])
def test_a_whole_account_is_always_a_persons(kind: str) -> None:
    assert CASCADE.assess(item(ADVERT, kind=kind)).decision is Decision.REVIEW


@pytest.mark.parametrize("text", ["", " ", "\u200b", "?!", "zxq zxq", "🔥" * 50, "x" * 20_001])
def test_what_cannot_be_read_is_never_referred(text: str) -> None:
    assert CASCADE.assess(item(text, kind="post")).decision is not Decision.REFER


@pytest.mark.parametrize("language", ["en", "fr", "tr", "ar", "sq", "vi", "fa", "prs", "ckb", "ps"])
def test_no_protected_text_of_the_rules_own_examples_is_referred(language: str) -> None:
    others = [example for example in examples(language) if not example.advert]
    decided = [CASCADE.assess(item(example.text, kind="post")).decision for example in others]
    assert Decision.REFER not in decided


EVERYDAY = [
    "Huge congratulations to the happy couple, see everyone at the hall on Saturday ❤️",
    "Toutes nos félicitations aux jeunes mariés, merci à ceux qui sont venus de loin 🙏",
    "Bayramınız mübarek olsun, uzaktaki bütün ailelere selam ederiz 🌙",
    "عيد مبارك على الجميع وكل عام وأنتم بخير ❤️",
    "Gëzuar festën të gjithëve, familjes dhe miqve larg shtëpisë ❤️",
    "Hai cháu xin cảm ơn cô dì chú bác đã không quản đường xa về chung vui 🙏❤️",
    "پیوندتون مبارک، به پای هم پیر بشید 🌹",
    "عروسی تان مبارک باشد، خداوند خوشبخت داشته باشد 🌹",
    "پیرۆزە هاوسەرگیریتان، خوا منداڵی ساڵحتان پێ ببەخشێت 🌹",
    "واده دې مبارک شه، الله دې خوشحاله لره 🌹",
]


@pytest.mark.parametrize("text", EVERYDAY)
def test_good_wishes_are_never_referred(text: str) -> None:
    """Of what people write most, a corpus of adverts and what resembles them has the least."""
    for engine in (FAST, CASCADE):
        assert engine.assess(item(text, kind="post")).decision is not Decision.REFER


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _garbage(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 no model")


def _missing(path: Path) -> None:
    path.unlink()


def _numbers(known: dict[str, np.ndarray]) -> str:
    """The name of an array of numbers that every model file has, each its own."""
    return next(name for name in sorted(known) if known[name].dtype.kind == "f")


def _pickled(path: Path) -> None:
    """An array of objects would be unpickled, and could run anything."""
    known, facts, _ = arrays.read(path)
    name = _numbers(known)
    harmful = np.array([{"a": 1}], dtype=object)
    import io
    import zipfile

    with zipfile.ZipFile(path, "w") as target:
        member = io.BytesIO()
        np.lib.format.write_array(member, harmful, allow_pickle=True)
        target.writestr(f"{name}.npy", member.getvalue())
        target.writestr("facts.json", json.dumps(facts))


def _not_numbers(path: Path) -> None:
    known, facts, _ = arrays.read(path)
    known[_numbers(known)].flat[0] = np.nan
    arrays.write(path, known, facts)


def _other_questions(path: Path) -> None:
    known, facts, _ = arrays.read(path)
    facts["heads"] = facts["heads"][::-1]
    arrays.write(path, known, facts)


def _later_version(path: Path) -> None:
    known, facts, _ = arrays.read(path)
    arrays.write(path, known, {**facts, "version": 99})


@pytest.mark.parametrize("file", [fast.FILE, semantic.FILE, semantic.LAYERS])
@pytest.mark.parametrize(
    "damage",
    [_cut, _garbage, _missing, _pickled, _not_numbers, _other_questions, _later_version],
)
def test_a_damaged_model_file_is_refused_by_name(
    package: Path, file: str, damage: Callable[[Path], None]
) -> None:
    damage(package / file)
    with pytest.raises(ModelFileError, match=file):
        engines.load("cascade", package)


@pytest.mark.parametrize("content", ["", "[]", '{"refer": {}}', '{"precision": 2}'])
def test_damaged_thresholds_are_refused(package: Path, content: str) -> None:
    (package / thresholds.FILE).write_text(content, "utf-8")
    with pytest.raises(ModelFileError, match=thresholds.FILE):
        engines.load("fast", package)


def test_answers_and_layers_of_two_fits_are_refused(package: Path) -> None:
    known, facts, _ = arrays.read(package / semantic.LAYERS)
    known["start.b"] += 1.0
    arrays.write(package / semantic.LAYERS, known, facts)
    with pytest.raises(ModelFileError, match=r"semantic\.npz: it was fitted with another"):
        engines.load("cascade", package)


def test_thresholds_without_a_default_are_refused(package: Path) -> None:
    data = json.loads((package / thresholds.FILE).read_text("utf-8"))
    data["refer"] = {"comment": 0.9}
    (package / thresholds.FILE).write_text(json.dumps(data), "utf-8")
    with pytest.raises(ModelFileError, match="default"):
        engines.load("fast", package)


def test_an_embedding_is_the_same_on_one_thread_and_on_two() -> None:
    layers, sha256 = engines.MODEL / semantic.LAYERS, semantic.load(engines.MODEL).layers
    one, two = Embedder(layers, sha256, threads=1), Embedder(layers, sha256, threads=2)
    for example in examples("ar")[:4]:
        assert np.array_equal(one.embed(example.text), two.embed(example.text))


def test_without_the_extra_the_fast_model_decides_and_the_assessment_says_so() -> None:
    def missing() -> Embedder:
        raise SemanticUnavailableError("the extra 'semantic' is not installed")

    folder = engines.MODEL
    lame = ModelEngine(
        load_rules(), fast.load(folder), thresholds.load(folder),
        semantic.Meaning(semantic.load(folder), Lazy(missing)),
    )  # fmt: skip
    unsure = [example.text for example in examples("en")]
    results = [lame.assess(item(text)) for text in unsure]
    told = [r for r in results if any("semantic" in warning for warning in r.warnings)]
    assert told
    for result in told:
        assert result.probability == FAST.assess(item(unsure[results.index(result)])).probability


def test_a_word_that_was_added_up_before_adds_what_its_terms_do() -> None:
    ahead, bare = fast.load(engines.MODEL), fast.load(engines.MODEL)
    assert len(ahead._common) > 1_000
    bare._common = {}
    for example in examples("en"):
        words = example.text.lower().split()
        one, other = ahead.answers(words, {}), bare.answers(words, {})
        assert one.advert == pytest.approx(other.advert, abs=1e-5)
        assert one.acts == pytest.approx(other.acts, abs=1e-5)


def test_the_same_arrays_are_the_same_bytes(tmp_path: Path) -> None:
    known = {"b": np.arange(6.0).reshape(2, 3), "a": np.ones(2, np.float16)}
    digests = {arrays.write(tmp_path / n, known, {"x": 1}) for n in ("one.npz", "two.npz")}
    assert len(digests) == 1
    read, facts, digest = arrays.read(tmp_path / "one.npz")
    assert facts == {"x": 1}
    assert {digest} == digests
    assert {name: array.tolist() for name, array in read.items()} == {
        name: array.tolist() for name, array in known.items()
    }


def test_a_changed_package_is_taken_up_and_a_damaged_one_is_not(package: Path) -> None:
    serving = ServingEngine("fast", package)
    before = serving.version
    assert not serving.renew()
    data = json.loads((package / thresholds.FILE).read_text("utf-8"))
    data["refer"]["default"] = 0.5
    (package / thresholds.FILE).write_text(json.dumps(data), "utf-8")
    assert serving.renew()
    assert serving.version != before
    _garbage(package / fast.FILE)
    in_use = serving.version
    assert not serving.renew()
    assert serving.version == in_use
    assert serving.assess(item(ADVERT)).model_version == in_use


def test_a_shadow_decides_nothing(package: Path) -> None:
    data = json.loads((package / thresholds.FILE).read_text("utf-8"))
    data["refer"]["default"] = 0.0
    (package / thresholds.FILE).write_text(json.dumps(data), "utf-8")
    shadowed = ServingEngine("fast", engines.MODEL, package)
    for example in examples("en"):
        result = shadowed.assess(item(example.text, kind="post"))
        assert result == FAST.assess(item(example.text, kind="post"))


def test_drift_is_told_when_scores_are_others_than_in_training() -> None:
    serving = ServingEngine("fast", engines.MODEL)
    assert serving.drift is None
    for _ in range(200):
        serving.assess(item("good morning, football tonight at seven"))
    assert serving.drift is not None
    assert serving.drift > 0.3
    assert sum(reference(engines.MODEL)) == pytest.approx(1.0, abs=0.01)


def test_two_packages_are_compared_by_their_decisions_and_without_content(package: Path) -> None:
    data = json.loads((package / thresholds.FILE).read_text("utf-8"))
    data["refer"] = {"default": 1.0}
    (package / thresholds.FILE).write_text(json.dumps(data), "utf-8")
    lines = [{"id": "a", "text": ADVERT}, {"id": "b", "text": "Police arrested two smugglers."}]
    found = compare(FAST, engines.load("fast", package), lines)
    assert found["decisions"] == {"refer -> review": 1, "suggest_reject -> suggest_reject": 1}
    assert [one["id"] for one in found["differ"]] == ["a"]
    assert "Calais" not in json.dumps(found)
