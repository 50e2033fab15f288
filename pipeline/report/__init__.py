"""The clinician's report of one session: an HTML page that needs nothing but itself."""

from pipeline.report.page import render

__all__ = ["render"]
