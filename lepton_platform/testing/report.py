"""The report: every section can be shown, read and found."""

from __future__ import annotations

from lepton_platform.report import html
from lepton_platform.testing.check import BOTH, Fault, check
from lepton_platform.testing.subject import Subject


@check("silver", of=BOTH)
def sections_render(subject: Subject) -> None:
    """Every section has a title of its own and content that the page can show; every figure has an alt text.

    One section that fails costs the user the whole report, and a chart without words is nothing to
    those who cannot see it.

    To mend: content is text, a frame, a `Figure(figure, alt)`, or a list of these; let `alt` say what
    the chart shows, not that there is one.
    """
    titles = [section.title for section in subject.base.run.hooks.sections()]
    for section in subject.base.run.hooks.sections():
        if not section.title.strip():
            raise Fault("a section has no title")
        try:
            html.render("", "", [section], {})
        except Exception as error:
            raise Fault(f"section {section.title!r}: {type(error).__name__}: {error}") from error
    if twice := sorted({title for title in titles if titles.count(title) > 1}):
        raise Fault(f"two sections are called {twice[0]!r}")
