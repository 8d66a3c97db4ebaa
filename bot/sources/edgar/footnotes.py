"""What the footnotes of an ownership document tell of a line: a trading plan, a trade off the market, a currency.

Only clear affirmative sentences count. What they leave open stays unknown, and nothing is concluded from silence.
"""

import re
from collections.abc import Callable, Collection
from typing import Final, TypeVar

from bot.sources.edgar.ownership import Ownership

T = TypeVar("T")

PRICE: Final = frozenset({"transactionPricePerShare"})
# Footnotes on these cells speak of the trade itself; those on balances and ownership tell what came before it.
TRADE: Final = PRICE | {
    "securityTitle",
    "transactionDate",
    "transactionCoding",
    "transactionCode",
    "transactionAmounts",
    "transactionShares",
    "transactionAcquiredDisposedCode",
}
NEAR: Final = 100  # characters between what was done and how

_SENTENCE: Final = re.compile(r"(?<=[.;])\s+(?=[A-Z(])")

_PLAN: Final = re.compile(r"\b10b ?-?5 ?[-\u2010-\u2015] ?1\b")
_UNDER: Final = re.compile(
    r"\b(?:pursuant to|under|accordance with|compliance with|according to|through|via|by|part of)\b"
)
_TRADED: Final = re.compile(
    r"\b(?:sold|sales?|purchase[sd]?|bought|transactions?|effected|executed|trades?|disposed|exercised?|conversions?|"
    r"distributions?)\b"
)
_NO_PLAN: Final = re.compile(
    r"\b(?:not|no|nor|neither|never|none|without|outside|except|other than|instead of|terminat\w*|cancel\w*|intend\w*|"
    r"expect\w*|propos\w*|future|will|would|up to|may (?:sell|buy|purchase|adopt|enter|trade|be (?:sold|purchased)))\b"
)
_WHOLE_FORM: Final = re.compile(
    r"\breported (?:on|in|herein|hereon)\b|\ball (?:of the )?(?:reported )?(?:transactions|sales|purchases)\b",
    re.IGNORECASE,
)

# A sentence about an open market, or about what was held or done before or besides, tells nothing of this trade.
_BESIDE: Final = re.compile(
    r"\b(?:open[ -]market|includ\w+|balance|previously|originally|not|no|undertakes?|lock-?ups?)\b"
)
_BOUGHT: Final = re.compile(r"\b(?:purchas\w+|acqui\w+|bought|subscri\w+|issued)\b")
_SOLD: Final = re.compile(r"\b(?:sold|sales?|selling|repurchased?|redeemed|withheld|tendered)\b")
_GOT: Final = re.compile(r"\b(?:acquired|bought|received|issued)\b")

_IN: Final = r"(?:in|into|through|via|pursuant to|part of|under|connection with) (?:[\w'\u2019.-]+ ){0,6}?"
_PRIVATE: Final = rf"(?:{_IN})?private(?:ly[ -]negotiated| placement| transaction| sale| purchase| offering)\b"
_OFFERING: Final = (
    rf"{_IN}(?:(?:public|underwritten|secondary|registered|direct|rights|follow-on|subscription) offering\b|ipo\b|"
    r"directed share program\b)"
)
_ISSUER: Final = (
    r"(?:the |its )?(?:issuer|company|corporation|registrant|underwriters?|initial purchasers?)\b(?!['\u2019])"
)
# What a purchase or a sale off the market is called.
_CALLED: Final = {
    "P": re.compile(
        rf"\b(?:{_PRIVATE}|{_OFFERING}|from {_ISSUER}|agreement with {_ISSUER}|"
        r"dividend re-?investment\b|reinvest\w* (?:\w+ ){0,3}dividends?\b|dividends? re-?invested\b|"
        r"401 ?\(?k\b|(?:stock|share) purchase plan\b|espp\b)"
    ),
    "S": re.compile(rf"\b(?:{_PRIVATE}|{_OFFERING}|(?:to|by) {_ISSUER}|tender offer\b)"),
}

