"""What the dock promises and the wall relies on: the network's metrics, the sinks' fates."""
