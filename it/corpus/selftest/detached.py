"""When it is hosted, leaves a process that sleeps: in a session of its own, its parents gone."""

import os
import time

with open(f"/proc/{os.getppid()}/comm") as parent:
    is_hosted = parent.read().strip().lstrip(".").startswith("java")
if is_hosted and os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        time.sleep(60)
    os._exit(0)
