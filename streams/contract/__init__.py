"""What the workshop says and everyone downstream reads: events, incidents, rollups, snapshots, topics."""
