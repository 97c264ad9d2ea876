"""The generic part of the model stage: candidates, training, evaluation and persistence."""
