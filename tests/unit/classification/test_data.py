"""The rule set as data: whole, consistent, and refused with the file's name when damaged."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from services.classification import engine, language, lexica, rules
from services.classification.domain import AssessmentInput, Decision
from services.classification.matcher import Entry, PhraseBook
from services.classification.normalise import normalise
from tests.unit.classification.corpus import LANGUAGES, NOW

ADVERT = "Boat from Calais to UK tonight, kids free, 100% guaranteed, WhatsApp +44 7700 900123"


def test_each_language_expresses_every_concept_of_the_rules() -> None:
    wanted = set(rules.read().concepts) - {"many_documents"}
    optional = {"sea", "ship", "cover", "legit_commerce", "everyday", "opinion"}
    phrases: dict[str, set[str]] = {code: set() for code in LANGUAGES}
    for concept, code in _spoken():
        if code in phrases:
            phrases[code].add(concept)
    shared = phrases["fa"] | {"sea", "ship"}
    for code in LANGUAGES:
        missing = wanted - phrases[code] - optional - (shared if code == "prs" else set())
        assert not missing, code


def _spoken() -> set[tuple[str, str]]:
    import tomllib

    found = set()
    for file in lexica.FOLDER.glob("*.toml"):
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        found |= {(concept, data["code"]) for concept in data["concepts"]}
    return found


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    folder = tmp_path / "lexicon"
    shutil.copytree(lexica.FOLDER, folder)
    return folder


@pytest.mark.parametrize(
    "damage",
    ["not toml [", 'code = "en"\n', 'code = "en"\nname = "English"\nscript = "Latin"\n'
     'function_words = "a"\n[concepts]\nboat = "~9 boat"\n'],
)  # fmt: skip
def test_a_damaged_lexicon_is_refused_by_name(lexicon: Path, damage: str) -> None:
    (lexicon / "en.toml").write_text(damage, encoding="utf-8")
    with pytest.raises(ValueError, match=r"en\.toml"):
        lexica.read(lexicon)


def test_an_empty_folder_is_no_lexicon(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no lexicon"):
        lexica.read(tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("concepts.toml", 'role = "service"', 'role = "sirvice"', "boat"),
        ("rules.toml", '"boat|cover"', '"boat|cuver"', "cuver"),
        ("rules.toml", '"small_boat_crossing"', '"big_boat"', "big_boat"),
        ("policy.toml", '"OFFER"', '"OFER"', "OFER"),
    ],
)
def test_a_damaged_rule_set_is_refused_by_name(
    tmp_path: Path, file: str, old: str, new: str, named: str
) -> None:
    folder = tmp_path / "ruleset"
    shutil.copytree(rules.FOLDER, folder)
    text = (folder / file).read_text(encoding="utf-8")
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=named):
        rules.read(folder)


def test_other_data_is_another_version(lexicon: Path) -> None:
    with (lexicon / "en.toml").open("a", encoding="utf-8") as file:
        file.write("\n# a remark\n")
    changed = engine.RuleEngine(lexica.read(lexicon), rules.read(), language.NoModel())
    assert changed.version != engine.load().version


def test_without_the_language_model_the_rules_still_read_and_say_so() -> None:
    lame = engine.RuleEngine(lexica.read(), rules.read(), language.NoModel(), ("no model",))
    result = lame.assess(AssessmentInput(id="1", text=ADVERT, now=NOW))
    assert result.languages[0].code == "en"
    assert "no model" in result.warnings
    assert result.probability > 0.5


class Counting:
    """Says French, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def guess(self, text: str) -> dict[str, float]:
        self.asked += 1
        return {"fr": 0.9}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("The boat to England leaves on Friday night and the children go with you for free", 0),
        ("boat tmrw", 1),
        ("boat for the children ce soir avec les enfants, friday vendredi, from la plage", 1),
    ],
)
def test_the_language_model_is_asked_where_the_words_are_not_clear(text: str, asked: int) -> None:
    model = Counting()
    rules_only = engine.RuleEngine(lexica.read(), rules.read(), model)
    result = rules_only.assess(AssessmentInput(id="1", text=text, now=NOW))
    assert model.asked == asked
    assert result.languages[0].code == ("fr" if asked else "en")


def test_a_language_model_that_cannot_be_loaded_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(self: language.BundledModel) -> None:
        raise OSError("the file is gone")

    monkeypatch.setattr(language.BundledModel, "__init__", broken)
    model, warning = language.load_model()
    assert model.guess("hello") == {}
    assert "OSError" in warning


def test_loading_and_assessing_open_no_socket_and_write_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(*_: object, **__: object) -> socket.socket:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    engine.load.cache_clear()
    result = engine.load().assess(AssessmentInput(id="1", text=ADVERT, now=NOW))
    assert result.decision is Decision.REFER
    assert list(tmp_path.iterdir()) == []


def test_models_of_one_release_share_its_rules() -> None:
    assert engine.load() is engine.load()


def book(*phrases: str) -> PhraseBook:
    made = PhraseBook()
    for phrase in phrases:
        made.add(phrase, Entry("en", phrase))
    return made


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("boat*", "two boats", True),
        ("boat", "two boats", False),
        ("kids ~2 free", "kids travel free", True),
        ("kids ~2 free", "kids are not at all free", False),
        ("in # days", "in 3 days", True),
        ("in # days", "in some days", False),
        ("d'angleterre", "près d'Angleterre", True),
    ],
)
def test_phrases_match_as_their_marks_say(phrase: str, text: str, found: bool) -> None:
    assert bool(book(phrase).match(normalise(text).tokens)) is found


@pytest.mark.parametrize("phrase", ["", "~2 free", "a ~9 b", "a b c d e f g h i"])
def test_a_phrase_that_cannot_be_matched_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"phrase|gap"):
        book(phrase)
