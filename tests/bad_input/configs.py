"""Keys and values of configs, and the files that they name; nothing is started."""

from pathlib import Path

from hydra import compose, initialize_config_dir

from aa.cli.inputs import check_inputs
from aa.cli.resolvers import register_schemas
from aa.config.convert import to_config
from aa.config.overrides import normalise_overrides
from tests.bad_input.case import ROOT, bad

KIND = "Configs"
RANDOM = ("model=parity", "data=puppets")  # needs no file
MANIFEST = (*RANDOM[:1], "data=ubcnbili", "data.manifest=clips.json")
LATENTS = ("data.latents=l", "data.cache_gb=0")
COMPILED = ("inference.engine=compiled",)
ONNX = ("inference.engine=onnxruntime",)
MOVING = ("inference.cache=deep", "inference.context_shift=true")
LOOKS_BACK = ("inference=stream", "inference.sampler=dpmsolver++")
SAMPLES = ("stage.sample_steps=5", "inference.num_frames=4")
SCORED = ("validation.num_clips=2", "validation.metrics=[loss,psnr]")
OVERLAY = (*RANDOM, "hydra.searchpath=[file://mine]", "+experiment=mine")
LORA = ("weights=.", "reference=person.png", "pose=dance.mp4", "inference.lora=style.safetensors")
GUIDANCE = ("stage=guidance", "stage.init_from=run")
FEWSTEP = ("stage=fewstep", "stage.init_from=run", "stage.student_steps=3")
STREAM = ("stage=stream", "stage.init_from=run", "stage.num_frames=16")
FILES = ("person.png", "dance.mp4")
TWO_STAGES = ("+experiment=puppets_guidance", "stage.reference_pose=true")
POSED_NEXT = ("+experiment=puppets_guidance", "next_stage.reference_pose=true")
PAIR = ("weights=.", "reference=person.png", "pose=dance.mp4")


def _config(name, runner, *overrides, prepare=lambda: None):
    @bad(KIND, name)
    def ready():
        prepare()
        register_schemas()

        def read():
            with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
                config = compose(runner, normalise_overrides(overrides))
            config.name = runner  # its default is only known inside a run
            check_inputs(to_config(config))

        return read


def overlay(text):
    """A function that writes an overlay of this text."""

    def write():
        file = Path("mine/experiment/mine.yaml")
        file.parent.mkdir(parents=True)
        file.write_text(f"# @package _global_\n{text}\n")

    return write


def touch(*names):
    return lambda: [Path(name).touch() for name in names]


