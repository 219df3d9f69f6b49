"""Pickles are read as they were written, as far as tensors need it; anything else is refused."""

import pickle

import numpy as np
import pytest

from aa.errors import UserError
from aa.weights.reading.opcodes import read_pickle
from aa.weights.reading.room import Room
from aa.weights.reading.states import read_state
from tests.weights.files import dictionary, name, plain, program, write_torch


def test_a_frame_that_ends_inside_an_argument_is_refused(tmp_path):
    (tmp_path / "w.pdparams").write_bytes(program(b"\x95" + (2).to_bytes(8, "little") + b"}M\0\0"))
    with pytest.raises(UserError, match="a frame of it ends in the middle of a step"):
        read_state(tmp_path / "w.pdparams")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_pickle_writes_for_plain_values_is_read_as_it_was(protocol):
    value = {
        "a": [1, -1, 255, 2**40, -(2**63), 0.5, True, None],
        3: ("x" * 300, b"y" * 300 if protocol > 2 else "", {}, ()),
    }
    value["again"] = value["a"]
    content = memoryview(pickle.dumps(value, protocol))
    assert read_pickle(content, Room("too much", 2**20), None) == value


def test_a_number_of_more_than_8_bytes_is_refused(tmp_path):
    (tmp_path / "w.pdparams").write_bytes(program(dictionary({"epoch": plain(2**64)})))
    with pytest.raises(UserError, match="a number of 9 bytes, at most 8 are read"):
        read_state(tmp_path / "w.pdparams")


def test_an_opcode_that_no_tensor_needs_is_refused_by_name(tmp_path):
    (tmp_path / "w.pdparams").write_bytes(pickle.dumps({"w": {1}}, 4))
    with pytest.raises(UserError, match="refused, it asks for the opcode EMPTY_SET"):
        read_state(tmp_path / "w.pdparams")


def test_long_names_are_not_in_the_message(tmp_path):
    (tmp_path / "w.pdparams").write_bytes(program(name("\x1b" * 2000, "b")))
    with pytest.raises(UserError, match="asks for a name of more than 1000 bytes") as caught:
        read_state(tmp_path / "w.pdparams")
    assert len(str(caught.value)) < 300


def test_a_checkpoint_of_many_small_tensors_is_read(tmp_path):
    state = {f"layers.{n}.bias": np.float32([n]) for n in range(10_000)}
    assert len(read_state(write_torch(tmp_path / "w.pth", state))) == 10_000


def test_bytes_of_protocol_2_that_are_long_become_the_same_array(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, 100_000, np.uint8)
    for kind, stored in (("all", array), ("ascii", array % 128)):
        path = tmp_path / f"{kind}.pdparams"
        path.write_bytes(pickle.dumps({"w": stored}, 2))
        np.testing.assert_array_equal(read_state(path)["w"], stored)
