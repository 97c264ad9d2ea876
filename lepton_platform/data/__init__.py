"""The generic part of the data stage: sources, readers, the schema check, splits and steps."""
