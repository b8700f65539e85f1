"""THE SKY: believable telemetry with known truth; replaceable by a real network, so nobody indoors imports it."""
