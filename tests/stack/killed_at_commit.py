"""Runs an exporter that is killed, as if by the kernel, when it has written and is about to commit."""

import os
import signal
import sys

from exporters import __main__ as dock
from exporters.log_reader import LogReader
from exporters.settings import Settings


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


LogReader.commit = die
sys.exit(dock.run(sys.argv[1], Settings()))
