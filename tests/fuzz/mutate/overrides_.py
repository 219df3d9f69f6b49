"""Lists of overrides as a run records them, put together from honest and from evil ones."""

from tests.fuzz.kind import BESIDE
from tests.fuzz.mutate.values import any_number, any_text

HONEST = (
    *("stage.max_steps=4", "stage.max_steps=9", "seed=7", "name=mine", "model=parity", "stage=1"),
    *("data=puppets", "hardware=cpu", "hardware/sharding=none", "inference=fast"),
    *("stage.learning_rate=1e-4", "stage.save_steps=2", "validation.num_clips=1", "test=null"),
    *("data.height=32", "data.width=32", "data.crop_scale=[0.5,1.0]", "data.num_workers=0"),
    *("stage.init_from=null", "data.generate.num_clips=3", "data.generate.folder='a, b'"),
    "stage.trainable=['denoising_unet.*','!denoising_unet.conv_in.*']",
    *("model.base_weights=null", "hydra/job_logging=run", "hydra.verbose=false", "rerun=older"),
    *("hydra.run.dir=runs/run", "hydra.job.chdir=false", "resume='runs/run'", "+rerun_check=false"),
)
KEYS = (
    *("seed", "name", "stage", "stage.max_steps", "stage.trainable", "stage.init_from", "model"),
    *("data.generate.folder", "model.base_weights", "hardware.device", "hardware/sharding"),
    *("inference.background", "validation.metrics", "data.manifest", "sweep.metric", "next_stage"),
    *("test", "experiment", "nobody", "stage.nobody", "hydra", "hydra.run.dir", "hydra.sweep.dir"),
    *("hydra.searchpath", "hydra.job.name", "hydra.output_subdir", "hydra.verbose", "defaults"),
    *("hydra/launcher", "hydra/sweeper", "hydra/callbacks", "hydra/env", "hydra/job_logging"),
    *("hydra.launcher", "hydra.sweeper.params", "hydra.help.header", "hydra.job.config_name"),
    *("hydra.runtime.output_dir", "hydra.runtime.cwd", "hydra.job.env_copy", "hydra.mode"),
)
# Whole overrides that would make Hydra or Python's logging run, import, read or set something.
EVIL = (
    "+hydra.callbacks.evil._target_=os.system",
    "+hydra.callbacks.evil.command='touch ran'",
    "+hydra.callbacks={evil:{_target_:os.system,command:'touch ran'}}",
    "hydra.callbacks={evil:{_target_:os.system,command:'touch ran'}}",
    "++hydra.callbacks.evil={_target_:subprocess.run,args:[touch,ran]}",
    "+hydra/callbacks@hydra.callbacks=evil",
    "+hydra.job_logging.handlers.x={'()':os.system,command:'touch ran'}",
    "+hydra.job_logging.formatters.x.'()'=os.system",
    "hydra.job_logging.formatters.simple={'()':os.system,command:'touch ran'}",
    "+hydra.job_logging.handlers.x.class=logging.handlers.SMTPHandler",
    "hydra.job_logging.handlers.file.class=subprocess.Popen",
    f"hydra.job_logging.handlers.file.filename={BESIDE}/log",
    "hydra.job_logging.handlers.console.stream=ext://os.system",
    "+hydra.hydra_logging.handlers.x={'()':os.system,command:'touch ran'}",
    "hydra.launcher._target_=os.system",
    "hydra.sweeper._target_=os.system",
    "++hydra.launcher={_target_:os.system,command:'touch ran'}",
    "+hydra.env.x=1",
    "+hydra.job.env_set.LD_PRELOAD=/tmp/x.so",
    "hydra.job.env_set={PATH:/tmp}",
    "hydra.job.env_copy=[SECRET]",
    f"hydra.searchpath=[file://{BESIDE}/evil/conf]",
    "hydra.searchpath=[pkg://tests.fuzz]",
    f"hydra.run.dir={BESIDE}/made",
    f"hydra.sweep.dir={BESIDE}/made",
    f"hydra.output_subdir={BESIDE}/made",
    "hydra.help.header=${oc.env:SECRET}",
    "hydra.job.name=../../x",
    "hydra.mode=MULTIRUN",
    f"+experiment={BESIDE}/evil/evil",
    "+experiment=../../evil/evil",
    f"stage={BESIDE}/evil/conf/stage/evil",
    "stage=../../../evil/conf/stage/evil",
    f"+stage@hydra={BESIDE}/evil/evil",
    "+experiment@hydra.callbacks=smoke",
    "+hydra/callbacks=[../../evil]",
    f"hydra/job_logging={BESIDE}/evil/evil",
    "hydra/launcher=nobody",
    "~hydra.job_logging",
    "~stage",
    "~stage.max_steps",
    "~experiment",
    "+stage@_global_=1",
    "+stage@_here_=1",
    "stage@next_stage=1",
    "+_target_=os.system",
    "+stage._target_=os.system",
    "++hydra.runtime={}",
    "hydra=null",
    "hydra.callbacks=null",
    "+hydra.nobody=1",
    "--multirun",
    f"--config-dir={BESIDE}/evil/conf",
    f"-cd={BESIDE}/evil/conf",
    f"sweep.resume={BESIDE}/evil",
    f"data.generate.folder=${{new_folder:{BESIDE}/made}}",
)
VALUES = (
    *("${oc.env:SECRET}", "${oc.env:SECRET,x}", "${oc.env:HOME}", "'${oc.env:SECRET}'"),
    *("a${oc.env:SECRET}b", "[${oc.env:SECRET}]", "{a:${oc.env:SECRET}}"),
    *(f"${{new_folder:{BESIDE}/made}}", f"'${{new_folder:{BESIDE}/made}}'"),
    *("${oc.decode:'[1,2]'}", "${oc.create:{a:1}}", "${oc.select:stage}", "${oc.dict.keys:stage}"),
    *("${hydra:runtime.cwd}", "${hydra:job.name}", "${hydra.runtime.choices}", "${now:%Y}"),
    *("${job_folder:}", "${first_host:1}", "${chosen:model}", "${name}", "${seed}", "${stage}"),
    *("${.}", "${..}", "${a.b", "${nobody:1}", "\\${name}", "'\\''", "null", "???", "''"),
    *("1,2", "range(1,3)", "choice(a,b)", "glob(*)", "interval(0,1)", "shuffle(1,2)", "sort(2,1)"),
    *("int(1.5)", "float(x)", "str(1)", "bool(2)", "json_str(a)", "extend_list(1)", "tag(a,b)"),
    *("[", "{", "[[[[[[", "[" * 500 + "]" * 500, "{a:" * 300 + "1" + "}" * 300, "[1," * 3000),
    *("1" * 5000, "1e999", "nan", "inf", "-1", "0x10", "1_000", "a" * 20_000, "," * 2000),
)


