"""The composed config as a tree, shown when a run starts."""

import json

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from aa.plain import printable

SECRET = "token"  # last part of the keys whose values nobody is shown
WIDE = 10_000  # rich cuts lines at the width of a terminal; a terminal wraps them itself


def print_tree(config: DictConfig) -> None:
    """Print groups with the chosen options and all values, in the spelling that overrides use."""
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    chosen = HydraConfig.get().runtime.choices

    def grow(branch, values, prefix=""):
        width = max(len(key) for key in values)
        for key, value in values.items():
            if isinstance(value, dict) and value:
                option = chosen.get(prefix + key)
                title = Text(printable(f"{key}={option}" if option else key), style="bold")
                grow(branch.add(title), value, f"{prefix}{key}/")
            else:
                text = value if isinstance(value, str) else json.dumps(value)
                text = "(not shown)" if value and key == SECRET else text
                branch.add(Text(printable(f"{key:<{width}}  {text}")))

    tree = Tree(Text("config", style="bold"))
    grow(tree, OmegaConf.to_container(config, resolve=True))
    Console(highlight=False, width=WIDE).print(tree, soft_wrap=True)
