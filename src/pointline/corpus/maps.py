"""The maps from the corpora's labels to the published ones. docs/data.md prints these tables.

Labels are given in English; `translated` turns them into the task's language, whose label sets
stand in the same order. None: no published label fits, and what bears the label is dropped.

The word-level map follows the Japanese corpus that the published SCNM grew from: there, 法人名
(corporations) holds any legal person, a university or a learned society too, and bands and sports
clubs are その他の組織名 (other organizations).
"""

from __future__ import annotations

from collections.abc import Mapping

from pointline.format import tasks
from pointline.format.tasks import Task

__all__ = [
    "CROSSRE_DOMAINS",
    "CROSSRE_ORGANISATIONS",
    "CROSSRE_TYPES",
    "FACILITY_WORDS",
    "SMP_DOMAINS",
    "SMP_SLOTS",
    "translated",
]

#: CrossRE's domains as SCNM text labels. No domain is Nature: it comes from SMP2019 alone.
CROSSRE_DOMAINS: Mapping[str, str | None] = {
    "news": "Society",
    "politics": "Society",
    "science": "Academia",
    "music": "Literature",
    "literature": "Literature",
    "ai": "Technology",
}

#: CrossRE's 39 entity types as SCNM word labels; `organisation` goes by the domain (next table),
#: and a `location` whose English name ends in a facility word becomes a facility.
CROSSRE_TYPES: Mapping[str, str | None] = {
    "academicjournal": "products",
    "album": "products",
    "algorithm": None,
    "astronomicalobject": "places",
    "award": None,
    "band": "other organizations",
    "book": "products",
    "chemicalcompound": None,
    "chemicalelement": None,
    "conference": "events",
    "country": "places",
    "discipline": None,
    "election": "events",
    "enzyme": None,
    "event": "events",
    "field": None,
    "literarygenre": None,
    "location": "places",
    "magazine": "products",
    "metrics": None,
    "misc": None,
    "musicalartist": "people",
    "musicalinstrument": None,
    "musicgenre": None,
    "organisation": "corporations",
    "person": "people",
    "poem": "products",
    "politicalparty": "political organizations",
    "politician": "people",
    "product": "products",
    "programlang": "products",
    "protein": None,
    "researcher": "people",
    "scientist": "people",
    "song": "products",
    "task": None,
    "theory": None,
    "university": "corporations",
    "writer": "people",
}

#: `organisation` by domain, where it is not corporations: what the domain mostly means by it.
CROSSRE_ORGANISATIONS: Mapping[str, str] = {
    "news": "other organizations",  # sports clubs, for two in three
    "politics": "political organizations",  # parliaments, international bodies, advocacy groups
}

#: The last word of an English place name that is a facility.
FACILITY_WORDS = frozenset(
    (
        "Abbey",
        "Airport",
        "Arena",
        "Ballroom",
        "Base",
        "Bridge",
        "Building",
        "Castle",
        "Cathedral",
        "Cemetery",
        "Center",
        "Centre",
        "Chapel",
        "Church",
        "Club",
        "College",
        "Ground",
        "Hall",
        "Hippodrome",
        "Hospital",
        "Hotel",
        "House",
        "Laboratory",
        "Library",
        "Monastery",
        "Museum",
        "Observatory",
        "Opera",
        "Palace",
        "Pavilion",
        "Playhouse",
        "Prison",
        "Stadium",
        "Station",
        "Studio",
        "Studios",
        "Temple",
        "Theater",
        "Theatre",
        "Tower",
    )
)

#: SMP2019's domains as SCNM text labels.
SMP_DOMAINS: Mapping[str, str | None] = {
    "app": "Technology",
    "bus": "Society",
    "cinemas": "Literature",
    "contacts": "Society",
    "cookbook": "Society",
    "email": "Society",
    "epg": "Literature",
    "flight": "Society",
    "health": None,
    "joke": "Literature",
    "lottery": "Society",
    "map": "Society",
    "match": "Society",
    "message": "Society",
    "music": "Literature",
    "news": "Society",
    "novel": "Literature",
    "poetry": "Literature",
    "radio": "Literature",
    "riddle": "Literature",
    "stock": "Society",
    "story": "Literature",
    "telephone": "Society",
    "train": "Society",
    "translation": None,
    "tvchannel": "Literature",
    "video": "Literature",
    "weather": "Nature",
    "website": "Technology",
}

_PLACES = ("city", "area", "province", "country")

#: SMP2019's slots (`domain.slot`) as SCNM word labels; a slot that is not here is dropped.
SMP_SLOTS: Mapping[str, str] = {
    "app.name": "products",
    "bus.Dest": "places",
    "bus.Src": "places",
    "cinemas.film": "products",
    "cinemas.location_city": "places",
    "cinemas.name": "products",
    "cinemas.theatre": "facilities",
    "contacts.name": "people",
    "cookbook.dishName": "products",
    "email.name": "people",
    "epg.area": "places",
    "epg.name": "products",
    "epg.tvchannel": "corporations",
    "lottery.name": "products",
    "match.awayName": "other organizations",
    "match.homeName": "other organizations",
    "match.name": "other organizations",
    "message.name": "people",
    "message.receiver": "people",
    "message.teleOperator": "corporations",
    "music.artist": "people",
    "music.song": "products",
    "news.location_city": "places",
    "news.location_country": "places",
    "news.location_province": "places",
    "news.media": "corporations",
    "novel.author": "people",
    "novel.name": "products",
    "poetry.author": "people",
    "poetry.name": "products",
    "radio.location_province": "places",
    "radio.name": "corporations",
    "stock.name": "corporations",
    "telephone.name": "people",
    "telephone.teleOperator": "corporations",
    "tvchannel.name": "corporations",
    "video.area": "places",
    "video.artist": "people",
    "video.name": "products",
    "weather.location_city": "places",
    "website.name": "products",
    **{
        f"{domain}.{end}_{kind}": "facilities" if kind == "poi" else "places"
        for domain in ("flight", "map", "train")
        for end in ("startLoc", "endLoc", "location")
        for kind in (*_PLACES, "poi")
    },
}


def translated(label: str, task: Task) -> str:
    """Return an English label of the task's family in the task's own language.

    >>> translated("Nature", tasks.task("scnm-ja")), translated("places", tasks.task("scnm-zh"))
    ('自然', '地名')
    """
    english = tasks.task(f"{task.family}-en")
    for names, own in ((english.labels, task.labels), (english.item_labels, task.item_labels)):
        if names and own and label in names:
            return own[names.index(label)]
    raise KeyError(label)
