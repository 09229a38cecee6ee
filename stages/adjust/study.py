"""The study: which settings are tried next, kept by Optuna in one file that processes share.

A trial's settings depend on the seed, its number and what is known by then. A process that died
leaves its settings to the next one, which goes on from its checkpoint; settings that two processes
died of are not tried again. What is decided about trials is decided under one lock.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.adjust_section import Adjust, Range, Searched, Value
from schemas.adjustment import Trial
from stages.machine.locks import lock

_ABANDONED, _WHY = "abandoned", "why"
_KNOWN_BEFORE_PRUNING = 3
_STARTUP_TRIALS = 6
_STUDY_FILE, _LIVE_FOLDER = "study.log", "live"


class Study:
    """The trials of one search; several processes may work on them."""

    def __init__(self, folder: Path, adjust: Adjust, *, fingerprint: str, epochs: int) -> None:
        """Open it, or begin it.

        Args:
          folder: of the study's file.
          adjust: what is searched.
          fingerprint: of all that decides what a trial gives; another one is another study.
          epochs: of a training, of which the first quarter is never given up.
        """
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        logging.getLogger("optuna").setLevel(logging.ERROR)
        self._live = folder / _LIVE_FOLDER / fingerprint
        self._live.mkdir(parents=True, exist_ok=True)
        self._adjust = adjust
        with self._deciding():
            self._study = optuna.create_study(
                storage=JournalStorage(JournalFileBackend(str(folder / _STUDY_FILE))),
                study_name=fingerprint,
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(_KNOWN_BEFORE_PRUNING, max(1, epochs // 4)),
            )

    @contextlib.contextmanager
    def next_trial(self) -> Iterator[AskedTrial | None]:
        """Begin a trial, which is this process's meanwhile; None where the budget is used up.

        Settings of a process that died come before new ones.
        """
        with contextlib.ExitStack() as held:
            with self._deciding():
                self._take_over()
                asked = None if self._begun() >= self._adjust.trials else self._asked()
                if asked is not None:
                    held.enter_context(lock(self._live / f"{asked.number}", wait=True))
            yield asked

    def wait_for_others(self) -> bool:
        """Wait for trials that other processes are at; return whether there was one."""
        others = [trial.number for trial in self._running()]
        for number in others:
            with lock(self._live / f"{number}", wait=True):
                pass
        return bool(others)

    def trials(self) -> list[Trial]:
        """Return the trials that are done, by number."""
        found, notes = [], self._study.user_attrs
        for trial in self._study.trials:
            state = trial.state.name.lower()
            if f"{_ABANDONED}-{trial.number}" in notes or state in ("running", "waiting"):
                continue
            known = trial.intermediate_values
            complete = state == "complete"
            why = notes.get(f"{_WHY}-{trial.number}")
            found.append(
                Trial(
                    number=trial.number,
                    values=trial.params,
                    state={"complete": "complete", "pruned": "pruned"}.get(state, "failed"),
                    epochs=len(known),
                    quality=trial.value if complete else max(known.values(), default=None),
                    **{**({_WHY: why} if why else {}), **trial.user_attrs},
                )
            )
        return found

    def _deciding(self) -> contextlib.AbstractContextManager[bool]:
        return lock(self._live / "deciding", wait=True)

    def _begun(self) -> int:
        notes = self._study.user_attrs
        return sum(
            f"{_ABANDONED}-{trial.number}" not in notes and trial.state.name != "WAITING"
            for trial in self._study.trials
        )

    def _asked(self) -> AskedTrial:
        import optuna

        asked = self._study.ask()
        self._study.sampler = optuna.samplers.TPESampler(
            seed=_mixed([self._adjust.seed, asked.number]),
            n_startup_trials=_STARTUP_TRIALS,
            constant_liar=True,
        )
        searched = self._adjust.search.items()
        values = {key: _suggested(asked, key, one) for key, one in searched}
        return AskedTrial(self._study, asked, values)

    def _running(self) -> list[Any]:
        from optuna.trial import TrialState

        return list(self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))

    def _take_over(self) -> None:
        """Have settings tried again whose process is gone, unless it was the second one."""
        from optuna.trial import TrialState

        for number in [trial.number for trial in self._running()]:
            with lock(self._live / f"{number}", wait=False) as dead:
                trial = self._study.trials[number]
                if not dead or trial.state is not TrialState.RUNNING:
                    continue
                if self._was_abandoned(trial.params):
                    said = "two processes ended while they trained it"
                    self._study.set_user_attr(f"{_WHY}-{number}", said)
                else:
                    self._study.set_user_attr(f"{_ABANDONED}-{number}", True)
                    if trial.params:
                        self._study.enqueue_trial(trial.params)
                self._study.tell(number, state=TrialState.FAIL)

    def _was_abandoned(self, values: Mapping[str, Value]) -> bool:
        notes = self._study.user_attrs
        return bool(values) and any(
            trial.params == values and f"{_ABANDONED}-{trial.number}" in notes
            for trial in self._study.trials
        )


class AskedTrial:
    """A trial under way.

    Attributes:
      number: of the study.
      values: its settings, by key of the search.
    """

    def __init__(self, study: Any, asked: Any, values: Mapping[str, Value]) -> None:
        self.number: int = asked.number
        self.values = dict(values)
        self._study, self._asked = study, asked

    def report(self, quality: float, epoch: int) -> bool:
        """Note the quality after an epoch; return whether the trial is better given up."""
        self._asked.report(quality, epoch)
        return bool(self._asked.should_prune())

    def complete(self, quality: float, *, parameters: int, latency_ms_batch_1: float) -> None:
        """Note that it is done."""
        self._asked.set_user_attr("parameters", parameters)
        self._asked.set_user_attr("latency_ms_batch_1", latency_ms_batch_1)
        self._study.tell(self._asked, quality)

    def prune(self) -> None:
        """Note that it was given up."""
        from optuna.trial import TrialState

        self._study.tell(self._asked, state=TrialState.PRUNED)

    def fail(self, why: str) -> None:
        """Note that its settings cannot be trained."""
        from optuna.trial import TrialState

        self._asked.set_user_attr(_WHY, why)
        self._study.tell(self._asked, state=TrialState.FAIL)


def _suggested(asked: Any, key: str, searched: Searched) -> Value:
    if not isinstance(searched, Range):
        choice: Value = asked.suggest_categorical(key, list(searched))
        return choice
    whole = isinstance(searched.low, int) and isinstance(searched.high, int)
    suggest = asked.suggest_int if whole else asked.suggest_float
    number: Value = suggest(key, searched.low, searched.high, log=searched.log)
    return number


def _mixed(numbers: list[int]) -> int:
    """Return one number of 32 bits that depends on all of them."""
    import numpy as np

    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
