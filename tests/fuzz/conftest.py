"""What each campaign says is shown in the end, whatever a test prints."""

from tests.fuzz.campaign import SAID


def pytest_terminal_summary(terminalreporter):
    for line in SAID:
        terminalreporter.write_line(line)
