"""Real sample data that work offline; see SOURCE.md beside this file for source and licence."""

from __future__ import annotations

from pathlib import Path

from lepton_platform import Sample


def german_credit() -> Sample:
    """Return 1,000 loan applications of a German bank, 1973 to 1975, with what became of them."""
    from lepton_platform import Source

    source = Source(str(Path(__file__).parent / "german_credit.csv.gz"))
    options = {
        "target": "creditability",
        "positive": "bad",
        "sensitive": ("age_in_years", "foreign_worker"),
        "ignore": ("personal_status_and_sex",),  # scrambled in this copy: see SOURCE.md
    }
    return Sample(source, options)