_config("a key that does not exist", "train", *RANDOM, "+stage.max_stps=3")
_config("an option that does not exist", "train", "stage=3")
_config("a tracker that nobody knows", "train", *RANDOM, "trackers=[mlflow,wandb]")
_config("a word for a number", "train", *RANDOM, "stage.max_steps=many")
_config("a number for a list", "train", *RANDOM, "data.crop_scale=1")
_config("null where a value must be", "train", *RANDOM, "stage.max_steps=null")
_config("a learning rate that is no number", "train", *RANDOM, "stage.learning_rate=nan")
_config("a size that is no multiple", "train", *RANDOM, "data.height=100")
_config("a negative seed", "train", *RANDOM, "seed=-1")
_config("latents of pictures that are cut", "train", *RANDOM, "data.latents=l", "data.fit=crop")
_config("latents of a model without VAE", "train", "+experiment=puppets", *LATENTS)
_config("hosts without a first", "train", *RANDOM, "hardware.nodes=2")
_config("a port that is none", "train", *RANDOM, "hardware.nodes=2", "hardware.master=a:70000")
_config("a machine too many", "train", *RANDOM, "hardware.node_rank=1")
_config("a device without memory", "train", *RANDOM, "hardware.memory_gb=0")
_config("clips kept twice", "train", *RANDOM, "data.latents=l", "data.cache_gb=1")
_config("a compiled engine on a GPU", "infer", *PAIR, *COMPILED, "hardware=v100")
_config("a compiled engine in float16", "infer", *PAIR, *COMPILED, "inference.precision=float16")
_config("ONNX Runtime in bfloat16", "infer", *PAIR, *ONNX, "inference.precision=bfloat16")
_config("an engine on a GPU that has none", "infer", *PAIR, "inference.device=cuda")
_config("bfloat16 without compiling", "infer", *PAIR, "inference.precision=bfloat16")
_config("weights that none knows", "infer", *PAIR, *COMPILED, "inference.weights=int4")
_config("weights in 8 bits without compiling", "infer", *PAIR, "inference.weights=int8")
_config("weights in 8 bits of ONNX Runtime", "infer", *PAIR, *ONNX, "inference.weights=int8")
_config("an unknown sampler", "infer", *PAIR, "inference.sampler=euler")
_config("a cache that none knows", "infer", *PAIR, "inference.cache=all")
_config("deep features of windows that move", "infer", *PAIR, *MOVING)
_config("a stream by a sampler that looks back", "infer", *PAIR, *LOOKS_BACK)
_config("a mode that none knows", "infer", *PAIR, "inference.mode=live")
_config("a stream's window of other frames than its chunks", "train", *STREAM)
_config("a colour that nobody knows", "infer", *PAIR, "inference.background=vermilionish")
_config("a background one can see through", "infer", *PAIR, "inference.background=#ffffff80")
_config("a way to treat sound that is none", "infer", *PAIR, "inference.audio=mute")
_config("poses and a raw video", "infer", *PAIR, "driving=dance.mp4")
_config("a way to align that is none", "infer", *PAIR, "inference.align=arms")
_config("a person that is nobody", "infer", *PAIR, "poses.person=bob")
_config("a detector that nobody knows", "infer", *PAIR, "poses.detector=openpose")
_config("a shard of a list that has none", "infer", *PAIR, "cases_shard=1/2")
_config("a shard behind the last one", "infer", "weights=.", "+cases=c", "cases_shard=3/2")
_config("a shard that is no part", "infer", "weights=.", "+cases=c", "cases_shard=0.3")
_config("samples of a compiled engine", "train", *RANDOM, *SAMPLES, *COMPILED)
_config("adapters merged into samples", "train", *RANDOM, *SAMPLES, "inference.lora=style")
_config("a rank below nothing", "train", *RANDOM, "stage.lora_rank=-1")
_config("adapters that are not there", "infer", *LORA, prepare=touch("person.png", "dance.mp4"))
_config("a reference's pose for a list", "infer", "weights=.", "+cases=c", "reference_pose=p.png")
_config(
    "a reference's pose that is not there",
    "infer",
    *PAIR,
    "reference_pose=p.png",
    prepare=touch(*FILES),
)
_config("a stage that takes the reference's pose away", "train", *TWO_STAGES)
_config("a next stage that is given a pose which nothing learns", "train", *POSED_NEXT)
_config("guidance learned from nothing", "train", *RANDOM, *GUIDANCE, "stage.init_from=null")
_config("guidance learned for no scale", "train", *RANDOM, *GUIDANCE, "stage.guidance_scales=null")
_config("a scale below none", "train", *RANDOM, *GUIDANCE, "stage.guidance_scales=[0.5,2]")
_config("scales that nobody learns", "train", *RANDOM, "stage.guidance_scales=[1,2]")
_config("an objective that nobody knows", "train", *RANDOM, "stage.objective=gan")
_config("a student without a character", "train", *RANDOM, *GUIDANCE, "stage.uncond_ratio=0.1")
_config("steps that do not divide the schedule", "train", *RANDOM, *FEWSTEP)
_config("parts of pictures that are cut", "train", *RANDOM, "stage.part_weight=1", "data.fit=crop")
_config("a value that must be given", "train", *RANDOM, "stage=2")
_config("a metric that needs masks", "train", *RANDOM, "validation.metrics=[psnr_figure]")
_config("a best that is not measured", "train", *RANDOM, "validation.keep_best=psnr")
_config("every clip held out", "train", *RANDOM, "validation.num_clips=16")
_config("figures scored twice", "train", "+experiment=puppets", *SCORED)
_config("two sources of clips", "train", *RANDOM, "data.folder=clips")
_config("a model of 10^9 layers", "train", *RANDOM, "model.layers_per_block=1000000000")
_config("an unfinished list", "train", "data.crop_scale=[1,1")
_config("a key that refers to none", "train", *RANDOM, "stage.max_steps=${stage.steps}")
_config("a key that refers to a group", "train", *RANDOM, "seed=${hardware}")
_config("an option given as a value", "train", *RANDOM, "hardware.sharding=stage1")
_config("a group that is a number", "train", *RANDOM, "next_stage=5")
_config("a group that is a word", "train", *RANDOM, "model.vae=x")
_config("a group that is a list", "train", *RANDOM, "validation=[1,2]")
_config("a group that is null", "train", *RANDOM, "model.vae=null")
_config("an option that is left open", "infer", *PAIR, "inference=???")
_config("a group that is left open", "infer", *PAIR, "sweep=???")
_config("a group that refers to a text", "infer", *PAIR, "hardware.sharding=${name}")
_config("a group that refers to another one", "train", *RANDOM, "sweep=${hardware}")
_config("a group that refers to nothing", "train", *RANDOM, "model.vae=${nothing}")
_config("a key that a group has not", "infer", *PAIR, "sweep={x: 1}")
_config("an option that is a number", "infer", *PAIR, "hardware=3")
_config("an option that refers to a key", "infer", *PAIR, "inference='${name}'")
_config("an option in braces", "train", *RANDOM[1:], "model={x: 1}")
_config("no option", "train", *RANDOM, "stage=null")
_config("a group in a yaml file", "train", *OVERLAY, prepare=overlay("hardware: 5"))
_config("a group in a group's file", "train", *OVERLAY, prepare=overlay("model: {vae: x}"))
_config("a stage in a yaml file", "train", *OVERLAY, prepare=overlay("stage: ${next_stage}"))
_config("a manifest key without its file", "train", *MANIFEST)
_config(
    "a manifest key with a folder", "train", *MANIFEST, prepare=lambda: Path("clips.json").mkdir()
)
_config("a folder key with a file", "train", *RANDOM, "stage.init_from=run", prepare=touch("run"))
_config("a name of 300 letters", "infer", *PAIR, f"pose={'a' * 300}", prepare=touch("person.png"))
_config("a picture without a pose video", "infer", *PAIR, "pose=null")
_config("a pose video that is not there", "infer", *PAIR, prepare=touch("person.png"))
_config("a metric that does not exist", "evaluate", "generated=g", "truth=t", "metrics=[fid]")
_config("a true video that is not there", "evaluate", "generated=.", "truth=truth")
_config("raw videos that are not there", "prepare", "source=raw", "target=set")
_config("a data set to be made and one to be checked", "prepare", "target=set", "check=set")
_config("a page for other machines without a secret", "app", "app.host=0.0.0.0")
_config("a secret that can be guessed", "app", "app.token=short")
_config("a port that there is not", "app", "app.port=70000")
_config("previews every so many steps, but fewer than none", "infer", *PAIR, "preview_every=-1")
