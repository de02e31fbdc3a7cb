"""Training priors by denoising score matching."""
