"""THE FRONT DESK: what a person types; it alone may compose every room."""