def any_override(rng):
    """An evil override, or one of a real key with a strange value."""
    if rng.random() < 0.4:
        return rng.choice(EVIL)
    key = rng.choice(KEYS) if rng.random() < 0.9 else any_text(rng)
    value = rng.choice((rng.choice(VALUES), any_text(rng), str(any_number(rng))))
    before = rng.choice(("", "", "", "+", "++", "~"))
    package = rng.choice(("", "", "", "", "@_global_", "@hydra", "@hydra.callbacks", "@a:b"))
    return f"{before}{key}{package}={value}"


def any_list(rng):
    """What a run that is none of ours may have been started with."""
    found = ["+experiment=smoke"] if rng.random() < 0.9 else []
    found += rng.sample(HONEST, rng.choice((0, 0, 1, 2, 3)))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        found.insert(rng.randrange(len(found) + 1), any_override(rng))
    return found


def any_options(rng):
    """Options of the command that a snapshot speaks of."""
    return rng.choice(
        (
            [f"--config-dir={BESIDE}/evil/conf"],
            ["--config-dir", f"{BESIDE}/evil/conf"],
            ["--config-dir=../evil/conf"],
            [f"--config-path={BESIDE}/evil/conf"],
            ["--config-path", "../../evil/conf"],
            ["--config-name=infer"],
            ["--config-name=../evil/evil"],
            [f"--config-name={BESIDE}/evil/evil"],
            ["--package=hydra"],
            ["--multirun"],
            ["--cfg", "hydra"],
            ["--nobody"],
            ["--config-dir=\0"],
            [f"--config-dir={any_text(rng)}"],
        )
    )
