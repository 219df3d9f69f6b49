"""One mutant, read and judged in this process."""

import faulthandler
import signal

from aa.cli.resolvers import make_folder
from aa.config.explain import explain
from aa.errors import UserError
from tests.fuzz.audit import ForbiddenError
from tests.fuzz.kind import BESIDE, SECRET, BrokenError
from tests.fuzz.meter import MOST_EXTRA, MOST_SECONDS, TIMES_SIZE, Meter
from tests.fuzz.verdict import REFUSED, Verdict, blanked, location, ours, slow_place

LONGEST = 2100  # characters of what a user reads
WHERE = signal.SIGUSR1  # asks a process where it is; answered whatever it does
DOUBTFUL = ("slow", "memory")  # depend on the machine's other work and on what is loaded already


class Examiner:
    """Gives mutants of a kind to their targets.

    Args:
        kind, place, audit, output: of this process.
        stacks: path of a file, for the place in which a slow reader is.
    """

    def __init__(self, kind, place, audit, output, stacks):
        self.kind, self.place, self.audit, self.output = kind, place, audit, output
        self.is_close = False  # whether the last one took less than twice of what it may
        self.stacks = open(stacks, "w+")  # noqa: SIM115 closed when the process ends
        faulthandler.enable(self.stacks)  # of a process that a library ends
        faulthandler.register(WHERE, self.stacks)  # when the parent asks

    def examine(self, mutant):
        """The `Verdict` of a mutant; of one that took a little too much, the better of two."""
        verdict = self._once(mutant)
        if self.is_close and all(fault.sort in DOUBTFUL for fault in verdict.faults):
            again = self._once(mutant)
            sorts = {fault.sort for fault in again.faults}
            verdict.faults = [fault for fault in verdict.faults if fault.sort in sorts]
        return verdict

    def _once(self, mutant):
        self.place.fill(self.kind.files_for(mutant))
        make_folder.cache_clear()
        verdict, meter = Verdict(), Meter()
        self.stacks.seek(0)
        self.stacks.truncate()
        with meter:
            self.audit.arm(self.place.sandbox)
            try:
                self._read(mutant, verdict)
            finally:
                self.audit.disarm()
        self._judge_cost(mutant, meter, verdict)
        self._judge_deeds(verdict)
        self._judge_texts(mutant, verdict)
        return verdict

    def _read(self, mutant, verdict):
        try:
            try:
                self.kind.targets[mutant.target](self.place.sandbox)
            except UserError as error:
                verdict.outcome, verdict.line = REFUSED, explain(error, None)
                if _has_cause(error, MemoryError):  # FFmpeg's own says that it has a limit
                    text = f"{self._neutral(verdict.line)} (more than this process may take)"
                    verdict.add("memory", text)
        except BrokenError as error:
            verdict.add(error.sort, self._neutral(str(error)))
        except BaseException as error:  # whatever it is, a user would see its traceback
            if not _has_cause(error, ForbiddenError):  # which is noted already
                verdict.add("traceback", f"{type(error).__name__}: {error}", location(error))

    def _judge_cost(self, mutant, meter, verdict):
        bound = TIMES_SIZE * mutant.size + MOST_EXTRA
        times = max(meter.seconds / MOST_SECONDS, meter.bytes / bound)
        self.is_close = 1 < times < 2
        if meter.seconds > MOST_SECONDS:
            self.stacks.seek(0)
            place = slow_place(self.stacks.read())
            verdict.add("slow", f"took {meter.seconds:.1f} s at {place}", ours(place))
        if meter.bytes > bound:
            said = self._neutral(verdict.line) or verdict.outcome
            text = f"took {meter.bytes >> 20} MB for {mutant.size} bytes: {said}"
            verdict.add("memory", text, f"{mutant.target}: {blanked(said)}")

    def _judge_deeds(self, verdict):
        for sort, deeds in (("call", self.audit.calls), ("write", self.audit.writes)):
            for deed in dict.fromkeys(deeds):
                verdict.add(sort, self._neutral(deed))
        damage = self.place.damage()
        if damage:
            verdict.add("write", damage)

    def _judge_texts(self, mutant, verdict):
        if len(verdict.line) > LONGEST or not verdict.line.isprintable():
            verdict.add("text", f"message that is no short, printable line: {verdict.line}")
        printed = self.output.take().decode("utf-8", "replace")
        strange = [c for c in printed if not c.isprintable() and c not in "\n\t"]
        if strange:
            around = printed.index(strange[0])
            text = f"printed {strange[0]!r} in {printed[max(0, around - 60) :][:120]!r}"
            verdict.add("text", text, f"{mutant.target} printed {strange[0]!r}")
        if SECRET in verdict.line or SECRET in printed:
            told = verdict.line or printed
            verdict.add("text", f"told the secret: {told}", f"{mutant.target} told it")
        leak = self.place.leak()
        if leak:
            verdict.add("text", f"wrote the secret into {leak}", f"{mutant.target} wrote it")

    def _neutral(self, text):
        """A text without this worker's own folder."""
        return text.replace(str(self.place.home), BESIDE)


def _has_cause(error, kind):
    while error is not None:
        if type(error) is kind:
            return True
        error = error.__cause__ or error.__context__
    return False
