"""Readers of recorded measurements: bytes of a file in, arrays in our vocabulary out.

ping.py          ping -D, or unix_time<TAB>sequence<TAB>rtt_ms
dish_history.py  the protobuf JSON of a dish's one-second rings
delimited.py     any CSV, its columns mapped to our fields
malformed.py     what is wrong, where, and how to mend it
text.py          gzip and encoding
"""
