"""One module per task: the stage hooks that its applications share."""
