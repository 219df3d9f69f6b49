"""Between states on disk and Paddle layers: canonical, strict, nothing missing in silence."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import paddle
from paddle import nn

from aa.errors import UserError
from aa.models.lora import is_adapter
from aa.weights.tables import INSIDE, POSITIONS, canonical_name, is_linear


def to_canonical(
    component: str, state: Mapping[str, np.ndarray], *, paddle_layout: bool = False
) -> dict[str, np.ndarray]:
    """A file's state under canonical names, Linear weights as [out, in].

    Args:
        component: one of `tables.COMPONENTS`.
        state: names and arrays as read.
        paddle_layout: the file is Paddle's, its Linear weights are [in, out].

    Raises:
        UserError: two keys have the same canonical name.
    """
    result = {}
    for key, array in state.items():
        name = canonical_name(component, key)
        if name in result:
            raise UserError(f"{component}: {key} is there a second time under an older name.")
        if name is not None:
            turn = paddle_layout and is_linear(name, array)
            result[name] = array.T if turn else array
    return result


def canonical_parameters(component: str, layer: nn.Layer) -> dict[str, tuple[paddle.Tensor, bool]]:
    """The component's parameters as canonical name -> (parameter, whether stored transposed).

    Motion modules and guidance's embedding live inside the denoising UNet, the projection of the
    reference's pose inside the reference UNet; on disk they are separate components.
    Adapters are no part of any (see `aa.weights.lora`).
    """
    linear = {
        f"{prefix}.weight" for prefix, sub in layer.named_sublayers() if isinstance(sub, nn.Linear)
    }
    return {
        canonical_name(component, name) or name: (p, name in linear or name == "vision_projection")
        for name, p in layer.named_parameters()
        if not is_adapter(name)
        if _inside(name) == (component if component in INSIDE else None)
    }


def _inside(name: str) -> str | None:
    """The component inside a network that a parameter belongs to; None: the network's own."""
    return next((c for c, part in INSIDE.items() if part in name), None)


def expected_shapes(component: str, layer: nn.Layer) -> dict[str, tuple[int, ...]]:
    """Canonical names and shapes that a complete file of this component has."""
    return {
        name: tuple(p.shape[::-1] if turned else p.shape)
        for name, (p, turned) in canonical_parameters(component, layer).items()
    }


def _list(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def check_state(
    state: Mapping[str, np.ndarray],
    expected: Mapping[str, tuple[int, ...]],
    *,
    source: str | Path,
    ignore: Iterable[str] = (),
) -> dict[str, np.ndarray]:
    """Compare a canonical state with the expected names and shapes.

    Args:
        state: canonical names and arrays.
        expected: canonical names and shapes.
        source: the file, for the message.
        ignore: prefixes of names that may be there without being loaded.

    Returns:
        the arrays to load.

    Raises:
        UserError: names the file and the first five missing, unexpected or misshaped keys.
    """
    state = {k: v for k, v in state.items() if k in expected or not k.startswith(tuple(ignore))}
    positions = _positions(state, expected)
    missing = set(expected) - set(state)
    unexpected = set(state) - set(expected) - set(positions)
    shapes = {
        f"{k} is {list(state[k].shape)}, wanted {list(expected[k])}"
        for k in set(expected) & set(state)
        if tuple(state[k].shape) != tuple(expected[k])
    }
    wrong = [("missing", missing), ("unexpected", unexpected), ("misshaped", shapes)]
    if any(names for _, names in wrong):
        found = "; ".join(f"{len(n)} {kind}: {_list(n)}" for kind, n in wrong if n)
        raise UserError(f"{source}: {found}. It is not the weights of this model: check the file.")
    _check_positions(positions, source)
    _check_finite({k: state[k] for k in expected}, source)
    return {k: state[k] for k in expected}


def _check_finite(state: Mapping[str, np.ndarray], source: str | Path) -> None:
    """Refuse values that are not finite: with one, a network makes black images or a dead loss."""
    for name, array in state.items():
        # a NaN is the least and the greatest of all; two passes need no memory
        ends = np.array([array.min(), array.max()]) if array.size else np.zeros(2)
        if not np.isfinite(ends).all():
            raise UserError(
                f"{source}: {name} holds numbers that are not finite (NaN or infinite). The file "
                "is damaged or its training had failed: take another, or an earlier checkpoint."
            )


def _positions(
    state: Mapping[str, np.ndarray], expected: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """The stored positions of the blocks that the component has."""
    blocks = {name.rsplit(".", 2)[0] for name in expected}  # ...to_q.weight -> ...
    return {
        k: v
        for k, v in state.items()
        if k.endswith(POSITIONS) and k not in expected and k.removesuffix(POSITIONS) in blocks
    }


def _check_positions(positions: Mapping[str, np.ndarray], source: str | Path) -> None:
    from aa.models.motion import sinusoidal_positions

    for name, array in positions.items():
        # as many as there are values in the file, or a wrong shape could request any memory
        _, length, channels = array.shape if array.ndim == 3 and array.size else (1, 0, 0)
        ours = sinusoidal_positions(length, channels).numpy()
        if array.shape != ours.shape or not np.allclose(array, ours, atol=1e-3):
            raise UserError(
                f"{source}: {name} is not the sinusoidal positions of AnimateDiff, the only ones "
                "this model knows. Check the file."
            )


def load_state(
    component: str,
    layer: nn.Layer,
    state: Mapping[str, np.ndarray],
    *,
    source: str | Path,
    ignore: Iterable[str] = (),
) -> None:
    """Set the layer's parameters from a canonical state, strictly (see `check_state`)."""
    parameters = canonical_parameters(component, layer)
    arrays = check_state(state, expected_shapes(component, layer), source=source, ignore=ignore)
    for name, (parameter, turned) in parameters.items():
        array = arrays[name].T if turned else arrays[name]
        parameter.set_value(np.require(array, np.float32, ["C", "A"]))


def state_of(component: str, layer: nn.Layer) -> dict[str, np.ndarray]:
    """The layer's canonical state as float32 arrays: what `load_state` takes."""
    return {
        name: np.ascontiguousarray(p.numpy().T if turned else p.numpy())
        for name, (p, turned) in canonical_parameters(component, layer).items()
    }
