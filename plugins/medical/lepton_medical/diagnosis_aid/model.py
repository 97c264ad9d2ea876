"""Diagnosis aid, model stage."""
