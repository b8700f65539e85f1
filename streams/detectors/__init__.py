"""Detectors: arithmetic over arrays; each knows the past in its state and the present in its frame, and nothing of Kafka."""
