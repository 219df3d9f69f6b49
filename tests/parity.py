"""Compare this implementation with the outputs of the torch one, quantity by quantity.

    python tests/parity.py CASE_DIR

CASE_DIR holds `case.json` (sizes), `case.npz` (inputs and expected outputs) and
`pretrained_weights/` in layouts 1 and 2. The case runs from layout 1, from layout 2, and from
layout 3 as `convert` writes it. One line a quantity: name, max abs error, tolerance, ok or FAIL.
Exit code 1 if any fails. Sizes come from the case's files; none is assumed. `tests/test_parity.py`
runs the same on the case in `tests/fixtures/case1`.

The torch implementation has three quirks, reproduced here and nowhere else: it keeps the reference
features in float16, without guidance it adds overlapping windows up instead of averaging them, and
its DDIM counts back 1000 // steps from a timestep, which is not the next one where steps do not
divide 1000.
"""

import json
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

OUTPUT, GRADIENT = 1e-4, 1e-3
# The torch implementation rounds the gradients of its reference features to float16, whose finest
# spacing is 2^-24: float32 noise flips such roundings, and a weight's gradient sums some of them.
FLOAT16_NOISE = 4 * 2.0**-24


def published_classes():
    """The model and the pipeline with the quirks, as subclasses that change a method for each."""
    from aa.inference import Pose2VideoPipeline
    from aa.inference.windows import WindowSchedule
    from aa.models.animate_anyone import AnimateAnyone
    from aa.models.diffusion import Ddim

    class PublishedModel(AnimateAnyone):
        def reference_features(self, *given):
            features = super().reference_features(*given)
            return [f.astype("float16").astype("float32") for f in features]

    class PublishedPipeline(Pose2VideoPipeline):
        def _schedule(self, num_frames, options):
            kind = PublishedSchedule if options.guidance_scale <= 1 else WindowSchedule
            return kind(num_frames, options)

        def _solver(self, sampler):
            assert sampler == "ddim", "the published code samples with DDIM"
            config = self.model.config
            return PublishedDdim(config.noise_schedule, config.prediction_type)

    class PublishedDdim(Ddim):
        def following(self, t):
            before = t - self.scheduler.config.num_train_timesteps // len(self.timesteps)
            return before if before >= 0 else None

    class PublishedSchedule(WindowSchedule):
        def weights(self, windows):
            return [(share > 0).astype(np.float32) for share in super().weights(windows)]

    return PublishedModel, PublishedPipeline


