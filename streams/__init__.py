"""THE WORKSHOP: frames and plan in; events, rollups and incidents out."""
