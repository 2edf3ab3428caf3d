"""Which labels are one label: certain variants, likely slips, and what must stay apart."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data.spellings import label_variants, words_of

SURE = [
    ({"billing": 75, "Billing": 2, "billing ": 1, "BILLING": 1}, "billing"),
    ({"app_support": 70, "app support": 2, "App-Support": 1, "AppSupport": 1, "app.support": 1}, "app_support"),
    ({"GetWeather": 90, "get_weather": 3, "getweather": 1}, "GetWeather"),
    ({"spam": 90, "ｓｐａｍ": 1, "spam\u200b": 1, "'spam'": 1, "spam.": 2}, "spam"),
    ({"HEALTH_AND_FITNESS": 50, "Health & Fitness": 3}, "HEALTH_AND_FITNESS"),
    ({"café": 50, "cafe": 2}, "café"),
    ({"type_1": 40, "Type 1": 3, "type-1": 2, "type1": 1}, "type_1"),
    ({"1": 40, "1.0": 3}, "1"),
    ({"Y": 30, "y": 4}, "Y"),
]
APART = [
    ("book_hotel", "look_hotel"),
    ("turn_on_light", "turn_in_light"),
    ("turn_on_light", "turn_no_light"),
    ("pay_in_cash", "pay_win_cash"),
    ("v1", "v2"),
    ("v1.0", "v10"),
    ("1-2", "12"),
    ("C", "C++"),
    ("C", "C#"),
    ("A", "A-"),
    ("A-", "A+"),
    ("1", "-1"),
    ("1", "01"),
    ("stage i", "stage ii"),
    ("stage_II", "stage_III"),
    ("typical", "atypical"),
    ("Ireland", "Iceland"),
    ("causal", "casual"),
    ("country", "county"),
    ("employee", "employer"),
    ("group", "group_a"),
    ("KRAS", "NRAS"),
    ("spam", "ham"),
    ("か", "が"),
    ("и", "й"),
    ("👍", "👎"),
    ("?", "!"),
    ("en", "es"),
]
SLIPS = [
    ("refunds", "refund"),
    ("cancellations", "cancelations"),
    ("positive", "postive"),
    ("positive", "positve"),
    ("neutral", "netural"),
    ("negative", "nagative"),
    ("spam", "sapm"),
    ("ham", "hma"),
    ("who_do_you_work_for", "who_do_yo_work_for"),
    ("car_rental", "car_renal"),
    ("meaning_of_life", "meaning_oof_life"),
    ("AddToPlaylist", "AddTolaylist"),
    ("billing", "illing"),
    ("meaning_of_life", "meaning_f_life"),
    ("meaning_of_life", "meaning_off_life"),
    ("are_you_in_there", "are_you_n_there"),
    ("who_made_you", "who_mae_you"),
]


@pytest.mark.parametrize(("counts", "usual"), SURE, ids=[usual for _, usual in SURE])
def test_certain_variants_take_the_usual_spelling(counts, usual):
    expected = dict.fromkeys(set(counts) - {usual}, usual)
    assert label_variants(counts, sure=True) == expected == label_variants(counts)


@pytest.mark.parametrize(("usual", "other"), APART)
@pytest.mark.parametrize("rare", [1, 40])
def test_labels_that_mean_different_things_stay_apart(usual, other, rare):
    assert label_variants({usual: 40, other: rare}) == {}
    assert label_variants({other: 40, usual: rare}) == {} or rare == 1


@pytest.mark.parametrize(("usual", "slip"), SLIPS)
def test_a_slip_is_likely_and_only_while_it_is_rare(usual, slip):
    assert label_variants({usual: 100, slip: 1}) == {slip: usual}
    assert label_variants({usual: 100, slip: 1}, sure=True) == {}
    assert label_variants({usual: 100, slip: 30}) == {}


def test_the_company_of_other_words_says_more_the_more_there_are():
    """A word that exists is a slip of another one sooner beside two words that agree than beside one."""
    assert label_variants({"who_made_you": 15, "who_mae_you": 1}) == {"who_mae_you": "who_made_you"}
    assert label_variants({"new_card": 15, "new_car": 1}) == {}
    assert label_variants({"new_card": 40, "new_car": 1}) == {"new_car": "new_card"}


def test_a_variant_of_a_slip_goes_to_the_usual_spelling():
    counts = {"refunds": 80, "refund": 2, "Refund": 1, "Refunds": 1}
    assert label_variants(counts) == {"refund": "refunds", "Refund": "refunds", "Refunds": "refunds"}


def test_letters_of_an_alphabet_in_both_cases_are_classes():
    letters = {letter: 10 for letter in "abcdefABCDEF"}
    assert label_variants(letters) == {}
    assert label_variants({"y": 10, "Y": 2, "n": 9, "N": 1}) == {"Y": "y", "N": "n"}


def test_accents_are_certain_only_where_one_spelling_is_rare():
    assert label_variants({"papa": 20, "papá": 15}, sure=True) == {}
    assert label_variants({"papa": 20, "papá": 15}) == {"papá": "papa"}


def test_labels_without_words_do_not_merge():
    assert words_of("--") != words_of("??")
    assert label_variants({"-": 3, "?": 4, "": 1, " ": 2}) in ({}, {"": " "})


plain = st.text(alphabet="abcdef", min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=12), st.integers(0, 200), max_size=12), st.integers(0, 99))
def test_any_labels(counts, seed):
    """A variant leads to a label that is no variant; certain variants are variants; the order of labels is nothing."""
    found, sure = label_variants(counts), label_variants(counts, sure=True)
    assert all(usual in counts and usual not in found for usual in found.values())
    assert all(usual in counts and usual not in sure for usual in sure.values())
    assert set(sure) <= set(found) | set(found.values())
    shuffled = list(counts.items())
    random.Random(seed).shuffle(shuffled)
    assert label_variants(dict(shuffled)) == found


@settings(max_examples=200, deadline=None)
@given(st.lists(plain, min_size=2, max_size=4), st.sampled_from(["_", " ", "-", "."]), st.booleans())
def test_joints_and_case_never_matter(words, joint, upper):
    usual = "_".join(words)
    other = joint.join(words)
    other = f" {other.upper() if upper else other} "
    assert words_of(other) == words_of(usual)
    assert label_variants({usual: 10, other: 2}, sure=True) == {other: usual}
