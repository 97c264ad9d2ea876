"""Diagnosis aid, report stage."""
