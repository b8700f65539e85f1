"""From events to incidents: what belongs together, what is its root, and who is woken."""
