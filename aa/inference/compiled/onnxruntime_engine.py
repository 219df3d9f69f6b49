"""ONNX Runtime as the engine: on a CPU in float32, on a GPU in float32 or float16."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from aa.errors import UserError
from aa.inference.compiled.engines import Network
from aa.inference.compiled.fitting import CUDA, fit_for_onnxruntime
from aa.inference.compiled.half import graph_weights
from aa.inference.compiled.onnx_graph import FORMAT, OPSET

VIDEO = [1, "c", "all", "h", "w"]
ERRORS_ONLY = 3  # of ONNX Runtime, the least severe that is shown
GPU_IS_FULL = re.compile(r"allocate memory|out of memory|CUDNN_STATUS_ALLOC_FAILED", re.IGNORECASE)


@dataclass(frozen=True)
class DeviceTensor:
    """A tensor on the GPU, and what it is to the graphs' makers."""

    value: ort.OrtValue
    shape: tuple[int, ...]
    dtype: np.dtype


class OnnxRuntimeEngine:
    """Runs graphs on a CPU, or on a GPU that the same package finds; see `Engine`."""

    def __init__(
        self, *, precision: str = "float32", device: str = "cpu", num_threads: int | None = None
    ) -> None:
        self.device, self.precision = device, precision
        self.whole, self.half = device == "cuda", precision == "float16"
        known = ("float32", "float16") if self.whole else ("float32",)
        if precision not in known:
            raise UserError(
                f"inference.engine=onnxruntime computes {' or '.join(known)} on {device}, got "
                f"{precision}; inference.engine=openvino computes bfloat16 on a CPU."
            )
        self.num_threads = num_threads or 0
        self._kept = []  # what the sessions' weights lie in
        self._small: dict[Any, ort.InferenceSession] = {}  # of frames, beside the networks

    def load(self, graph: bytes, weights: Mapping[str, np.ndarray]) -> Network:
        """See `Engine.load`; on a GPU the weights are copied."""
        model = onnx.ModelProto.FromString(graph)
        fit_for_onnxruntime(model, device=self.device, precision=self.precision)
        weights = graph_weights(weights, model)
        names = [t.name for t in model.graph.initializer if t.data_location == TensorProto.EXTERNAL]
        values = [ort.OrtValue.ortvalue_from_numpy(weights[name]) for name in names]
        options = session_options(self.num_threads)
        options.add_external_initializers(names, values)
        session = self._session(model, options)
        if not self.whole:
            self._kept.append(values)
        types = {i.name: np.float16 if "float16" in i.type else None for i in session.get_inputs()}
        outputs = [output.name for output in session.get_outputs()]

        def run(tensors):
            binding = session.io_binding()
            for (name, dtype), tensor in zip(types.items(), tensors, strict=True):
                if isinstance(tensor, DeviceTensor):
                    binding.bind_ortvalue_input(name, tensor.value)
                else:
                    binding.bind_cpu_input(name, np.ascontiguousarray(tensor, dtype))
            for name in outputs:
                binding.bind_output(name)
            self._run(session, binding)
            found = binding.copy_outputs_to_cpu()
            return [x.astype(np.float32) if x.dtype == np.float16 else x for x in found]

        return run

    def hold(self, array: np.ndarray) -> Any:
        """See `Engine.hold`."""
        if not self.whole:
            return array
        held = array.astype(np.float16) if self.half and array.dtype == np.float32 else array
        value = ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(held), "cuda", 0)
        return DeviceTensor(value, array.shape, array.dtype)

    def take_frames(self, held: Any, frames: np.ndarray) -> Any:
        """See `Engine.take_frames`."""
        if not self.whole:
            return held.take(frames, axis=2)
        inputs = {"video": held.value, "frames": frames}
        shape = (*held.shape[:2], len(frames), *held.shape[3:])
        return DeviceTensor(self._on_device(frame_selection, inputs), shape, held.dtype)

    def join_frames(self, held: Sequence[Any]) -> Any:
        """See `Engine.join_frames`."""
        if not self.whole:
            return np.concatenate(held, axis=2)
        inputs = {f"video_{i}": video.value for i, video in enumerate(held)}
        first, count = held[0], sum(video.shape[2] for video in held)
        shape = (*first.shape[:2], count, *first.shape[3:])
        return DeviceTensor(self._on_device(frame_join, inputs), shape, first.dtype)

    def _on_device(self, model, inputs):
        """The only result of a model (kind, names of the inputs) -> ONNX, left where it is."""
        key = (model, len(inputs))
        if key not in self._small:
            kind = TensorProto.FLOAT16 if self.half else TensorProto.FLOAT
            self._small[key] = self._session(model(kind, [*inputs]), session_options(1))
        binding = self._small[key].io_binding()
        for name, value in inputs.items():
            on_cpu = isinstance(value, np.ndarray)
            (binding.bind_cpu_input if on_cpu else binding.bind_ortvalue_input)(name, value)
        binding.bind_output("some", "cuda")
        self._run(self._small[key], binding)
        return binding.get_outputs()[0]

    def _session(self, model, options):
        if not self.whole:
            providers: Sequence[Any] = ["CPUExecutionProvider"]
        else:
            ort.preload_dlls()
            providers = [("CUDAExecutionProvider", CUDA), "CPUExecutionProvider"]
        with _full_gpu_is_said():
            session = ort.InferenceSession(model.SerializeToString(), options, providers=providers)
        if self.whole and session.get_providers()[0] != "CUDAExecutionProvider":
            raise UserError(
                "inference.device=cuda: ONNX Runtime finds no GPU here, or not CUDA's libraries; "
                "use inference.device=cpu."
            )
        return session

    def _run(self, session, binding):
        with _full_gpu_is_said():
            session.run_with_iobinding(binding)


