"""What a teacher of any kind says of a text is the same in whatever batch the text is asked."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.teachers.load import load_teacher
from tests import tiny
from tests.teachers.kinds import ASKED, ROUNDED, source_of

pytestmark = pytest.mark.usefixtures("own_modules_and_cache")

some_texts = st.lists(
    st.lists(st.sampled_from(tiny.VOCABULARY[4:]) | st.text("xyz", min_size=1), min_size=1).map(
        " ".join
    ),
    min_size=2,
    max_size=6,
)


@pytest.mark.parametrize("make", ASKED)
def test_no_batch_and_no_padding_changes_an_answer(make, experiment):
    teacher = load_teacher(source_of(experiment, make(experiment)))
    precision = 2**-7 if make in ROUNDED else 1e-4

    @given(texts=some_texts, data=st.data())
    @settings(max_examples=15)
    def holds(texts, data):
        encoded = teacher.encode(pa.table({"text": texts}))
        whole = teacher.logits(encoded, np.arange(len(texts)))
        order = np.array(data.draw(st.permutations(range(len(texts)))))
        cut = data.draw(st.integers(1, len(texts) - 1))
        for batch in (order[:cut], order[cut:], order[:1]):
            found = teacher.logits(encoded, batch)
            np.testing.assert_allclose(found, whole[batch], rtol=precision, atol=precision)

    holds()