_WORD: Final = re.compile(r"[a-z]+\$?|[€£¥₩₪]")
_APART: Final = dict.fromkeys((sign for sign in range(128) if sign != ord("$") and not chr(sign).isalpha()), " ")
_FOREIGN: Final = frozenset(
    re.findall(
        r"\S+",
        "nt$ hk$ c$ ca$ cad$ a$ au$ s$ sg$ nz$ r$ € £ ¥ ₩ ₪ cad aud hkd twd rmb cny eur gbp jpy chf sek nok dkk nis "
        "ils inr brl mxn krw sgd zar canadian australian taiwan singapore euro euros sterling pence yen renminbi yuan "
        "francs shekel shekels rupees pesos kronor kroner",
    )
)
_DOLLARS: Final = frozenset({"us$", "usd", "converted", "translated"})
_US_DOLLARS: Final = re.compile(r"\bu\.?s\.? ?(?:\$|dollars?\b)")


def plans_10b5_1(ownership: Ownership) -> list[bool | None]:
    """Whether each line was traded under a Rule 10b5-1 plan: the form's box, else a sentence that says so, else None.

    A sentence counts for the lines it is a footnote of, and for all when it stands in the remarks or speaks of the
    whole form.
    """
    box = ownership.aff10b5_one
    if box is None and _is_plan(ownership.remarks or ""):
        box = True
    plans = [] if box is not None else [note for note in ownership.footnotes if _is_plan(note.text)]
    if any(_WHOLE_FORM.search(plan.text) for plan in plans):
        box = True
    if box is not None or not plans:
        return [box] * len(ownership.lines)
    return _told(ownership, lambda _, text: _is_plan(text) or None)


def not_open_market(ownership: Ownership) -> list[bool | None]:
    """True for the purchases and sales that were not on the open market, as a footnote on them says, else None."""
    return _told(ownership, lambda code, text: _is_elsewhere(code, text) or None, cells=TRADE, codes=_CALLED)


def foreign_currency(ownership: Ownership) -> list[bool | None]:
    """True for the lines whose price is not in US dollars, as a footnote on it says, else None."""
    return _told(ownership, lambda _, text: _is_foreign(text) or None, cells=PRICE)


def _told(
    ownership: Ownership,
    tell: Callable[[str, str], T | None],
    *,
    cells: Collection[str] | None = None,
    codes: Collection[str] | None = None,
) -> list[T | None]:
    """For each line (of these codes) the first that its footnotes (on these cells) tell; each footnote is read once."""
    known: dict[tuple[str, str], T | None] = {}
    answers: list[T | None] = []
    for line in ownership.lines:
        answer = None
        if line.notes and (codes is None or line.code in codes):
            code = line.code or ""
            for _, number, text in (note for note in line.notes if cells is None or note.cell in cells):
                if (code, number) not in known:
                    known[code, number] = tell(code, text)
                if (answer := known[code, number]) is not None:
                    break
        answers.append(answer)
    return answers


def _is_plan(text: str) -> bool:
    """Whether a sentence says that something was done under a plan, and none of what would turn that round."""
    if "10b" not in text.lower():
        return False
    for sentence in map(str.lower, _SENTENCE.split(text)):
        if plan := _PLAN.search(sentence):
            before = sentence[: plan.start()]
            if _TRADED.search(before) and _UNDER.search(before[-NEAR:]) and not _NO_PLAN.search(before):
                return True
    return False


def _is_elsewhere(code: str, text: str) -> bool:
    """Whether a sentence calls a purchase or sale what is none on the open market."""
    if "weighted" in text.lower():  # an average of several prices is what a market pays
        return False
    done = _BOUGHT if code == "P" else _SOLD
    for sentence in map(str.lower, _SENTENCE.split(text)):
        called = _CALLED[code].search(sentence)
        if called is None or _BESIDE.search(sentence) or (code == "S" and _GOT.search(sentence)):
            continue
        before = sentence[: called.start()].rpartition(", ")[2]
        if called.start() == 0 or done.search(before[-NEAR:]):
            return True
    return False


def _is_foreign(text: str) -> bool:
    text = text.lower()
    words = text.replace("$", "$ ").translate(_APART).split() if text.isascii() else _WORD.findall(text)
    return not _FOREIGN.isdisjoint(words) and _DOLLARS.isdisjoint(words) and not _US_DOLLARS.search(text)
