"""Checkpoints: files of priors, ours and those that papers published, read as tensors only."""
