"""Jobs on the hosts of a Ray cluster, which share the folders of videos and of the data set."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aa.errors import UserError, one_line
from aa.prepare.attempts import Outcome, attempt
from aa.prepare.workers import ONE_THREAD
from aa.sweeps.ray_jobs import STORE, start_ray

AHEAD = 2  # jobs a core that are handed over before others are done


class OverRay:
    """An engine of Ray's tasks of one core each, see `Engine`.

    Args:
        address: of a running cluster, or auto; None starts Ray on this host.
        count: cores that are used, of a Ray that is started here.

    Raises:
        UserError: Ray is not installed, or there is no such cluster.
    """

    def __init__(self, address: str | None, count: int) -> None:
        variables = dict(ONE_THREAD)
        options: dict[str, Any] = {"runtime_env": {"env_vars": variables}}
        if address is None:
            variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
            options |= {"num_cpus": count, "object_store_memory": STORE}
            options |= {"include_dashboard": False}
        else:
            options |= {"address": address}
        try:
            start_ray(options, key="engine=ray", otherwise="engine=local")
        except (ConnectionError, ValueError, RuntimeError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"engine=ray: Ray does not start: {one_line(error)}") from error

    def __call__(
        self, function: Callable[[Any], Any], jobs: Sequence[Any]
    ) -> Iterator[tuple[int, Outcome]]:
        """Yield (number of a job, what came of it) as they are done."""
        import ray  # pyright: ignore[reportMissingImports]

        task = ray.remote(num_cpus=1, max_retries=1)(attempt)
        most = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        todo, running = iter(enumerate(jobs)), {}
        while True:
            while len(running) < most and (following := next(todo, None)):
                running[task.remote(function, following[1])] = following[0]
            if not running:
                return
            done, _ = ray.wait([*running], num_returns=1)
            yield running.pop(done[0]), _outcome(ray, done[0])


def _outcome(ray: Any, reference: Any) -> Outcome:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        return Outcome(lost=f"the process that read it ended ({type(error).__name__})")
