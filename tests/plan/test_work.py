"""Work of a step, counted by hand, and the time it takes at least."""

import paddle
import pytest
from paddle.static import InputSpec

from aa.config.hardware import HardwareConfig
from aa.plan.graph import trace
from aa.plan.order import mark_gradients
from aa.plan.rates import device_rates, measured_rates
from aa.plan.work import Cost, Rates, graph_work, update_work

NUMBERS = 4  # bytes of one


@pytest.fixture
def product():
    """The graph of x @ w, of 2x3 and 3x5 numbers, where only w wants a gradient."""
    layer = paddle.nn.Linear(3, 5, bias_attr=False)
    graph = trace(lambda x: layer(x), [InputSpec([2, 3], "float32", stop_gradient=True)])
    mark_gradients(graph.operations, True)
    return graph


def test_a_product_multiplies_once_forward_and_once_for_each_gradient(product):
    assert graph_work(product).flops == 2 * (2 * 3 * 5) * 2


def test_a_product_moves_its_factors_and_results_and_their_gradients(product):
    x, w, y = 6, 15, 10
    assert graph_work(product).bytes == NUMBERS * ((x + w + y) + (x + w + y + w))


def test_what_recompute_repeats_is_no_work_of_the_model(product):
    for operation in product.operations:
        operation.segment = 0
    once, twice = graph_work(product), graph_work(product, recompute=True)
    assert twice.flops == once.flops + 2 * (2 * 3 * 5)
    assert twice.model_flops == once.flops


def test_adamw_reads_four_numbers_a_parameter_and_writes_three():
    assert update_work(4, averaged=False).bytes == 4 * 7
    assert update_work(4, averaged=False, shards=7).bytes == 4
    assert update_work(4, averaged=True).bytes == 4 * (7 + 3)


def test_an_operation_takes_the_longer_of_its_arithmetic_and_its_numbers():
    work = Cost([(100, 1), (1, 30)])
    assert work.seconds(Rates(flops=10, bytes=5)) == 100 / 10 + 30 / 5


def test_the_rates_of_a_card_are_those_of_its_precision():
    card = {"device": "gpu", "peak_tflops": {"float16": 125.0}, "bandwidth_gb": 900.0}
    assert device_rates(HardwareConfig(**card, precision="float16")) == Rates(125e12, 900e9)
    assert device_rates(HardwareConfig(**card, precision="float32")) is None
    assert measured_rates(HardwareConfig(**card)) is None


def test_the_rates_of_a_cpu_are_measured_and_shared_by_its_processes():
    rates = measured_rates(HardwareConfig(device="cpu"))
    assert 1e8 < rates.flops < 1e14
    assert 1e8 < rates.bytes < 1e12
