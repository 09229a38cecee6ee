"""The study: which settings are tried next, kept by Optuna in one file that processes share.

A trial's settings depend on the seed, its number and what is known by then. A process that died
leaves its trial to the next one, which goes on from its checkpoint.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.adjust_section import Adjust, Range, Searched, Value
from schemas.adjustment import Trial
from stages.locks import lock

_ABANDONED = "abandoned"
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
        folder.mkdir(parents=True, exist_ok=True)
        self._live = folder / _LIVE_FOLDER / fingerprint
        self._live.mkdir(parents=True, exist_ok=True)
        self._adjust = adjust
        self._study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(folder / _STUDY_FILE))),
            study_name=fingerprint,
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(_KNOWN_BEFORE_PRUNING, max(1, epochs // 4)),
        )

    def begun(self) -> int:
        """Return how many trials are done or under way; those of processes that died wait again."""
        self._take_over()
        states = [trial.state.name for trial in self._study.trials if not self._abandoned(trial)]
        return sum(state != "WAITING" for state in states)

    @contextlib.contextmanager
    def next_trial(self) -> Iterator[AskedTrial]:
        """Begin a trial, an abandoned one before a new one; it is this process's meanwhile."""
        import optuna

        asked = self._study.ask()
        numbers = [self._adjust.seed, asked.number]
        self._study.sampler = optuna.samplers.TPESampler(
            seed=_mixed(numbers), n_startup_trials=_STARTUP_TRIALS, constant_liar=True
        )
        with lock(self._live / f"{asked.number}", wait=True):
            values = {
                key: _suggested(asked, key, searched)
                for key, searched in self._adjust.search.items()
            }
            yield AskedTrial(self._study, asked, values)

    def trials(self) -> list[Trial]:
        """Return the trials that are done, by number."""
        found = []
        for trial in self._study.trials:
            state = trial.state.name.lower()
            if self._abandoned(trial) or state in ("running", "waiting"):
                continue
            known = trial.intermediate_values
            found.append(
                Trial(
                    number=trial.number,
                    values=trial.params,
                    state={"complete": "complete", "pruned": "pruned"}.get(state, "failed"),
                    epochs=len(known),
                    quality=trial.value
                    if state == "complete"
                    else max(known.values(), default=None),
                    **trial.user_attrs,
                )
            )
        return found

    def _take_over(self) -> None:
        """Have the settings of trials whose process is gone tried again."""
        from optuna.trial import TrialState

        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            with lock(self._live / f"{trial.number}", wait=False) as dead:
                if not dead:
                    continue
                if trial.params:
                    self._study.enqueue_trial(trial.params)
                self._study.set_user_attr(f"{_ABANDONED}-{trial.number}", True)
                self._study.tell(trial.number, state=TrialState.FAIL)

    def _abandoned(self, trial: Any) -> bool:
        return f"{_ABANDONED}-{trial.number}" in self._study.user_attrs


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

        self._asked.set_user_attr("why", why)
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
