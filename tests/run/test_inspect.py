"""What is said of a folder: lists that are cut say so."""

import json

from schemas.heads import Head
from schemas.teacher_card import TeacherCard
from stages.heads.hard_labels import unknown_class
from stages.run.inspect import inspect_folder

CLASSES = tuple(f"class {number}" for number in range(77))


def test_of_77_classes_a_teachers_description_says_that_there_are_more_and_json_has_all(tmp_path):
    card = TeacherCard(classes=CLASSES, max_length=16, lowercase=True)
    (tmp_path / "teacher.json").write_text(card.model_dump_json())
    text = inspect_folder(tmp_path, as_json=False)
    assert "class 11 and 65 more" in text and "class 12" not in text
    assert json.loads(inspect_folder(tmp_path, as_json=True))["classes"] == list(CLASSES)


def test_a_table_of_few_classes_has_all_of_them(labelled):
    assert "thing: animal, fruit, tool\n" in inspect_folder(labelled / "labels", as_json=False)


def test_a_message_that_cuts_its_list_says_so():
    said = unknown_class("klass", Head(name="h", classes=CLASSES))
    assert "expected one of class 0, class 1" in said and "class 11 and 65 more." in said