class Case:
    """One case from one weights folder; `errors` holds (name, error, tolerance)."""

    def __init__(self, case, weights):
        from aa.weights.folders import open_folder

        self.sizes = json.loads((case / "case.json").read_text())
        self.expected = np.load(case / "case.npz")
        self.folder = open_folder(weights)
        if "scaled_linear" in self.sizes.get("noise_schedule", ""):
            self.folder.model.noise_schedule.beta_schedule = "scaled_linear"
        self.errors = []

    def run(self):
        """Compute and compare everything the case has."""
        model = self.model(motion_modules=True)
        self.outputs(model)
        self.images(model)
        self.videos(model)
        self.compiled_videos(model)
        self.gradients_of_stage_2(model)
        self.gradients_of_stage_1()
        return self.errors

    def model(self, motion_modules):
        from aa.weights.models import load_weights

        model_class, self.pipeline_class = published_classes()
        model = model_class(
            self.folder.model,
            motion_modules=motion_modules,
            snr_gamma=self.sizes.get("snr_gamma", 5.0),
        )
        load_weights(model, self.folder)
        model.eval()
        return model

    def _tensor(self, name, frames=slice(None)):
        import paddle

        array = self.expected[name]
        return paddle.to_tensor(array[:, :, frames] if array.ndim == 5 else array)

    def _compare(self, name, value, tolerance=OUTPUT, *, label=None):
        expected = self.expected[name]
        value = np.asarray(value)
        error = float(np.abs(value - expected).max()) if value.shape == expected.shape else np.inf
        self.errors.append((label or name, error, tolerance))

    def _conditions(self, frames=slice(None)):
        return {
            "image_embeds": self._tensor("image_embeds"),
            "pose_pixels": self._tensor("pose_pixels", frames),
            "reference_latents": self._tensor("reference_latents"),
        }

    def outputs(self, model):
        import paddle

        from aa.models.diffusion import add_noise, velocity
        from aa.models.losses import min_snr_weight

        noisy, t = self._tensor("noisy_latents"), self._tensor("timesteps")
        latents, noise = self._tensor("latents"), self._tensor("noise")
        a = model.scheduler.alphas_cumprod
        with paddle.no_grad():
            pose = model.pose_guider(self._tensor("pose_pixels"))
            self._compare("pose_features", pose)
            self._compare("model_output", model.predict(noisy, t, **self._conditions()))
            nobody = model.conditions(self._tensor("image_embeds"))
            alone = model.denoising_unet(noisy, t, nobody, pose_features=pose)
            self._compare("model_output_without_reference", alone)
            self._compare("loss_noisy_latents", add_noise(latents, noise, t, a))
            self._compare("loss_target", velocity(latents, noise, t, a))
            self._compare("loss_weights", min_snr_weight(t, a, model.snr_gamma))

    def images(self, model):
        import paddle
        from PIL import Image

        from aa.data.transforms import clip_pixels, to_signed

        picture = np.asarray(self._picture(self.expected["ref_image"]))
        side = self.folder.model.image_encoder.image_size
        with paddle.no_grad():
            clip = paddle.to_tensor(clip_pixels(Image.fromarray(picture), size=side)[None])
            self._compare("clip_image_embeds", model.encode_image(clip)[:, 0])
            pixels = paddle.to_tensor(to_signed(picture[None])[None, :, 0])
            self._compare("reference_image_latents", model.encode_pixels(pixels))

    def _picture(self, array):
        """A stored picture at the size of the video; the torch implementation squashes others."""
        from PIL import Image

        size = (self.sizes["width"], self.sizes["height"])
        image = Image.fromarray(array)
        return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)

    def videos(self, model):
        for scale in self.sizes["guidance"]:
            self._compare(f"video_guidance_{scale}", self._video(model, scale))

    def compiled_videos(self, model):
        from aa.inference.compiled.engines import make_engine
        from aa.inference.compiled.graph_cache import GraphCache
        from aa.inference.compiled.model import CompiledModel

        with tempfile.TemporaryDirectory() as folder:
            engines = {
                name: CompiledModel(model, GraphCache(folder), make_engine(name))
                for name in ("openvino", "onnxruntime")[: 1 + bool(find_spec("onnxruntime"))]
            }
            half = CompiledModel(
                model, GraphCache(folder), make_engine("openvino", precision="bfloat16")
            )
            for scale in self.sizes["guidance"]:
                name = f"video_guidance_{scale}"
                for engine, compiled in engines.items():
                    video = self._video(compiled, scale)
                    assert not compiled.failed, f"{engine} fell back to Paddle"
                    self._compare(name, video, label=f"{name} {engine}")
                error = np.square(self._video(half, scale) - video).mean()
                print(f"{name} openvino bfloat16: PSNR {-10 * np.log10(error):.1f} dB to float32")

    def _video(self, model, scale):
        sizes = self.sizes
        return self.pipeline_class(model)(
            self._picture(self.expected["ref_image"]),
            [self._picture(p) for p in self.expected["pose_images"]],
            width=sizes["width"],
            height=sizes["height"],
            num_inference_steps=sizes["steps"],
            guidance_scale=scale,
            context_frames=sizes["context_frames"],
            context_overlap=sizes["context_overlap"],
            context_stride=sizes["context_stride"],
            closed_loop=True,  # the published uniform schedule
            context_blend="mean",
            latents=self.expected["initial_latents"],
        ).videos

    def gradients_of_stage_1(self):
        model = self.model(motion_modules=False)
        self._gradients(model, "stage1", slice(0, 1), ["*_unet.*", "pose_guider.*"])

    def gradients_of_stage_2(self, model):
        self._gradients(model, "stage2", slice(None), ["denoising_unet.*.motion_modules.*"])

    def _gradients(self, model, stage, frames, trainable):
        from aa.training.trainable import set_trainable
        from aa.weights.loading import canonical_parameters

        set_trainable(model, trainable)
        model.train()
        if f"{stage}_model_output" in self.expected:
            noisy, t = self._tensor("loss_noisy_latents", frames), self._tensor("timesteps")
            output = model.predict(noisy, t, **self._conditions(frames)).detach()
            self._compare(f"{stage}_model_output", output)
        loss = model.loss(
            self._tensor("latents", frames),
            self._tensor("noise", frames),
            self._tensor("timesteps"),
            **self._conditions(frames),
        )
        self._compare(f"{stage}_loss", loss.item())
        loss.backward()
        for key in self.expected.files:
            if not key.startswith(f"{stage}_grad/"):
                continue
            component, name = "motion_module", key.removeprefix(f"{stage}_grad/")
            if stage == "stage1":
                component, name = name.split("/", 1)
            layer = getattr(model, component.replace("motion_module", "denoising_unet"))
            parameter, turned = canonical_parameters(component, layer)[name]
            # A parameter without gradient cannot change the loss: its gradient is zero.
            gradient = parameter.numpy() * 0 if parameter.grad is None else parameter.grad.numpy()
            largest = float(np.abs(self.expected[key]).max())
            tolerance = GRADIENT * largest + FLOAT16_NOISE
            self._compare(key, gradient.T if turned else gradient, tolerance)


def layouts(case, scratch):
    """Folders of the case's weights by name, layout 3 converted into `scratch`."""
    from aa.weights.convert import convert

    released = case / "pretrained_weights"
    folders = {"layout 1": released}
    paddle_release = released / "tsaiyue" / "AnimateAnyone_PD"
    if paddle_release.is_dir():
        folders["layout 2"] = paddle_release
    for name in list(folders):
        target = Path(scratch) / name.replace(" ", "-")
        convert(folders[name], target)
        folders[f"layout 3 from {name[-1]}"] = target
    return folders


def main(case):
    """Print every comparison; returns whether all are within tolerance."""
    from aa.config.hardware import HardwareConfig
    from aa.machine import prepare_paddle

    prepare_paddle(HardwareConfig(device="cpu"))
    case, good = Path(case), True
    with tempfile.TemporaryDirectory() as scratch:
        for name, weights in layouts(case, scratch).items():
            print(f"# {name}")
            for quantity, error, tolerance in Case(case, weights).run():
                ok = error <= tolerance
                good &= ok
                print(f"{quantity:<90} {error:.3e} {tolerance:.3e} {'ok' if ok else 'FAIL'}")
    print("all ok" if good else "FAIL")
    return good


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1], "case.json").is_file():
        sys.exit("usage: python tests/parity.py CASE_DIR, a folder that holds case.json")
    sys.exit(0 if main(sys.argv[1]) else 1)
