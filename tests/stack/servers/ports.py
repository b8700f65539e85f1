"""Ports that nobody uses yet."""

import random
import socket

# Below the range from which Linux takes the ports of outgoing connections (32768): none of those can steal one.
LOWEST, HIGHEST = 20_000, 32_000


def free_port() -> int:
    """Return a port on the loopback interface that can be bound now."""
    choice = random.SystemRandom()  # two test runs at once must not draw the same ports
    while True:
        port = choice.randint(LOWEST, HIGHEST)
        if _is_free(port):
            return port


def usual_or_free(port: int) -> int:
    """Return the port that people expect a server at, or a free one where it is taken."""
    return port if _is_free(port) else free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port whose last connections still linger (TIME_WAIT) is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
