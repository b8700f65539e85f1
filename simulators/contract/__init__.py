"""What the sky and the judge agree on, by file: truth, latent and never derived from what was emitted."""
