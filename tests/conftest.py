"""Property tests draw the same examples in every run: what is green once is green for everybody."""

from hypothesis import settings

settings.register_profile("same-for-everybody", derandomize=True, deadline=None)
settings.load_profile("same-for-everybody")
