"""Files of weights, and the configs of weights folders."""

import json
import pickle
from typing import ClassVar

import numpy as np

from tests.fuzz.kind import Kind, Mutant
from tests.fuzz.mutate import json_, pickles, raw, safetensors_, zips

COMPONENTS = ("reference_unet", "denoising_unet", "pose_guider", "vae", "image_encoder")
UNET, VAE = "stable-diffusion-v1-5/unet/", "sd-vae-ft-mse/"
ENCODER = "image_encoder/"


def read_file(folder):
    """Read the one file of weights, and look at every array."""
    from aa.weights.reading.states import read_state

    (file,) = folder.glob("weights.*")
    return [(key, array.shape, array.dtype) for key, array in read_state(file).items()]


def read_folder(folder):
    """Open a weights folder, of ours or as published."""
    from aa.weights.folders import open_folder

    return repr(open_folder(folder))


class Weights(Kind):
    """What a stranger gives as weights."""

    targets: ClassVar = {"read_state": read_file, "open_folder": read_folder}

    def prepare(self):
        import aa.weights.folders
        import aa.weights.reading  # noqa: F401

        state = {
            "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
            "conv.bias": np.zeros(2, np.float32),
            "half": np.ones((2, 2), np.float16),
            "position_ids": np.arange(5)[None],
        }
        self.paddle, self.torch = _paddle_files(state), _torch_files(state)
        self.safetensors = _safetensors_files(state)
        self.pickles = [*self.paddle, *(zips.entries_of(f)["archive/data.pkl"] for f in self.torch)]
        self.folders = [_own_folder(), _start_folder(self.torch[0])]

    def honest(self):
        found = [("pdparams", f) for f in self.paddle] + [("pth", f) for f in self.torch]
        found += [("safetensors", file) for file in self.safetensors]
        files = [Mutant({f"weights.{kind}": file}, "read_state") for kind, file in found]
        return files + [Mutant(dict(folder), "open_folder") for folder in self.folders]

    def generated(self):
        long = b"\x80\x02c" + b"\x1b" * 1_000_000 + b"\nb\n."
        return {"name_of_1_MB_of_escapes": Mutant({"weights.pdparams": long}, "read_state")}

    def mutant(self, rng):
        kind = rng.choice(("pdparams", "pdparams", "pth", "pth", "safetensors", "folder"))
        if kind == "pdparams":
            content = pickles.changed(rng, rng.choice(self.paddle), self.pickles)
        elif kind == "pth":
            content = zips.changed(rng, rng.choice(self.torch), self.pickles)
        elif kind == "safetensors":
            content = safetensors_.changed(rng, rng.choice(self.safetensors), self.safetensors)
        else:
            folder = dict(rng.choice(self.folders))
            name = rng.choice([name for name in folder if name.endswith(".json")])
            folder[name] = json_.changed(rng, folder[name])
            if rng.random() < 0.1:
                other = rng.choice(list(folder))
                folder[other] = raw.changed(rng, folder[other]) if folder[other] else None
            return Mutant(folder, "open_folder")
        return Mutant({f"weights.{kind}": content}, "read_state")

    def targets_of(self, files):
        single = len(files) == 1 and next(iter(files)).startswith("weights.")
        return ["read_state" if single else "open_folder"]

    def file_name(self, name):
        return f"weights.{name.rpartition('.')[2]}"


def _paddle_files(state):
    """As `paddle.save` writes: arrays, (name, array) and bfloat16, which is uint16."""
    names = {"StructuredToParameterName@@": {key: key for key in state}}
    named = {key: (key, array) for key, array in state.items()}
    brief = {"w": np.ones(3, np.uint16)}
    return [
        pickle.dumps(state | names, protocol=4),
        pickle.dumps(state, protocol=2),
        pickle.dumps(named, protocol=2),
        pickle.dumps(brief, protocol=4),
    ]


def _torch_files(state):
    from tests.weights.files import dictionary, program, storage, tensor

    def file(opcodes, storages):
        entries = [("archive/data.pkl", program(opcodes))]
        entries += [(f"archive/data/{key}", data) for key, data in storages.items()]
        return zips.pack([*entries, ("archive/version", b"3\n")])

    kinds = {"f2": "HalfStorage", "f4": "FloatStorage", "i8": "LongStorage"}
    whole, data = {}, {}
    for place, (key, array) in enumerate(state.items()):
        kind = kinds[array.dtype.str[1:]]
        whole[key] = tensor(storage(str(place), array.size, kind), array.shape)
        data[str(place)] = array.tobytes()
    brief = dictionary({"w": tensor(storage("0", 4, "BFloat16Storage"), (2, 2))})
    return [file(dictionary(whole), data), file(brief, {"0": bytes(8)})]


def _safetensors_files(state):
    from safetensors.numpy import save

    return [save(state, {"format": "pt"}), save({"w": np.zeros((), np.float32)})]


def _own_folder():
    """A folder of ours, with empty files in the place of weights."""
    from aa.config.convert import to_dict
    from aa.config.model import ModelConfig

    model = to_dict(ModelConfig())
    config = {"format": "aa-1", "model": model, "components": list(COMPONENTS)}
    files = {f"{name}.safetensors": b"" for name in COMPONENTS}
    return {"config.json": json.dumps(config).encode(), **files}


def _start_folder(motion):
    """What training starts from, as published."""
    unet = {
        "block_out_channels": [320, 640, 1280, 1280],
        "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
        "layers_per_block": 2,
        "attention_head_dim": 8,
        "cross_attention_dim": 768,
        "norm_num_groups": 32,
    }
    vae = {
        "block_out_channels": [128, 256, 512, 512],
        "layers_per_block": 2,
        "latent_channels": 4,
        "norm_num_groups": 32,
        "scaling_factor": 0.18215,
    }
    encoder = {"hidden_size": 1024, "num_hidden_layers": 24, "patch_size": 14, "image_size": 224}
    encoder |= {"intermediate_size": 4096, "num_attention_heads": 16, "projection_dim": 768}
    return {
        f"{UNET}config.json": json.dumps(unet).encode(),
        f"{UNET}diffusion_pytorch_model.bin": b"",
        f"{VAE}config.json": json.dumps(vae).encode(),
        f"{VAE}diffusion_pytorch_model.safetensors": b"",
        f"{ENCODER}config.json": json.dumps(encoder).encode(),
        f"{ENCODER}model.safetensors": b"",
        "mm_sd_v15_v2.ckpt": motion,
    }
