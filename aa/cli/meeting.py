"""The commands of several hosts meet before anything is trained."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aa.cli.first_host import gather
from aa.cli.hosts import Hosts, ThisHost
from aa.cli.later_host import join
from aa.cli.line import free_port
from aa.config.hardware import HardwareConfig


@contextmanager
def met(hardware: HardwareConfig, folder: Path, about: Mapping[str, Any]) -> Iterator[Hosts]:
    """Context in which the commands of all hosts of a run have met and agreed.

    Args:
        hardware: the checked config.
        folder: the run folder, on a disk that all of them see.
        about: what the run depends on, {"config": {...}, "code": {...}, ...}: the same everywhere.

    Raises:
        UserError: somebody has not come in `hardware.start_timeout`, or is about something else.
    """
    if hardware.nodes == 1:
        yield Hosts(store=f"127.0.0.1:{free_port()}")
        return
    this = ThisHost(hardware, Path(folder), json.loads(json.dumps(about)))
    hosts = gather(this) if this.node == 0 else join(this)
    over = threading.Event()
    threading.Thread(target=hosts.beat, args=(over,), daemon=True).start()
    try:
        yield hosts
    finally:
        over.set()
        for line in hosts.lines.values():
            line.end()
        hosts.close_door()