def session_options(num_threads: int = 0) -> ort.SessionOptions:
    """How all sessions run.

    ONNX Runtime would keep a buffer for every shape that comes again, and then lay all of a call
    into one: at 24 frames of 512 x 784 that takes 32 GiB of a GPU in place of 6.4.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.log_severity_level = ERRORS_ONLY
    options.enable_mem_reuse = options.enable_mem_pattern = False
    return options


@contextlib.contextmanager
def _full_gpu_is_said() -> Iterator[None]:
    """Say in one line that a GPU has no memory left."""
    try:
        yield
    except Exception as error:  # ONNX Runtime's own, of several kinds
        if not GPU_IS_FULL.search(str(error)):
            raise
        raise UserError(
            "inference.device=cuda: the GPU has not enough memory for this call; choose a "
            "smaller inference.width and height or fewer inference.context_frames "
            "(of a stream inference.stream_chunk), inference.precision=float16, or another GPU."
        ) from error


def frame_selection(kind: int, names: Sequence[str]) -> onnx.ModelProto:
    """The model that takes frames [f] out of a video [1, C, F, h, w] of any size."""
    video, frames = names
    inputs = {video: (kind, VIDEO), frames: (TensorProto.INT64, ["f"])}
    return _one_node("Gather", inputs, kind)


def frame_join(kind: int, names: Sequence[str]) -> onnx.ModelProto:
    """The model that lays videos [1, C, F, h, w] one after the other."""
    sides = {name: [1, "c", f"frames_{i}", "h", "w"] for i, name in enumerate(names)}
    return _one_node("Concat", {name: (kind, shape) for name, shape in sides.items()}, kind)


def _one_node(
    operation: str, inputs: Mapping[str, tuple[int, list[Any]]], kind: int
) -> onnx.ModelProto:
    """The model of one operation along the frames of videos."""
    given = [helper.make_tensor_value_info(name, of, shape) for name, (of, shape) in inputs.items()]
    some = helper.make_tensor_value_info("some", kind, [1, "c", "f", "h", "w"])
    node = helper.make_node(operation, [*inputs], ["some"], axis=2)
    graph = helper.make_graph([node], "frames", given, [some])
    opsets = [helper.make_opsetid("", OPSET)]
    return cast(onnx.ModelProto, helper.make_model(graph, opset_imports=opsets, ir_version=FORMAT))
