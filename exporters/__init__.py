"""THE DOCK: events and rollups in; other people's systems out, never losing one."""
