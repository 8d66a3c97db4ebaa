"""Who stands for all owners of a filing, and what this person is to the company."""

import re
from collections.abc import Sequence
from typing import Final

from bot.model import Role
from bot.roles import Roles, classify
from bot.sources.edgar.ownership import Owner

LONGEST: Final = 120  # characters; what remarks call a title
REMARKS: Final = 2_000  # characters, as many as the form has room for

_SENIORITY: Final = tuple(Role)
_ELSEWHERE: Final = re.compile(r"\b(?:see|refer)\b.*\b(?:remarks?|foot ?notes?|below)\b|\bremarks?$", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"[.;](?:\s+|$)")
_BEFORE: Final = re.compile(
    r"^.*\b(?:titles?|positions?|offices?)\b[^:]{0,60}(?::|\bis\b|\bare\b)\s*"
    r"|^.*\b(?:is|serves as|as)\s+(?:the\s+|an?\s+)?",
    re.IGNORECASE,
)
_ENTITY: Final = re.compile(
    r"\b(?:l\.? ?l\.? ?c|l\.? ?l?\.? ?l\.? ?p|inc|corp\w*|co|ltd|limited|plc|gmbh|ag|s\.a|sa|n\.v|nv|b\.v|bv|trust|"
    r"fund\w*|partners\w*|capital|holdings?|management|group|ventures?|foundation|bank|company|associates|advis[eo]rs|"
    r"investments?|investors|estate|equity|international)\b",
    re.IGNORECASE,
)


def lead(owners: Sequence[Owner]) -> Owner:
    """The owner whom the lines are shown under: an officer, else a director who is a person, else the first."""
    officers = (owner for owner in owners if owner.is_officer or _other_officer(owner))
    directors = (owner for owner in owners if owner.is_director and not _ENTITY.search(owner.name or ""))
    return next(officers, None) or next(directors, owners[0])


def position(owner: Owner, remarks: str | None) -> tuple[str | None, Roles]:
    """The owner's title and what it says beside the form's flags.

    A flag that the form leaves out is no, unless it has none at all. Where the title refers to the remarks it is taken
    from them if they name one; who is reported as "other" has a title where that is an officer's.
    """
    title = owner.title or (owner.other if _other_officer(owner) else None)
    if _ELSEWHERE.search(title or owner.other or ""):
        title = _in_remarks(remarks or "") or title
    flags = (owner.is_officer, owner.is_director, owner.is_ten_percent, owner.is_other)
    if flags == (None, None, None, None):
        return title, classify(title)
    roles = classify(title, flag=bool(owner.is_officer))
    named = {
        roles.role,
        Role.DIRECTOR if owner.is_director else Role.UNKNOWN,
        Role.TEN_PERCENT if owner.is_ten_percent else Role.UNKNOWN,
        Role.OTHER if owner.is_other else Role.UNKNOWN,
    }
    return title, Roles(
        role=min(named, key=_SENIORITY.index),
        is_officer=roles.is_officer,
        is_director=bool(owner.is_director),
        is_ten_percent=bool(owner.is_ten_percent),
    )


def _other_officer(owner: Owner) -> bool:
    return bool(owner.is_other and owner.other and classify(owner.other).is_officer)


def _in_remarks(remarks: str) -> str | None:
    """The first sentence that is an officer's title, without the words before it."""
    for sentence in _SENTENCE.split(remarks[:REMARKS]):
        title = _BEFORE.sub("", sentence).strip(" :-\"'")
        if 0 < len(title) <= LONGEST and classify(title).is_officer:
            return title
    return None
