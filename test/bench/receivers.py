"""Receivers of batches on loopback, for the benchmarks."""

import contextlib
import signal
import subprocess
import time
import urllib.error
import urllib.request


@contextlib.contextmanager
def running(*command, ready):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                if ready():
                    break
                time.sleep(0.1)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def answers(port, path):
    def ready():
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True
    return ready
