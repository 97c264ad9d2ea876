"""Handwritten digits for Lepton Platform: a task of its own, and one application of it.

Everything that is imported from the host is public: ``lepton_platform`` itself,
``lepton_platform.model.deep`` and ``lepton_platform.report.figures``.
"""
