"""THE DOOR: raw bytes in, valid frames out; everything untrusted stops here."""
