"""Diagnosis aid, data stage."""
