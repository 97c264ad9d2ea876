"""Retail applications for Lepton Platform."""
