"""What no claim may say: names of hormones and illnesses, praise and ranks, a verdict's words without one."""

from __future__ import annotations

import re

from pipeline.claims.claim import Audience, Claim, Claims, requirement

# After "What the literature supports, and how to say it": each in place of something that can be said.
FORBIDDEN = re.compile(
    r"cortisol|hormon|\bhpa\b|limbic|over-activ|brain|\btreat|therap|\bcure|heal(?!th)|anxi|depress|"
    r"disorder|diagnos|patholog|abnormal|\bnormal|clinical|medical|vagal tone|balance|\bimprov|better|worse|"
    r"regulated zone|discord|streak|\brank|\bscore|\bnorms?\b|percentile|other people|average person|"
    r"non-?responder|fire together|\bstress\b",
    re.IGNORECASE,
)
RELIABLY = re.compile(r"reliab|proven|significant", re.IGNORECASE)
NUMBER = re.compile(r"\d")


def checked(claims: Claims) -> Claims:
    """The same claims, of which every text keeps to the wording."""
    for each in claims.told:
        assert not FORBIDDEN.search(each.text), each.text
        assert "{" not in each.text, each.text
        assert "}" not in each.text, each.text
        assert each.text.endswith("."), each.text
        assert each.text == each.text.strip()
        assert requirement(each.rule)
        assert bool(RELIABLY.search(each.text)) == (
            isinstance(each, Claim) and each.rule == "verdict" and _told(each)
        )
    return claims


def _told(each: Claim) -> bool:
    """A verdict is in these words to a clinician only."""
    return each.audience is Audience.CLINICIAN


def plain(text: str) -> str:
    """A text with ordinary spaces."""
    return text.replace("\u202f", " ")
