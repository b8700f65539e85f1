"""The NOC page: a world map and the open incidents, live, from one process and without an outside request."""
