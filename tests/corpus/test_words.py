"""Heads by word: the table holds logits for each word of the corpus, whatever its pieces are."""

import dataclasses
import hashlib
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import CorpusError, RunFileError, TeacherError
from schemas.layout import SPLITS
from stages.asking.recheck import Tolerance, recheck
from stages.inputs.find import input_digests
from stages.rows.codec import decode
from stages.rows.lists import offsets_of
from stages.rows.row_logits import RowLogits
from stages.table.verify import verify
from stages.table.writing.quarantine import quarantine_path
from stages.teachers.folder import read_card
from stages.teachers.load import load_teacher
from stages.teachers.parts.windows import cut_windows
from stages.teachers.parts.words import logits_of_words
from stages.teachers.places import find_teacher
from tests import tiny, tiny_berts, tiny_words

words_lists = st.lists(
    st.lists(st.text(max_size=4), min_size=1, max_size=4), min_size=1, max_size=6
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_words.write_corpus(tmp_path, tiny_words.examples())
    return tmp_path


def rows_of(table):
    names = table.card.layout.table_schema.names[:-1]
    return [row for split in SPLITS for row in table.read(split, names).to_pylist()]


def test_each_word_has_its_logits_and_words_beyond_the_window_are_null_and_counted(folder):
    table = tiny_words.label(folder)
    verify(table)
    rows, unseen = rows_of(table), 0
    assert len(rows) == 60
    for row in rows:
        assert len(row["teacher_thing"]) == len(row["words"]) == len(row["label_thing"])
        for place, (logits, label) in enumerate(
            zip(row["teacher_thing"], row["label_thing"], strict=True)
        ):
            assert (logits is None) == (place >= 6)
            unseen += logits is None
            if logits is not None:
                assert tiny_words.CLASSES[int(np.argmax(logits))] == label
    assert table.card.counts.unseen_positions == unseen > 0
    test = table.read("test", ["words"])["words"].to_pylist()
    share = sum(min(6, len(words)) for words in test) / sum(map(len, test))
    assert table.card.quality.splits["test"].accuracy == pytest.approx(share)


def test_a_digest_is_of_the_words_framed_one_by_one(folder):
    table = tiny_words.label(folder)
    for row in rows_of(table)[:5]:
        data = b"l" + len(row["words"]).to_bytes(8, "little")
        for word in row["words"]:
            data += b"s" + len(word.encode()).to_bytes(8, "little") + word.encode()
        digest = hashlib.blake2b(data, digest_size=16, person=b"softshards.in.1").digest()
        assert row["input_digest"] == digest


@given(words_lists)
def test_other_words_have_another_digest(lists):
    column = pa.array(lists, pa.list_(pa.string()))
    digests = input_digests([column]).to_pylist()
    assert len(set(digests)) == len({tuple(words) for words in lists})


def test_relabelled_or_reordered_words_cost_no_call_and_new_ones_one(folder):
    tiny_words.label(folder)
    rows = tiny_words.examples()[::-1]
    rows[3]["tags"] = ["other"] * len(rows[3]["tags"])
    tiny_words.write_corpus(folder, [*rows, {"words": ["my", "axe", "axe"], "tags": None}])
    table = tiny_words.label(folder)
    assert table.card.counts.teacher_calls == 1
    verify(table)
    found = [row for row in rows_of(table) if row["words"] == ["my", "axe", "axe"]]
    assert found[0]["label_thing"] is None
    assert [int(np.argmax(one)) for one in found[0]["teacher_thing"]] == [0, 3, 3]


@pytest.mark.parametrize("how", ["label.top_k=2", "label.precision=auto"])
def test_other_encodings_keep_the_same_classes(folder, how):
    table = tiny_words.label(folder, how)
    verify(table)
    layout = table.card.layout
    rows = table.read("train", ["words", *layout.logit_columns])
    answers = decode(rows, layout)
    best = answers.values[answers.seen].argmax(axis=1)
    words = np.array([word for row in rows["words"].to_pylist() for word in row])[answers.seen]
    said = [tiny_words.CLASSES.index(tiny_words._CLASS_OF.get(word, "other")) for word in words]
    assert best.tolist() == said


def test_views_are_lists_of_words_too(folder):
    views = 'label.views={seed=1, augmenters=[{kind="word_dropout"}, {kind="crossover"}]}'
    table = tiny_words.label(folder, views)
    verify(table)
    made = [row for row in rows_of(table) if row["view"]]
    assert len(made) == table.card.counts.views > 0
    assert all(row["label_thing"] is None for row in made)
    assert all(len(row["teacher_thing"]) == len(row["words"]) for row in made)


def test_parquet_and_text_split_at_white_space_give_the_same_rows(folder):
    rows = tiny_words.examples()
    expected = [row["input_digest"] for row in rows_of(tiny_words.label(folder))]
    pq.write_table(pa.Table.from_pylist(rows), folder / "corpus.parquet", row_group_size=7)
    lines = [{key: " ".join(value) for key, value in row.items()} for row in rows]
    (folder / "flat.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name, format in (("corpus.parquet", "parquet"), ("flat.jsonl", "jsonl")):
        files = f'corpus.files=[{{path="{name}"}}]'
        table = tiny_words.label(folder, files, f"corpus.format={format}")
        assert [row["input_digest"] for row in rows_of(table)] == expected
        assert table.card.counts.teacher_calls == 0


def test_empty_cells_are_no_words_and_no_labels(folder):
    lines = ["words\ttags", "my cat\tother animal", "old fig\t", "\tother"]
    (folder / "corpus.tsv").write_text("\n".join(lines) + "\n")
    files = ('corpus.files=[{path="corpus.tsv"}]', "corpus.format=tsv", "label.max_quarantined=1")
    table = tiny_words.label(folder, *files)
    found = {tuple(row["words"]): row["label_thing"] for row in rows_of(table)}
    assert found == {("my", "cat"): ["other", "animal"], ("old", "fig"): None}
    kept = pq.read_table(quarantine_path(table.path, table.card.plan_fingerprint))
    assert [error.split(":")[0] for error in kept["error"].to_pylist()] == ["no words"]


BAD = {
    "other number of labels": {"words": ["my", "cat"], "tags": ["other"]},
    "unknown class": {"words": ["my", "cat"], "tags": ["other", "anmal"]},
    "no words": {"words": [], "tags": []},
    "no word": {"words": ["my", None], "tags": ["other", "other"]},
    "wrong type": {"words": ["my", 3], "tags": ["other", "other"]},
}


@pytest.mark.parametrize("reason", BAD)
def test_a_row_that_does_not_hold_is_named(folder, reason):
    tiny_words.write_corpus(folder, [*tiny_words.examples(), BAD[reason]])
    with pytest.raises(CorpusError, match=rf"{reason}: corpus.jsonl row 61 column"):
        tiny_words.label(folder)


def test_bad_rows_are_quarantined_and_the_others_labelled(folder):
    rows = tiny_words.examples()
    tiny_words.write_corpus(folder, [*BAD.values(), *rows])
    table = tiny_words.label(folder, "label.max_quarantined=5")
    assert table.card.counts.rows == len(rows)
    kept = pq.read_table(quarantine_path(table.path, table.card.plan_fingerprint))
    assert [error.split(":")[0] for error in kept["error"].to_pylist()] == list(BAD)


def test_an_unknown_class_is_named_with_the_nearest(folder):
    tiny_words.write_corpus(folder, [BAD["unknown class"]])
    with pytest.raises(CorpusError, match="'anmal'.* Did you mean 'animal'"):
        tiny_words.label(folder)


def test_a_column_that_is_no_list_is_named(folder):
    pq.write_table(pa.table({"words": [[1, 2]], "tags": [["other", "other"]]}), "corpus.parquet")
    files = ('corpus.files=[{path="corpus.parquet"}]', "corpus.format=parquet")
    with pytest.raises(CorpusError, match="found list<.*int64>, expected lists of texts"):
        tiny_words.label(folder, *files)


def test_a_label_that_the_teacher_finds_unlikely_is_named_with_its_position(folder):
    rows = tiny_words.examples()
    rows[4]["tags"] = ["fruit", *rows[4]["tags"][1:]]
    tiny_words.write_corpus(folder, rows)
    found = tiny_words.label(folder).card.quality.noise_candidates
    assert [(one.source_row, one.position, one.label) for one in found] == [(5, 0, "fruit")]


def of_hugging(folder, *overrides):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    place = folder / "hugging"
    if not place.exists():
        tiny_berts.write_transformers(place, tiny_words.CLASSES[::-1], of_words=True)
    return ('teacher={kind="transformers", path="hugging", max_length=8}', *overrides)


def test_a_token_classifier_of_transformers_answers_word_by_word(folder):
    table = tiny_words.label(folder, *of_hugging(folder))
    verify(table)
    for row in rows_of(table):
        for place, (logits, word) in enumerate(
            zip(row["teacher_thing"], row["words"], strict=True)
        ):
            assert (logits is None) == (place >= 6)
            if logits is not None:
                said = tiny_words.CLASSES[int(np.argmax(logits))]
                assert said == tiny_words._CLASS_OF.get(word, "other")
    assert table.card.counts.truncated > 0
    teacher = load_teacher(source_of(folder, *of_hugging(folder)))
    recheck(table, teacher, how=tiny_words.run().label, tolerance=Tolerance(inputs=20))


def source_of(folder, *overrides):
    return find_teacher(tiny_words.run(*overrides), base=folder, fitted=folder / "made")


def test_a_word_of_several_pieces_has_those_of_its_first_or_their_mean(folder):
    lists = pa.table({"words": [["the", "my-cat", "saw"], ["fig"]]})
    first, mean, alone = (
        load_teacher(source_of(folder, *of_hugging(folder, how)))
        for how in ("name=a", "teacher.word_logits=mean", "name=b")
    )
    answers = [teacher.logits(teacher.encode(lists), np.arange(2)) for teacher in (first, mean)]
    assert answers[0].shape == answers[1].shape == (2, 3, 4)
    assert np.isnan(answers[0][1, 1:]).all() and np.isfinite(answers[0][1, 0]).all()
    np.testing.assert_allclose(answers[0][0, [0, 2]], answers[1][0, [0, 2]], rtol=1e-6)
    pieces = alone.logits(
        alone.encode(pa.table({"words": [["the", "my", "-", "cat", "saw"]]})), np.arange(1)
    )
    np.testing.assert_allclose(answers[0][0, 1], pieces[0, 1], rtol=1e-5)
    np.testing.assert_allclose(answers[1][0, 1], pieces[0, 1:4].mean(axis=0), rtol=1e-5)


def test_how_words_are_answered_is_part_of_the_fingerprint(folder):
    found = {
        source_of(folder, *of_hugging(folder, how)).fingerprint
        for how in ("teacher.word_logits=mean", "teacher.word_logits=first")
    }
    assert len(found) == 2


def test_words_beyond_the_window_are_seen_through_others_that_overlap(folder):
    cut, whole = (
        tiny_words.label(folder, *of_hugging(folder, *how)) for how in ((), ("teacher.stride=2",))
    )
    verify(whole)
    assert cut.card.counts.unseen_positions > 0 == whole.card.counts.unseen_positions
    assert cut.card.counts.truncated > 0 == whole.card.counts.truncated
    assert cut.card.teacher_fingerprint != whole.card.teacher_fingerprint
    for row in rows_of(whole):
        said = [tiny_words.CLASSES[int(np.argmax(logits))] for logits in row["teacher_thing"]]
        named = [place for place, label in enumerate(row["label_thing"]) if label != "other"]
        assert [said[place] for place in named] == [row["label_thing"][place] for place in named]
    teacher = load_teacher(source_of(folder, *of_hugging(folder, "teacher.stride=2")))
    recheck(whole, teacher, how=tiny_words.run().label, tolerance=Tolerance(inputs=20))
    assert teacher.word_embeddings().shape[1] > 0


def test_windows_give_a_short_row_what_the_teacher_gives(folder):
    plain, windowed = (
        load_teacher(source_of(folder, *of_hugging(folder, *how)))
        for how in ((), ("teacher.stride=2",))
    )
    lists = pa.table({"words": [["cat", "my-cat"], ["the", "saw", "fig", "my-dog", "axe", "pear"]]})
    expected, found = (t.logits(t.encode(lists), np.arange(2)) for t in (plain, windowed))
    np.testing.assert_allclose(found[0, :2], expected[0, :2], rtol=1e-5)
    assert np.isnan(found[0, 2:]).all()
    first = windowed.encode(lists.slice(1)).ends[0] - 2  # the words that only the first holds
    np.testing.assert_allclose(found[1, : first - 1], expected[1, : first - 1], rtol=1e-4)
    assert windowed.encode(lists).overlong.tolist() == [False, False]


@given(
    pieces=st.lists(st.integers(0, 9), min_size=1, max_size=40),
    limit=st.integers(3, 12),
    stride=st.integers(0, 5),
)
def test_windows_hold_every_word_and_share_what_was_asked(pieces, limit, stride):
    found = cut_windows(np.array(pieces), limit=limit, stride=stride)
    assert found[0][0] == 0 and found[-1][1] == len(pieces)
    for start, end in found:
        assert end == start + 1 or sum(pieces[start:end]) <= limit
    for (start, end), (after, last) in zip(found[:-1], found[1:], strict=True):
        assert start < after <= end < last
        assert sum(pieces[after:end]) <= stride
        assert sum(pieces[start : end + 1]) > limit
        too_many = sum(pieces[after - 1 : end]) > stride
        assert too_many or after == start + 1 or sum(pieces[after - 1 : end + 1]) > limit


@pytest.mark.parametrize("pieces", ["first", "mean"])
def test_not_a_number_of_a_piece_is_none_of_its_word(pieces):
    logits = np.array([[[1.0], [np.nan], [3.0], [np.nan]]], np.float32)
    found = logits_of_words(logits, np.array([[0, 1, 3, -1]]), pieces=pieces)
    np.testing.assert_array_equal(found[0, :, 0], [1.0, np.inf, np.nan, 3.0])


@given(st.data())
def test_logits_of_words_are_those_of_a_plain_loop(data):
    rows, longest, classes = 3, 5, 2
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    logits = rng.normal(size=(rows, longest, classes)).astype(np.float32)
    lists = [sorted(data.draw(st.lists(st.integers(0, 3), max_size=longest))) for _ in range(rows)]
    words = np.array([[*one, *[-1] * (longest - len(one))] for one in lists])
    for pieces in ("first", "mean"):
        found = logits_of_words(logits, words, pieces=pieces)
        for row in range(rows):
            for word in range(found.shape[1]):
                own = logits[row, words[row] == word]
                if len(own) == 0:
                    assert np.isnan(found[row, word]).all()
                else:
                    expected = own[0] if pieces == "first" else own.mean(axis=0)
                    np.testing.assert_allclose(found[row, word], expected, rtol=1e-5, atol=1e-6)


def probabilities():
    """Return a teacher of words that answers with probabilities."""
    return lambda lists: [[[0.7, 0.1, 0.1, 0.1]] * len(words) for words in lists]


def test_a_teacher_of_probabilities_by_word_is_told_what_it_can_do(folder):
    how = 'teacher={kind="module", callable="tests.corpus.test_words:probabilities"}'
    with pytest.raises(
        TeacherError, match=r"sum 1 in each of \d+ answers\. Let it answer with log"
    ):
        tiny_words.label(folder, how)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.randoms())
def test_rows_taken_are_those_asked_for(counts, random):
    offsets = offsets_of(np.array(counts))
    values = np.arange(offsets[-1] * 2, dtype=np.float32).reshape(-1, 2)
    values[::3] = np.nan
    answers = RowLogits(values, offsets)
    rows = np.array([random.randrange(len(counts)) for _ in range(5)])
    taken = answers.take(rows)
    for place, row in enumerate(rows):
        own = taken.values[taken.offsets[place] : taken.offsets[place + 1]]
        np.testing.assert_array_equal(own, values[offsets[row] : offsets[row + 1]])
    again = RowLogits.of_column(answers.column(), classes=2)
    np.testing.assert_array_equal(again.values, values)
    assert again.offsets.tolist() == offsets.tolist()


def test_a_teacher_that_answers_for_texts_is_refused(folder):
    flat = "def make(*, window):\n    return lambda lists: [[1.0, 0, 0, 0] for _ in lists]\n"
    (folder / "flat_teacher.py").write_text(flat)
    import sys

    sys.path.insert(0, str(folder))
    how = 'teacher={kind="module", callable="flat_teacher:make", options={window=1}}'
    with pytest.raises(TeacherError, match=r"found \[\d+, 4\], expected \[\d+, positions, 4\]"):
        tiny_words.label(folder, how)


@pytest.mark.parametrize(
    "override, said",
    [
        ("corpus.feature_kinds={}", "needs a list of words"),
        ('corpus.feature_kinds={word="words"}', "which are no features"),
        (
            'teacher={kind="onnx", path="teacher"}',
            "words need a teacher of kind keras or transformers or module",
        ),
        ("teacher.answers=probabilities", "is for softmax and sigmoid heads per example"),
        ("teacher.stride=2", "`stride` is for teachers of kind keras or transformers"),
        (
            'heads=[{name="h", classes=["a", "b"]}]\nteacher={kind="saved_model", path="x"}',
            "words need a teacher of kind keras or transformers or module",
        ),
    ],
)
def test_a_run_file_that_cannot_be_done_is_refused(override, said):
    with pytest.raises(RunFileError, match=said):
        tiny_words.run(*override.split("\n"))


CONLL = """-DOCSTART- -X- O

the DT O
cat NN B-animal
axe NN B-tool

old JJ O
# NN O
fig NN B-fruit
file NN I-fruit
"""
OF_CONLL = (
    "corpus.format=conll",
    'corpus.files=[{path="corpus.conll"}]',
    "corpus.conll_columns={words=0, tags=-1}",
    'heads=[{name="thing", per="token", column="tags", tags="iob2", classes=["O", "B-animal", '
    '"I-animal", "B-tool", "I-tool", "B-fruit", "I-fruit"]}]',
    'teacher={kind="module", callable="tests.tiny_words:of_spans"}',
    "corpus.split={validation=0.0, test=0.0}",
)


def test_conll_columns_are_read_sentence_by_sentence(folder):
    (folder / "corpus.conll").write_text(CONLL)
    rows = rows_of(tiny_words.label(folder, *OF_CONLL))
    found = {row["source_row"]: (row["words"], row["label_thing"]) for row in rows}
    assert found == {
        3: (["the", "cat", "axe"], ["O", "B-animal", "B-tool"]),
        7: (["old", "#", "fig", "file"], ["O", "O", "B-fruit", "I-fruit"]),
    }


@pytest.mark.parametrize(
    "line, reason, row",
    [
        ("cat B-animal", "line does not fit", 4),
        ("cat NN I-animal", "broken tags", 3),
        ("c\udce9t NN O", "wrong encoding", 4),
    ],
)
def test_a_sentence_that_does_not_hold_is_refused_and_the_others_are_read(
    folder, line, reason, row
):
    text = CONLL.replace("cat NN B-animal", line)
    (folder / "corpus.conll").write_bytes(text.encode("utf-8", errors="surrogateescape"))
    table = tiny_words.label(folder, *OF_CONLL, "label.max_quarantined=1")
    assert [one["source_row"] for one in rows_of(table)] == [7]
    kept = pq.read_table(quarantine_path(table.path, table.card.plan_fingerprint)).to_pylist()
    assert [(one["source_row"], one["error"].split(":")[0]) for one in kept] == [(row, reason)]


def test_a_column_that_a_file_does_not_have_is_named(folder):
    (folder / "corpus.conll").write_text(CONLL)
    with pytest.raises(CorpusError, match="no such column: .*found 3 columns.* number 5"):
        tiny_words.label(folder, *OF_CONLL, "corpus.conll_columns={words=0, tags=5}")


def test_each_file_may_be_a_split_of_its_own(folder):
    for name in ("one", "two", "three"):
        (folder / f"{name}.conll").write_text(f"{name} NN O\ncat NN B-animal\n")
    files = 'corpus.files=[{path="one.conll", split="train"}, {path="two.conll", split="test"}, '
    files += '{path="three.conll", split="validation"}]'
    table = tiny_words.label(folder, *OF_CONLL, files)
    for split, name in (("train", "one"), ("test", "two"), ("validation", "three")):
        assert table.read(split, ["words"])["words"].to_pylist() == [[name, "cat"]]
    assert table.card.quality.splits["test"].spans.f1 == 1.0


@pytest.mark.parametrize(
    "overrides, said",
    [
        (("corpus.format=conll",), "`conll_columns` is needed"),
        (("corpus.conll_columns={words=0}",), "`conll_columns` is needed"),
        (('corpus.files=[{path="a", split="test"}, {path="b"}]',), "for every file"),
        (
            ('corpus.files=[{path="a", split="test"}]', 'corpus.split={column="s"}'),
            "either a column's or a file's",
        ),
        (('heads=[{name="h", classes=["O", "B"], tags="iob2"}]',), "`tags` is for a head per"),
    ],
)
def test_a_corpus_that_makes_no_sense_is_refused(overrides, said):
    with pytest.raises(RunFileError, match=said):
        tiny_words.run(*overrides)


def test_a_fine_tuned_encoder_answers_word_by_word(folder):
    from stages.teach.pipeline import plan_teach, teach

    tiny_berts.write_hugging_face(folder / "bert")
    how = (
        'teacher={encoder={path="bert"}, max_length=10, stride=3, fit={seed=1, epochs=30, '
        "batch_size=8, learning_rate=5e-3, dropout=0.0, patience_epochs=30}}",
    )
    run = tiny_words.run(*how)
    teach(plan_teach(run, base=folder), out=folder / "made")
    table = tiny_words.label(folder, *how)
    verify(table)
    assert table.card.quality.splits["test"].accuracy > 0.8
    assert table.card.counts.unseen_positions == 0
    scores = read_card(folder / "made").scores["test"]
    assert scores.accuracy == pytest.approx(table.card.quality.splits["test"].accuracy)
    source = find_teacher(run, base=folder, fitted=folder / "made")
    lists = pa.table({"words": [["my-cat", "saw"], ["fig", "zzz", "the", "axe"]]})
    for pieces in ("first", "mean"):
        stated = source.how.model_copy(update={"word_logits": pieces})
        teacher = load_teacher(dataclasses.replace(source, how=stated))
        together = teacher.logits(teacher.encode(lists), np.arange(2))
        assert together.shape == (2, 4, 4) and np.isnan(together[0, 2:]).all()
        alone = teacher.logits(teacher.encode(lists.slice(0, 1)), np.arange(1))
        np.testing.assert_allclose(together[0, :2], alone[0], rtol=1e-4, atol=1e-4)


def test_windows_need_words(folder):
    with pytest.raises(RunFileError, match=r"teacher\.stride is for heads per token"):
        tiny.run("teacher.stride=2")


def write_fitted(made, *, bias=None):
    """Write the folder of a fitted teacher of random weights; the bias of its last layer."""
    import keras

    from schemas.teacher_card import TeacherCard
    from stages.networks.encoder import load_encoder
    from stages.teach.encoder import classifier

    tiny_berts.write_hugging_face(made.parent / "bert")
    keras.utils.set_random_seed(1)
    encoder, pieces = load_encoder(str(made.parent / "bert"))
    made.mkdir()
    model = classifier(encoder, classes=4, dropout=0.1, per="token")
    if bias is not None:
        model.weights[-1].assign(bias)
    model.save(made / "teacher.keras")
    (made / "vocab.txt").write_text("\n".join(pieces))
    card = TeacherCard(classes=tiny_words.CLASSES, max_length=8, lowercase=True)
    (made / "teacher.json").write_text(card.model_dump_json())


def test_not_a_number_is_no_word_that_was_not_seen(folder):
    write_fitted(folder / "made", bias=[np.nan] * 4)
    with pytest.raises(TeacherError, match="not finite"):
        tiny_words.label(folder, 'teacher={path="made", max_length=8}')


def test_a_fine_tuned_encoder_sees_all_of_a_long_row(folder):
    write_fitted(folder / "made")
    stated = 'teacher={path="made", max_length=8}'
    cut, whole = (
        load_teacher(source_of(folder, stated, *how)) for how in ((), ("teacher.stride=3",))
    )
    words = ["my-cat", "saw", "the", "old", "fig", "axe", "dog", "one"]
    lists = pa.table({"words": [words, ["fig"]]})
    first, every = (t.logits(t.encode(lists), np.arange(2)) for t in (cut, whole))
    assert np.isnan(first[0, 4:]).all() if first.shape[1] > 4 else first.shape[1] == 4
    assert np.isfinite(every[0]).all() and every.shape == (2, 8, 4)
    np.testing.assert_allclose(every[1, 0], first[1, 0], rtol=1e-4, atol=1e-5)
    encoded = whole.encode(lists)
    final = encoded.windows[1] - 1
    start, end = encoded.starts[final], encoded.ends[final]
    alone = cut.encode(pa.table({"words": [words[start:end]]}))
    own = cut.logits(alone, np.arange(1))[0, end - start - 1]
    np.testing.assert_allclose(every[0, end - 1], own, rtol=1e-3, atol=1e-4)


def test_a_stride_is_at_most_half_of_the_window(folder):
    with pytest.raises(TeacherError, match="teacher.stride is 4, and the window holds 6 pieces"):
        load_teacher(source_of(folder, *of_hugging(folder, "teacher.stride=4")))


def test_one_long_row_is_asked_for_some_windows_at_a_time(folder):
    windowed = load_teacher(source_of(folder, *of_hugging(folder, "teacher.stride=2")))
    inner, asked = windowed.teacher, []
    lists = pa.table({"words": [["fig", "the"] * 2000]})
    encoded = windowed.encode(lists)
    said = inner.logits
    inner.logits = lambda inputs, rows: asked.append(len(rows)) or said(inputs, rows)
    answer = windowed.logits(encoded, np.arange(1))
    assert answer.shape == (1, 4000, 4) and np.isfinite(answer).all()
    assert len(asked) > 1 and max(asked) * 8 <= 4096
