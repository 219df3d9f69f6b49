"""The model on an engine: denoiser, pose guider and VAE decoder as a library runs their graphs."""

import logging
import os
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import paddle

from aa.errors import UserError
from aa.inference.compiled.engines import make_engine
from aa.models import parts
from aa.models.attention import Condition, guidance_pair

if TYPE_CHECKING:
    from paddle.static import InputSpec

    from aa.inference.compiled.engines import Engine
    from aa.inference.compiled.graph_cache import GraphCache
    from aa.models.animate_anyone import AnimateAnyone

log = logging.getLogger(__name__)


class CompiledModel:
    """An `AnimateAnyone` whose heavy parts are compiled: the same calls, the same results.

    What runs once a video (the reference's encoding and its network) stays with Paddle: compiling
    it would take longer than it saves. A part is compiled when a size first comes; where that
    fails, Paddle goes on after one warning.

    Args:
        model: in evaluation mode. Its weights are shared, not copied.
        cache: of exported graphs.
        engine: what runs the graphs; None: the fastest on a CPU, in float32.

    Attributes:
        failed: whether a part could not be compiled, so that Paddle computes.
    """

    def __init__(
        self,
        model: "AnimateAnyone",
        cache: "GraphCache",
        engine: "Engine | None" = None,
    ) -> None:
        self.model, self.cache = model, cache
        self.config, self.has_motion = model.config, model.has_motion
        self.encode_pixels, self.encode_image = model.encode_pixels, model.encode_image
        self.conditions = model.conditions
        self.engine = engine or make_engine("compiled")
        self._compiled, self.failed = {}, False

    def pose_guider(self, pose_pixels: paddle.Tensor) -> paddle.Tensor:
        """See `PoseGuider`."""
        return self._run(parts.encode_pose, self.model.pose_guider, pose_pixels)

    def decode_latents(self, latents: paddle.Tensor) -> paddle.Tensor:
        """See `AnimateAnyone.decode_latents`."""
        return self._run(parts.decode, self.model.decode_latents, latents)

    def denoise(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        conditions: Sequence[Condition],
        *,
        pose_features: paddle.Tensor,
    ) -> paddle.Tensor:
        """See `AnimateAnyone.denoise`."""

        def eager(*_):
            return self.model.denoise(
                noisy_latents, timesteps, conditions, pose_features=pose_features
            )

        return self._denoise(eager, noisy_latents, timesteps, conditions, pose_features)

    def denoise_pair(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        conditional: Sequence[Condition],
        unconditional: Sequence[Condition],
        *,
        pose_features: paddle.Tensor,
    ) -> list[paddle.Tensor]:
        """See `AnimateAnyone.denoise_pair`; here both are one call of one network."""

        def eager(*_):
            halves = self.model.denoise_pair(
                noisy_latents, timesteps, conditional, unconditional, pose_features=pose_features
            )
            return paddle.concat(halves)

        both = guidance_pair(conditional, unconditional)
        return self._denoise(eager, noisy_latents, timesteps, both, pose_features).split(2)

    def _denoise(self, eager, noisy_latents, timesteps, conditions, pose_features):
        latents = self.model.scale_input(noisy_latents, timesteps)
        inputs = latents, timesteps, pose_features, *parts.flat(conditions)
        return self._run(parts.denoise, eager, *inputs)

    def _run(self, part, eager, *tensors):
        """Run the compiled part on these tensors, or the eager one where it cannot be compiled."""
        network = None if self.failed else self._network(part, tensors)
        if network is None:
            return eager(*tensors)
        return paddle.to_tensor(network([tensor.numpy() for tensor in tensors])[0])

    def _network(self, part, tensors):
        key = (part, *(tuple(tensor.shape) for tensor in tensors))
        if key not in self._compiled:
            try:
                self._compiled[key] = self._compile(part, part_specs(tensors))
            except UserError:  # what was requested is not here
                raise
            except Exception as error:  # a library's, of any kind: Paddle can go on
                log.warning(
                    "%s could not be compiled (%s: %s); from here on Paddle computes, in float32: "
                    "slower, the same result.",
                    part.__name__,
                    type(error).__name__,
                    str(error).strip().split("\n")[0],
                    exc_info=os.environ.get("HYDRA_FULL_ERROR") == "1",
                )
                self.failed = True
                return None
        return self._compiled[key]

    def _compile(self, part, specs):
        from aa.inference.compiled.graphs import export_graph, graph_key, shared_weights

        start = time.perf_counter()
        key = graph_key(self.model, part, specs)
        graph = self.cache.get(key, lambda: export_graph(self.model, part, specs))
        exported = time.perf_counter()
        network = self.engine.load(graph, shared_weights(self.model))
        log.info(
            "compiled: %s in %.1f s, its graph in %.1f s",
            part.__name__,
            time.perf_counter() - exported,
            exported - start,
        )
        return network


def part_specs(tensors: Iterable[paddle.Tensor]) -> list["InputSpec"]:
    """InputSpecs of tensors. No side is left open: attention is slower where one is."""
    return [parts.spec(*tensor.shape, dtype=str(tensor.dtype).split(".")[-1]) for tensor in tensors]
