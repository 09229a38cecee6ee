"""The distiller: the stated objective inside `fit`, learning, and a stop on a bad loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from schemas.errors import StudentError
from stages.train.callbacks import StopOnNonFiniteLoss
from stages.train.distiller import Distiller
from stages.train.objective import Objective

RNG = np.random.default_rng(7)


def linear(seed=1):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8,))
    return keras.Model(inputs, keras.layers.Dense(4)(inputs))


def data(rows=256, labels=None):
    inputs = RNG.normal(size=(rows, 8)).astype(np.float32)
    weights = RNG.normal(size=(8, 4))
    logits = (inputs @ weights * 2).astype(np.float32)
    labels = logits.argmax(axis=1) if labels is None else labels
    return inputs, {"label": labels.astype(np.int64), "teacher_logits": logits}


def distiller(*, weight, temperature=2.0, rate=0.05):
    objective = Objective(temperature, hard_label_weight=weight)
    made = Distiller(linear(), objective, total_steps=100)
    made.compile(keras.optimizers.Adam(rate), jit_compile=False)
    return made


def test_its_loss_is_the_objective():
    inputs, labels = data(32)
    made = distiller(weight=0.3)
    expected = Objective(2.0, hard_label_weight=0.3).value(made(inputs), labels)
    found = made.evaluate(inputs, labels, batch_size=32, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(float(expected), rel=1e-5)


def test_what_a_students_own_layers_add_to_the_loss_counts():
    inputs, labels = data(32)
    entry = keras.Input((8,))
    layer = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.5))
    objective = Objective(2.0, hard_label_weight=0.3)
    made = Distiller(keras.Model(entry, layer(entry)), objective, total_steps=100)
    made.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    kernel = layer.kernel.numpy()
    expected = float(objective.value(made(inputs), labels)) + 0.5 * float((kernel**2).sum())
    found = made.evaluate(inputs, labels, batch_size=32, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    with tf.GradientTape() as tape:
        value = objective.value(made(inputs), labels)
    slope = tape.gradient(value, layer.kernel).numpy() + kernel
    made.fit(inputs, labels, batch_size=32, epochs=1, verbose=0)
    np.testing.assert_allclose(layer.kernel.numpy(), kernel - 0.1 * slope, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_it_learns(weight):
    inputs, labels = data()
    made = distiller(weight=weight)
    before = made.evaluate(inputs, labels, verbose=0, return_dict=True)
    made.fit(inputs, labels, epochs=20, batch_size=32, verbose=0)
    after = made.evaluate(inputs, labels, verbose=0, return_dict=True)
    assert after["loss"] < before["loss"] / 2
    assert after["accuracy"] > 0.9
    assert after["agreement"] == pytest.approx(after["accuracy"])


def test_it_learns_from_the_teacher_alone():
    inputs, labels = data(labels=np.full(256, -1))
    made = distiller(weight=0.1)
    made.fit(inputs, labels, epochs=20, batch_size=32, verbose=0)
    assert made.evaluate(inputs, labels, verbose=0, return_dict=True)["agreement"] > 0.9


def test_the_baseline_does_not_look_at_the_teacher():
    inputs, labels = data()
    spoilt = {**labels, "teacher_logits": np.full_like(labels["teacher_logits"], np.nan)}
    made = distiller(weight=1.0)
    made.fit(inputs, spoilt, epochs=2, verbose=0)
    assert np.isfinite(made.student.get_weights()[0]).all()


def test_a_loss_that_is_not_finite_stops_and_names_the_step():
    inputs, labels = data()
    labels["teacher_logits"][200:] = np.nan
    made = distiller(weight=0.5)
    with pytest.raises(StudentError, match=r"lstm student seed 1, epoch 1, step \d: found nan"):
        made.fit(
            inputs,
            labels,
            batch_size=64,
            shuffle=False,
            verbose=0,
            callbacks=[StopOnNonFiniteLoss("lstm student seed 1")],
        )
