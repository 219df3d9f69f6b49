"""DWPose's files through rtmlib, with tiny networks that give the same answer for any picture."""

import importlib.util

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from aa.errors import UserError
from aa.poses.detectors.choice import open_detector
from aa.poses.skeleton import LEFT_ANKLE, NECK, NOSE, RIGHT_HAND, RIGHT_SHOULDER

HEIGHT, WIDTH = 64, 48  # of the pose network's picture
needs_rtmlib = pytest.mark.skipif(
    importlib.util.find_spec("rtmlib") is None, reason="rtmlib is not installed"
)


def write_network(path, size, outputs):
    """A network of pictures [1, 3, *size] whose results are always these arrays."""
    nodes, infos = [], []
    for name, array in outputs.items():
        nodes += [
            # Something of the picture, none of it: a network without use of its input is refused.
            helper.make_node("ReduceSum", ["picture"], [f"{name}_sum"], keepdims=0),
            helper.make_node("Mul", [f"{name}_sum", "zero"], [f"{name}_nothing"]),
            helper.make_node("Add", [f"{name}_value", f"{name}_nothing"], [name]),
        ]
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))
    values = [
        numpy_helper.from_array(a.astype("float32"), f"{n}_value") for n, a in outputs.items()
    ]
    zero = numpy_helper.from_array(np.zeros((), "float32"), "zero")
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, *size])
    graph = helper.make_graph(nodes, "tiny", [picture], infos, [*values, zero])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)


def simcc(places):
    """One-hot rows for places in half pixels: [1, points, 2 * size]."""
    x, y = np.zeros((1, len(places), 2 * WIDTH)), np.zeros((1, len(places), 2 * HEIGHT))
    for number, (column, row) in enumerate(places):
        x[0, number, int(2 * column)] = y[0, number, int(2 * row)] = 0.9
    return {"simcc_x": x, "simcc_y": y}


@pytest.fixture
def files(tmp_path):
    """Networks that see one person, a dog, and the point `n` of the person at (n % 48, n % 64)."""
    boxes = np.zeros((1, 84, 85))  # 64 + 16 + 4 cells of a picture of 64x64
    # Middle of the cell at (32, 32) of stride 8, and log of width and height in strides.
    boxes[0, 36, :6] = 0, 0, np.log(3), np.log(4), 1, 0.9  # 24x32: a person
    boxes[0, 0, [*range(5), 5 + 16]] = 0, 0, 0, 0, 1, 0.9  # a dog
    write_network(tmp_path / "finder.onnx", (64, 64), {"boxes": boxes})
    places = [(n % WIDTH, n % HEIGHT) for n in range(133)]
    write_network(tmp_path / "pose.onnx", (HEIGHT, WIDTH), simcc(places))
    return {
        "dwpose_detector": str(tmp_path / "finder.onnx"),
        "dwpose_pose": str(tmp_path / "pose.onnx"),
    }


@needs_rtmlib
def test_the_points_of_a_person_are_in_their_places_and_a_dog_has_none(files):
    detector = open_detector("dwpose", num_threads=1, **files)
    (person,) = detector(np.zeros((64, 64, 3), "uint8"))
    # The box about (32, 32) of 24x32 and a quarter more is 30x40: a pixel of the network is 0.625.
    corner = np.array([32 - 15, 32 - 20])
    assert person.points[NOSE] == pytest.approx(corner)
    assert person.points[RIGHT_SHOULDER] == pytest.approx(corner + 0.625 * 6)
    assert person.points[LEFT_ANKLE] == pytest.approx(corner + 0.625 * 15)
    assert person.points[NECK] == pytest.approx(corner + 0.625 * 5.5)
    assert person.points[RIGHT_HAND][0] == pytest.approx(
        corner + 0.625 * np.array([112 % WIDTH, 112 % HEIGHT])
    )
    assert person.scores == pytest.approx(0.9)


@needs_rtmlib
def test_between_searches_the_box_is_that_of_the_last_points(files):
    detector = open_detector("dwpose", num_threads=1, **files)
    frame = np.zeros((64, 64, 3), "uint8")
    (first,), (second,) = detector(frame), detector(frame)
    # The network shows points all over its picture, a quarter more than the last ones take.
    low, high = first.points[:, 1].min(), first.points[:, 1].max()
    assert second.points[NOSE, 1] == pytest.approx((low + high) / 2 - 1.25 * (high - low) / 2)
    detector.reset()
    (again,) = detector(frame)
    assert np.array_equal(again.points, first.points)


@needs_rtmlib
def test_a_network_of_other_points_is_refused(files, tmp_path):
    write_network(tmp_path / "body.onnx", (HEIGHT, WIDTH), simcc([(1, 1)] * 17))
    with pytest.raises(UserError, match=r"body\.onnx: has 17 points\. Wanted: .* 133 points"):
        open_detector("dwpose", **{**files, "dwpose_pose": str(tmp_path / "body.onnx")})


@needs_rtmlib
def test_a_file_that_is_no_network_is_refused(files, tmp_path):
    (tmp_path / "pose.onnx").write_bytes(b"none")
    with pytest.raises(UserError, match=r"pose\.onnx: no network"):
        open_detector("dwpose", **files)


def test_a_missing_file_is_named(files, tmp_path):
    with pytest.raises(UserError, match=r"none\.onnx: no such file\. Wanted: released ONNX"):
        open_detector("dwpose", **{**files, "dwpose_pose": str(tmp_path / "none.onnx")})


def test_without_rtmlib_the_error_says_how_to_install_it(files, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"rtmlib is not installed\. Run `pip install"):
        open_detector("dwpose", **files)
