"""Speed is measured in turns, so that a machine that changes meanwhile favours no model."""

import pytest

from schemas.report import Speed
from stages.evaluate import speed
from stages.evaluate.speed import BATCH, measure_in_turns, measure_speed
from tests.evaluate.test_compare import report, results_text

TEXTS = [f"text {number}" for number in range(7)]


class Clock:
    """Time that passes only while a model is asked, and twice as fast after a while."""

    def __init__(self, *, slow_after=float("inf")):
        self.now, self.calls, self._slow_after = 0.0, 0, slow_after

    def perf_counter(self):
        return self.now

    def model(self, name, asked, *, seconds=1.0):
        def predict(texts):
            asked.append((name, len(texts)))
            self.calls += 1
            slower = 2.0 if self.calls > self._slow_after else 1.0
            self.now += seconds * slower * len(texts)

        return predict


def measured(monkeypatch, clock, seconds, *, calls):
    monkeypatch.setattr(speed.time, "perf_counter", clock.perf_counter)
    asked = []
    models = [clock.model(name, asked, seconds=each) for name, each in enumerate(seconds)]
    return measure_in_turns(models, TEXTS, calls=calls), asked


def test_every_model_has_its_turn_in_each_round_and_another_one_begins(monkeypatch):
    found, asked = measured(monkeypatch, Clock(), [1.0, 1.0, 1.0], calls=100)
    timed = asked[3 * 6 :]  # after three calls of each size to warm up
    turns = [name for name, size in timed if size == 1][::5]
    assert turns == [(place + turn) % 3 for turn in range(20) for place in range(3)]
    assert turns == [name for name, size in timed if size == BATCH]
    for name in range(3):
        sizes = [size for who, size in timed if who == name]
        assert (sizes.count(1), sizes.count(BATCH)) == (100, 20)
    assert [one.calls for one in found] == [100, 100, 100]


@pytest.mark.parametrize("slow_after", [100, 180, 260])
def test_equal_models_are_equal_though_the_machine_becomes_slow(monkeypatch, slow_after):
    found, _ = measured(monkeypatch, Clock(slow_after=slow_after), [1.0, 1.0], calls=100)
    one, other = (model.examples_per_second_batch_64 for model in found)
    assert one == pytest.approx(other, rel=1e-6)
    assert found[0].latency_ms_batch_1 == pytest.approx(found[1].latency_ms_batch_1, rel=1e-6)


def test_median_and_quartiles_are_those_of_the_calls(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(speed.time, "perf_counter", clock.perf_counter)

    def predict(texts):
        clock.calls += 1
        clock.now += 0.001 * (1 + clock.calls % 5) * len(texts)

    found = measure_speed(predict, TEXTS, calls=500)
    assert found.latency_ms_batch_1 == pytest.approx(3.0)
    assert found.latency_ms_quartiles == pytest.approx((2.0, 4.0))
    assert found.examples_per_second_batch_64 == pytest.approx(1000 / 3)
    assert found.examples_per_second_quartiles == pytest.approx((250.0, 500.0))


@pytest.mark.parametrize("calls", [1, 2, 5, 9])
def test_few_calls_are_all_made(monkeypatch, calls):
    found, asked = measured(monkeypatch, Clock(), [0.5], calls=calls)
    assert len(asked) == min(calls, 3) + 3 + calls + 3
    assert found[0].latency_ms_quartiles == pytest.approx((500.0, 500.0))


def test_a_speed_before_quartiles_were_kept_reads_and_is_written_as_it_was():
    old = {"latency_ms_batch_1": 1.0, "examples_per_second_batch_64": 100.0, "calls": 5}
    assert Speed.model_validate(old).model_dump() == old
    shown = results_text(report())
    assert "quartiles" not in shown and "at another time" not in shown
