"""Benchmarks: our worker beside its peers, on one broker and one machine, in one run."""
