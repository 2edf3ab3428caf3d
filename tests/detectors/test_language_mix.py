"""Texts in another language are found, whichever the usual one is; names, slang and short texts are not."""

import polars as pl
import pytest

from tunewright.detectors.function_words import WEAK, WORDS, telling
from tunewright.detectors.language_mix import LanguageMix

SAID = {
    "English": "I have not received the parcel yet and would like to know when it will be here",
    "German": "Ich habe das Paket noch nicht bekommen und möchte wissen wann es bei mir ist",
    "French": "Je n'ai pas encore reçu le colis et je voudrais savoir quand il sera chez moi",
    "Spanish": "Todavía no he recibido el paquete y quiero saber cuándo va a estar en mi casa",
    "Italian": "Non ho ancora ricevuto il pacco e vorrei sapere quando sarà a casa mia",
    "Portuguese": "Ainda não recebi a encomenda e quero saber quando ela vai chegar à minha casa",
    "Dutch": "Ik heb het pakket nog niet ontvangen en wil graag weten wanneer het bij mij is",
    "Swedish": "Jag har inte fått paketet än och vill veta när det kommer hem till mig",
    "Danish or Norwegian": "Jeg har ikke fått pakken ennå og vil gjerne vite når den er her hos meg",
    "Polish": "Jeszcze nie dostałem paczki i chcę wiedzieć kiedy ona będzie u mnie w domu",
    "Turkish": "Paket daha gelmedi ve ne zaman bana gelecek bunu çok merak ediyorum",
    "Indonesian or Malay": "Saya belum menerima paket itu dan ingin tahu kapan akan sampai di rumah saya",
}
SCRIPTS = {
    "Cyrillic": "Я ещё не получил посылку",
    "Greek": "Δεν έχω λάβει ακόμη το δέμα",
    "Arabic": "لم أستلم الطرد بعد",
    "Hebrew": "עוד לא קיבלתי את החבילה",
    "Devanagari": "मुझे अभी तक पार्सल नहीं मिला",
    "Thai": "ฉันยังไม่ได้รับพัสดุ",
    "Korean": "아직 소포를 받지 못했어요",
    "Chinese or Japanese": "还没收到包裹",
}


def rows_of(pose, texts):
    frame = pl.DataFrame({"text": texts, "y": ["a" if row % 2 else "b" for row in range(len(texts))]})
    return pose(frame, text="text")


def mostly(language, rows=40):
    words = SAID[language].split()
    return [" ".join(words[row % 3 :] + words[: row % 3]) for row in range(rows)]


@pytest.mark.parametrize("other", [name for name in SAID if name != "English"])
def test_each_language_among_english(other, pose):
    texts = mostly("English")
    texts[5] = SAID[other]
    (finding,) = LanguageMix().find(rows_of(pose, texts))
    assert finding.rows == (5,) and f"{other} (1)" in finding.evidence and "most, English" in finding.evidence


@pytest.mark.parametrize("usual", [name for name in SAID if name != "English"])
def test_english_among_each_language(usual, pose):
    texts = mostly(usual)
    texts[5] = SAID["English"]
    (finding,) = LanguageMix().find(rows_of(pose, texts))
    assert finding.rows == (5,) and "English (1)" in finding.evidence and f"most, {usual}" in finding.evidence


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_among_latin(script, pose):
    texts = mostly("English")
    texts[9] = SCRIPTS[script]
    (finding,) = LanguageMix().find(rows_of(pose, texts))
    assert finding.rows == (9,) and f"{script} (1)" in finding.evidence


def test_latin_among_cyrillic(pose):
    texts = [f"{SCRIPTS['Cyrillic']} номер {row}" for row in range(40)]
    texts[2], texts[4] = SAID["English"], "ОК, iPhone"
    (finding,) = LanguageMix().find(rows_of(pose, texts))
    assert finding.rows == (2,) and "Latin (1)" in finding.evidence


@pytest.mark.parametrize(
    "text",
    [
        "play despacito by los lobos",
        "add la vie en rose to my list",
        "a Führer is a leader, so said the Deutsche Bank",
        "ok lah u go den call me",
        "Müller & Söhne GmbH",
        "12345 !!! :-)",
        "café",
    ],
)
def test_names_and_slang_are_no_language(text, pose):
    texts = mostly("English")
    texts[5] = text
    assert LanguageMix().find(rows_of(pose, texts)) == ()


def test_what_is_usual_is_learned_from_train_and_validation(pose):
    """Test rows may all be in another language: they are the odd ones, many as they are."""
    parts = ["train"] * 8 + ["validation"] * 2 + ["test"] * 30
    texts = mostly("English", 10) + mostly("German", 30)
    frame = pl.DataFrame({"text": texts, "y": ["a", "b"] * 20})
    (finding,) = LanguageMix().find(pose(frame, text="text", parts=parts))
    assert set(finding.rows) == set(range(10, 40)) and finding.severity == "warning"


@pytest.mark.parametrize("language", WORDS)
def test_each_language_has_words_of_its_own(language):
    for usual in WORDS:
        if usual != language:
            assert sum(loud == 1 for loud in telling(language, usual).values()) >= 20


def test_weak_words_are_words_of_some_language():
    assert set().union(*WORDS.values()) >= WEAK
