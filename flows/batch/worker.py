"""A process that analyses one recording at a time, for a pool that may have to end it.

    python -m flows.batch.worker JOB

JOB is the job as JSON. A line of JSON on the input is a unit; each is answered by a line: {"status": ...},
or {"stop": words} where the output folder takes no more. The first line is {"ready": true}. It ends with its
input.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from typing import IO, Any

from flows.batch.plan import Job, Unit
from flows.batch.work import analyse_unit, write_died
from pipeline.errors import VagalError

NO_MEMORY = "needed more memory than there is"


def main(job: Job) -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started the batch
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, asked), daemon=True).start()
    analysing = job.analysing()
    _answer(answers, {"ready": True})
    while True:
        unit = Unit(**json.loads(asked.get()))
        try:
            try:
                status = str(analyse_unit(job, unit, analysing))
            except MemoryError:
                write_died(job, unit, NO_MEMORY)
                status = "failed"
            _answer(answers, {"status": status})
        except VagalError as error:
            _answer(answers, {"stop": str(error)})


def _listen(asking: IO[str], asked: queue.SimpleQueue[str]) -> None:
    """Pass on each line; end the process at once with the one that asks, in the midst of a recording too."""
    for line in asking:
        asked.put(line)
    os._exit(0)


def _answer(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(Job.from_json(json.loads(sys.argv[1])))
