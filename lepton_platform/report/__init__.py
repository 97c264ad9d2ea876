"""The generic part of the report stage: sections, figures and the page."""
