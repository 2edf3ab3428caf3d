"""Sentences in several languages, put together from openings, subjects and endings."""

from __future__ import annotations

import numpy as np

from tunewright.planting.drawing import pick

Pieces = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

PIECES: dict[str, Pieces] = {
    "en": (
        ("I would like to know whether", "Could you tell me if", "My neighbour says that", "Since yesterday I think",
         "It was a surprise that", "Nobody here understood why"),
        ("the new machine in the kitchen", "our train to the coast", "the letter from the office", "this small garden",
         "the teacher of my children", "the bridge over the river"),
        ("will be ready before the weekend.", "has been too expensive for us.", "did not work with the old one.",
         "is better than they had told us.", "was closed because of the weather.", "can be found in the other street."),
    ),
    "de": (
        ("Ich wüsste gerne, ob", "Können Sie mir sagen, warum", "Mein Nachbar behauptet, dass", 
         "Niemand versteht, dass", "Seit gestern glaube ich, dass", "Es hat uns überrascht, dass"),
        ("die neue Maschine in der Küche", "unser Zug an die Küste", "der Brief vom Amt", "dieser kleine Garten",
         "die Lehrerin meiner Kinder", "die Brücke über den Fluss"),
        ("vor dem Wochenende nicht fertig wird.", "für uns viel zu teuer geworden ist.", "schon wieder kaputt war.",
         "besser ist, als man uns gesagt hatte.", "wegen des Wetters geschlossen blieb.", "noch lange dauern wird."),
    ),
    "fr": (
        ("J'aimerais savoir si", "Pouvez-vous me dire pourquoi", "Mon voisin prétend que", "Personne ne comprend que",
         "Depuis hier je pense que", "Nous avons été surpris que"),
        ("la nouvelle machine de la cuisine", "notre train vers la côte", "la lettre du bureau", "ce petit jardin",
         "le professeur de mes enfants", "le pont sur la rivière"),
        ("n'arrivera pas avant la fin de la semaine.", "coûte trop cher pour nous.", "était encore en panne.",
         "est mieux que ce qu'on nous avait dit.", "ne fonctionne pas à cause du temps.",
         "se trouve dans l'autre rue."),
    ),
    "es": (
        ("Me gustaría saber si", "Puede usted decirme por qué", "Mi vecino dice que", "Nadie entiende que",
         "Desde ayer creo que", "Nos ha sorprendido que"),
        ("la nueva máquina de la cocina", "nuestro tren a la costa", "la carta de la oficina", "este pequeño jardín",
         "el profesor de mis hijos", "el puente sobre el río"),
        ("no llegará antes del fin de semana.", "cuesta demasiado para nosotros.", "otra vez da problemas.",
         "es mejor de lo que nos habían dicho.", "no funciona por el mal tiempo.", "se encuentra en la otra calle."),
    ),
    "ru": (
        ("Я хотел бы знать, почему", "Скажите, пожалуйста, когда", "Мой сосед говорит, что", "Никто не понимает, что",
         "Со вчерашнего дня я думаю, что", "Нас очень удивило, что"),
        ("новая машина на кухне", "наш поезд к морю", "письмо из конторы", "этот маленький сад", "учитель моих детей",
         "мост через реку"),
        ("не появится до выходных.", "стоит для нас слишком дорого.", "опять не работает.",
         "лучше, чем нам говорили.", "зависит от погоды.", "находится на другой улице."),
    ),
}  # fmt: skip
COMMON: dict[str, tuple[str, ...]] = {
    "en": ("the", "and", "to", "of", "is", "you", "it", "that", "in", "my"),
    "de": ("der", "die", "und", "ist", "nicht", "ich", "das", "mit", "ein", "zu"),
    "fr": ("le", "la", "les", "et", "est", "une", "que", "pas", "je", "des"),
    "es": ("el", "los", "que", "y", "es", "una", "no", "por", "para", "con"),
    "ru": ("и", "в", "не", "на", "что", "я", "это", "как", "мы", "за"),
}


def sentence(language: str, rng: np.random.Generator, *, words: int = 8) -> str:
    """One sentence, or several until there are about so many words.

    >>> sentence("es", np.random.default_rng(0))
    'Nos ha sorprendido que este pequeño jardín es mejor de lo que nos habían dicho.'
    """
    said: list[str] = []
    while not said or len(" ".join(said).split()) < words - 5:
        said.append(" ".join(pick(pieces, rng) for pieces in PIECES[language]))
    return " ".join(said)
