"""The model on an engine: denoiser, pose guider and VAE decoder as a library runs their graphs."""

import logging
import os
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import paddle

from aa.errors import UserError
from aa.inference.compiled.engines import make_engine
from aa.inference.compiled.holding import Holder, of_each
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

    On a CPU what runs once a video (the reference's encoding and its network) stays with Paddle:
    compiling it would take longer than it saves. A part is compiled when a size first comes; where
    that fails on a CPU, Paddle goes on after one warning.

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
        self.has_guidance, self.has_reference_pose = model.has_guidance, model.has_reference_pose
        self.engine = engine or make_engine("compiled")
        self._compiled, self.failed = {}, False
        self._holder = Holder(self.engine)

    def encode_pixels(self, pixels: paddle.Tensor) -> paddle.Tensor:
        """See `AnimateAnyone.encode_pixels`."""
        return self._run_once(parts.encode, self.model.encode_pixels, pixels)[0]

    def encode_image(self, clip_pixels: paddle.Tensor) -> paddle.Tensor:
        """See `AnimateAnyone.encode_image`."""
        return self._run_once(parts.encode_image, self.model.encode_image, clip_pixels)[0]

    def conditions(
        self,
        image_embeds: paddle.Tensor,
        reference_latents: paddle.Tensor | None = None,
        reference_pose: paddle.Tensor | None = None,
    ) -> list[Condition]:
        """See `AnimateAnyone.conditions`."""
        if reference_latents is None:
            return self.model.conditions(image_embeds)
        found = self._run_once(
            parts.encode_reference,
            lambda *tensors: parts.flat(self.model.conditions(*tensors)),
            image_embeds,
            reference_latents,
            *([] if reference_pose is None else [reference_pose]),
        )
        return parts.conditions_of(found)

    def pose_guider(self, pose_pixels: paddle.Tensor) -> paddle.Tensor:
        """See `PoseGuider`."""
        return self._run(parts.encode_pose, self.model.pose_guider, pose_pixels)[0]

    def decode_latents(self, latents: paddle.Tensor) -> paddle.Tensor:
        """See `AnimateAnyone.decode_latents`."""
        return self._run(parts.decode, self.model.decode_latents, latents)[0]

    def pose_window(self, pose_features: paddle.Tensor, frames: paddle.Tensor) -> Any:
        """See `AnimateAnyone.pose_window`; here for `denoise` and `denoise_pair` alone."""
        video = self._holder.hold("pose", [pose_features], lambda: [pose_features])[0]
        return self.engine.take_frames(video, frames.numpy())

    def hold_poses(self, pose_features: paddle.Tensor) -> Any:
        """See `AnimateAnyone.hold_poses`; for `join_poses` alone."""
        return self._holder.share(pose_features)

    def join_poses(self, held: Sequence[Any]) -> Any:
        """See `AnimateAnyone.join_poses`; here for `denoise` and `denoise_pair` alone."""
        return self.engine.join_frames([shared.array for shared in held])

    def denoise(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        conditions: Sequence[Condition],
        *,
        pose_features: Any,
        guidance_scale: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """See `AnimateAnyone.denoise`."""

        def eager(latents, timesteps, pose_features, *_):
            return self.model.denoising_unet(
                latents,
                timesteps,
                conditions,
                pose_features=pose_features,
                guidance_scale=guidance_scale,
            )

        held = self._holder.hold("conditions", of_each(conditions), lambda: parts.flat(conditions))
        scale = [] if guidance_scale is None else [guidance_scale]
        return self._denoise(eager, noisy_latents, timesteps, pose_features, [*held, *scale])

    def denoise_pair(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        conditional: Sequence[Condition],
        unconditional: Sequence[Condition],
        *,
        pose_features: Any,
    ) -> list[paddle.Tensor]:
        """See `AnimateAnyone.denoise_pair`; here both are one call of one network."""

        def eager(latents, timesteps, pose_features, *_):
            halves = [
                self.model.denoising_unet(latents, timesteps, c, pose_features=pose_features)
                for c in (conditional, unconditional)
            ]
            return paddle.concat(halves)

        both = (conditional, unconditional)
        held = self._holder.hold(
            "conditions", of_each(*both), lambda: parts.flat(guidance_pair(*both))
        )
        return self._denoise(eager, noisy_latents, timesteps, pose_features, held).split(2)

    def denoise_cached(
        self,
        noisy_latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        samples: Sequence[Sequence[Condition]],
        *,
        pose_features: Any,
        guidance_scale: paddle.Tensor | None = None,
        deep: paddle.Tensor | None = None,
    ) -> tuple[list[paddle.Tensor], paddle.Tensor]:
        """See `AnimateAnyone.denoise_cached`; here all samples are one call of one network."""

        def eager(latents, timesteps, pose_features, *_):
            predictions, found = self.model.denoise_cached(
                noisy_latents,
                timesteps,
                samples,
                pose_features=pose_features,
                guidance_scale=guidance_scale,
                deep=deep,
            )
            return [paddle.concat(predictions), found]

        def tensors():
            outer = self.model.denoising_unet.outer_conditions if deep is not None else list
            joined = guidance_pair(*samples) if len(samples) == 2 else samples[0]
            return parts.flat(outer(joined))

        name = "conditions" if deep is None else "outer conditions"
        held = self._holder.hold(name, of_each(*samples), tensors)
        conditions = held if guidance_scale is None else [*held, guidance_scale]
        latents = self.model.scale_input(noisy_latents, timesteps)
        inputs = latents, timesteps, pose_features
        if deep is None:
            found, deep = self._run(parts.denoise_with_deep, eager, *inputs, *conditions)
        else:
            found = self._run(parts.denoise_from_deep, eager, *inputs, deep, *conditions)[0]
        return found.split(len(samples)), deep

    def _denoise(self, eager, noisy_latents, timesteps, pose_features, conditions):
        latents = self.model.scale_input(noisy_latents, timesteps)
        inputs = latents, timesteps, pose_features, *conditions
        return self._run(parts.denoise, eager, *inputs)[0]

    def _run_once(self, part, eager, *tensors):
        """Run what runs once a video, on the engine where that is for all parts."""
        if self.engine.whole:
            return self._run(part, eager, *tensors)
        return _as_list(eager(*tensors))

    def _run(self, part, eager, *tensors):
        """Results of the compiled part, or of the eager one where it cannot be compiled."""
        network = None if self.failed else self._network(part, tensors)
        if network is None:
            return _as_list(eager(*map(_as_tensor, tensors)))
        found = network([x.numpy() if isinstance(x, paddle.Tensor) else x for x in tensors])
        return [paddle.to_tensor(x) for x in found]

    def _network(self, part, tensors):
        key = (part, *(tuple(tensor.shape) for tensor in tensors))
        if key not in self._compiled:
            try:
                self._compiled[key] = self._compile(part, part_specs(tensors))
            except UserError:  # what was requested is not here
                raise
            except Exception as error:  # a library's, of any kind: on a CPU Paddle can go on
                if self.engine.whole:
                    raise UserError(
                        f"{part.__name__} could not be loaded on the GPU: {_in_a_line(error)}; "
                        "use inference.device=cpu, or inference.engine=eager."
                    ) from error
                log.warning(
                    "%s could not be compiled (%s: %s); from here on Paddle computes, in float32: "
                    "slower, the same result.",
                    part.__name__,
                    type(error).__name__,
                    _in_a_line(error),
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


def _as_tensor(x):
    return x if isinstance(x, paddle.Tensor) else paddle.to_tensor(x)


def _as_list(found):
    return found if isinstance(found, list) else [found]


def _in_a_line(error):
    """The first line of a library's message; of one while tracing, whose end says what it was."""
    first, *more = str(error).strip().split("\n")
    if more and first.startswith("In transformed code"):
        return more[-1].strip().removeprefix(f"{type(error).__name__}: ")
    return first


def part_specs(tensors: Iterable[Any]) -> list["InputSpec"]:
    """InputSpecs of tensors or arrays. No side is left open: attention is slower where one is."""
    return [parts.spec(*tensor.shape, dtype=str(tensor.dtype).split(".")[-1]) for tensor in tensors]
