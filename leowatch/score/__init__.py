"""The judge: reads files of truth and of findings, imports no room, and cannot be talked round."""
