"""What a report may say of one session, for the clinician and for the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.claims.claim import Claims
from pipeline.claims.client import Known, client_claims
from pipeline.claims.practised import pacing_claims, practice_claims, resonance_claims
from pipeline.claims.reactions import reaction_claims
from pipeline.claims.states import beside_claims, level_claims, near_claims, usable_claims

if TYPE_CHECKING:
    from pipeline.analysis import Analysis


def session_claims(analysis: Analysis, context: Known | None = None) -> Claims:
    """All sentences of one session, in the order they are read; `context` is what is known around it.

    Topics for the clinician: `usable` (heart, skin, care), `levels` (by measure), `reaction`, `share_early`,
    `share_left` and `half_time` (by the challenge's number and the measure), `near_baseline`, `beside`,
    `pacing` and `practised` (by the phase's number), `resonance`. For the client: `client.sentence` and
    `client.practice`, of which there is always one, `client.beside`, `client.cannot_tell`.
    """
    return Claims(
        (
            *usable_claims(analysis),
            *level_claims(analysis),
            *reaction_claims(analysis),
            *near_claims(analysis),
            *beside_claims(analysis),
            *resonance_claims(analysis.resonance),
            *pacing_claims(analysis),
            *practice_claims(analysis),
            *client_claims(analysis, context),
        )
    )
