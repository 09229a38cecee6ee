"""A user's own code: what it raises is stated, with its file and line."""

import sys
from pathlib import Path

import pytest

from schemas.errors import TeacherError, UserCodeError
from stages.machine.endings import interrupted
from stages.machine.plugins import can_import, guarded, import_function, source_of
from stages.machine.tracebacks import own_place

MODULES = {
    "own_raises": "import json\nwidth = json.loads('{')\n",
    "own_syntax": "def make(:\n",
    "own_needs": "\nimport a_package_that_is_not_there\n",
    "own_ends": "import sys\nsys.exit(3)\n",
    "own_leaves": "raise GeneratorExit('now')\n",
    "own_states": "from schemas.errors import TeacherError\nraise TeacherError('no. Mend.')\n",
    "own_calls": (
        "def make(width):\n    return {}[width]\n\nTEXT = 'no function'\n\n"
        "class Own(BaseException):\n    pass\n\ndef end(what):\n    raise what\n\n"
        "def encode(word):\n    import pyarrow\n    return pyarrow.array([word])\n\n"
        "def state():\n    from schemas.errors import TeacherError\n    raise TeacherError('no.')\n"
    ),
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    yield tmp_path
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("own_raises", "own_raises:make: own_raises.py:2: JSONDecodeError: Expecting property"),
        ("own_syntax", "own_syntax:make: own_syntax.py:1: SyntaxError: "),
        ("own_needs", "own_needs:make: own_needs.py:2: ModuleNotFoundError: No module named 'a_p"),
        ("own_leaves", "own_leaves:make: own_leaves.py:1: GeneratorExit: now. Mend it."),
        ("own_ends", "own_ends:make: own_ends.py:2: SystemExit: 3. Mend it."),
    ],
)
def test_what_a_module_raises_when_it_is_imported_names_its_line(own, module, message):
    with pytest.raises(UserCodeError) as raised:
        import_function(f"{module}:make")
    assert str(raised.value).startswith(f"your own code raised: {message}")


@pytest.mark.parametrize("name", ["own_nowhere:make", "own_calls.part:make", ".own_calls:make"])
def test_a_module_that_is_not_there_is_not_said_to_have_raised(own, name):
    with pytest.raises(ImportError):
        import_function(name)


def test_a_module_whose_needs_are_not_here_cannot_be_imported_here(own):
    assert not can_import("own_needs:make")
    assert can_import("own_raises:make")
    assert can_import("own_calls:nothing")


def test_what_is_stated_by_own_code_is_let_through(own):
    with pytest.raises(TeacherError, match=r"no\. Mend\."):
        import_function("own_states:make")
    with pytest.raises(TeacherError, match=r"no\."):
        guarded("own_calls:state", import_function("own_calls:state"))()


def test_a_call_that_raises_names_its_line_and_one_with_other_arguments_does_not(own):
    make = guarded("own_calls:make", import_function("own_calls:make"))
    with pytest.raises(UserCodeError, match=r"own_calls:make: own_calls.py:2: KeyError: 'units'"):
        make("units")
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        make()


def test_what_is_no_exception_is_stated_too(own):
    end = guarded("own_calls:end", import_function("own_calls:end"))
    for what in (import_function("own_calls:Own")("x"), GeneratorExit("x")):
        with pytest.raises(UserCodeError, match=rf"own_calls.py:10: {type(what).__name__}: x\. M"):
            end(what)


def test_a_compiled_librarys_source_is_not_a_users_own_file(own):
    import pyarrow

    with pytest.raises(UnicodeEncodeError) as raised:
        pyarrow.array(["\ud800"])
    assert own_place(raised.value).startswith(str(Path(__file__)))
    encode = guarded("own_calls:encode", import_function("own_calls:encode"))
    with pytest.raises(UserCodeError, match=r"own_calls:encode: own_calls.py:14: UnicodeEncodeEr"):
        encode("\ud800")


def test_what_is_no_function_is_in_no_file(own):
    with pytest.raises((ImportError, AttributeError)):
        source_of("own_calls:TEXT")


def test_a_keyboard_interrupt_of_ones_own_is_no_ctrl_c(own):
    (own / "own_calls.py").write_text(
        "import signal\n\ndef own():\n    raise KeyboardInterrupt('mine')\n\n"
        "def real():\n    signal.raise_signal(signal.SIGINT)\n"
    )
    with pytest.raises(UserCodeError, match=r"own_calls\.py:4: KeyboardInterrupt: mine") as raised:
        guarded("own_calls:own", import_function("own_calls:own"))()
    assert not interrupted(raised.value)
    with pytest.raises(KeyboardInterrupt) as heard:
        guarded("own_calls:real", import_function("own_calls:real"))()
    assert interrupted(heard.value)
