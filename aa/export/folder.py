"""The folder of an export: ONNX files with their weights beside them, a plan, a script."""

import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto

import aa
from aa.errors import UserError
from aa.export.animation import Animation
from aa.export.parts import ExportedPart, exported_parts
from aa.export.steps import ddim_steps
from aa.files import check_space, replacing, write_json
from aa.inference.compiled.fitting import CUDA, fit_for_onnxruntime
from aa.inference.compiled.graphs import named_weights, shared_weights
from aa.inference.compiled.half import graph_weights
from aa.inference.compiled.onnx_graph import rename
from aa.inference.compiled.translation import translate
from aa.models.tracing import trace_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aa.models.animate_anyone import AnimateAnyone

log = logging.getLogger(__name__)

PLAN, SCRIPT, FORMAT = "export.json", "animate.py", 2
# What runs an export, the first that is there: plain ONNX runs anywhere.
PROVIDERS = {"cuda": [["CUDAExecutionProvider", CUDA]]}
PROVIDERS["cpu"] = [*PROVIDERS["cuda"], ["CPUExecutionProvider", {}]]
ALIGNED = 4096  # bytes: a reader may map weights into memory


def check_target(target: Path) -> None:
    """Refuse a folder that is there already.

    Raises:
        UserError: it is.
    """
    if target.exists():
        raise UserError(f"target={target}: exists already; choose a new folder.")


def export(model: "AnimateAnyone", target: Path, animation: Animation) -> None:
    """Write the export of a model; the folder has its name when it is whole.

    Args:
        model: in evaluation mode.
        target: the folder.
        animation: that the model can make.

    Raises:
        UserError: the folder is there already, or its disk has no room.
    """
    check_target(target)
    partial = target.with_name(f".{target.name}.partial")
    check_space(target.parent, sum(4 * p.size for p in model.parameters()))
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        write_export(partial, model, animation)
        os.rename(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_export(folder: Path, model: "AnimateAnyone", animation: Animation) -> None:
    """Fill an empty folder with the export of a model in evaluation mode."""
    weights, parts = shared_weights(model), exported_parts(model, animation)
    for name, part in parts.items():
        graph = part_graph(model, part, device=animation.device, precision=animation.precision)
        write_model(folder / f"{name}.onnx", graph, graph_weights(weights, graph))
        log.info("exported: %s", name)
    (folder / SCRIPT).write_bytes(Path(__file__).with_name("example.py").read_bytes())
    plan = {
        "format": FORMAT,
        "made_by": f"aa {aa.__version__}",
        "precision": animation.precision,
        "providers": PROVIDERS[animation.device],
        "height": animation.height,
        "width": animation.width,
        "frames": animation.frames,
        "overlap": animation.overlap,
        "latents": list(parts["decode"].inputs["latents"].shape)[1:],
        "clip_size": model.config.image_encoder.image_size,
        "guidance_scale": animation.guidance_scale,
        "parts": {name: described(part, animation.precision) for name, part in parts.items()},
        "files": {p.name: p.stat().st_size for p in sorted(folder.glob("*.onnx*"))},
        "steps": ddim_steps(model.config, animation.steps),
    }
    write_json(folder / PLAN, plan)


def part_graph(
    model: "AnimateAnyone", part: ExportedPart, *, device: str = "cpu", precision: str = "float32"
) -> onnx.ModelProto:
    """The ONNX model of a part, with the part's names; on a CPU it is plain ONNX."""
    traced = trace_program(
        lambda *tensors: part.function(model, *tensors), list(part.inputs.values())
    )
    names = {tensor.name: name for name, tensor in named_weights(model).items()}
    graph = translate(traced, names)
    if device == "cuda":
        fit_for_onnxruntime(graph, device=device, precision=precision)
    rename(graph, [*part.inputs], part.outputs)
    return graph


def described(part: ExportedPart, precision: str) -> dict[str, Any]:
    """Names, types and shapes of what a part takes, and names of what it gives."""
    kinds = {}
    for name, spec in part.inputs.items():
        kind = str(spec.dtype).split(".")[-1]
        kinds[name] = [precision if kind == "float32" else kind, *spec.shape]
    return {"inputs": kinds, "outputs": part.outputs}


def write_model(path: Path, graph: onnx.ModelProto, weights: "Mapping[str, np.ndarray]") -> None:
    """Write a model, and its weights into a file beside it."""
    outside = [t for t in graph.graph.initializer if t.data_location == TensorProto.EXTERNAL]
    data = path.with_name(f"{path.name}.data")
    if outside:
        with replacing(data) as file:
            for tensor in outside:
                file.write(bytes(-file.tell() % ALIGNED))
                array = weights[tensor.name]
                place = {"location": data.name, "offset": file.tell(), "length": array.nbytes}
                del tensor.external_data[:]
                for key, value in place.items():
                    tensor.external_data.add(key=key, value=str(value))
                file.write(array.tobytes())
    with replacing(path) as file:
        file.write(graph.SerializeToString())
