"""Hydra's own sweeper with values that go in pairs and combinations that are left out."""

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins

from aa.sweeps.combinations import combinations

TARGET = f"{__name__}.PairingSweeper"


def register() -> None:
    """Let `hydra.sweeper._target_` name it; Hydra finds none of an editable installation."""
    Plugins.instance().register(PairingSweeper)


class PairingSweeper(BasicSweeper):
    """Sweeper whose combinations are those of `sweep.zip` and `sweep.exclude`."""

    def split_arguments(  # pyright: ignore[reportIncompatibleMethodOverride] asked of an instance
        self, overrides: list[Override], max_batch_size: int | None
    ) -> list[list[list[str]]]:
        """Batches of the jobs' overrides.

        Raises:
            UserError: see `combinations`.
        """
        assert self.config is not None
        values: dict[str, list[str]] = {}
        for override in overrides:  # each by itself, as the parent writes its values
            (batch,) = BasicSweeper.split_arguments([override], None)
            key: Any = override.get_key_element()
            values[key] = [words[0].removeprefix(f"{key}=") for words in batch]
        options = self.config.sweep
        jobs = combinations(
            values, paired=options.get("zip") or (), excluded=options.get("exclude") or ()
        )
        return list(self.split_overrides_to_chunks(jobs, max_batch_size))
