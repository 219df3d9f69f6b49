"""A data set that is made: its sources looked at, clips judged, compared, written and listed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aa.config.prepare import PrepareConfig
from aa.prepare.attempts import Engine
from aa.prepare.jobs import Detect, JudgeJob, WriteJob
from aa.prepare.judging import early, judge, read_judgement
from aa.prepare.layout import Target
from aa.prepare.looks import Looks, remove_leftovers
from aa.prepare.progress import follow
from aa.prepare.repeats import find_repeats
from aa.prepare.scenes import Look, spans
from aa.prepare.sources import Source
from aa.prepare.split import held_out_sources
from aa.prepare.verdicts import Verdict
from aa.prepare.writing import write_clip


@dataclass
class Decision:
    """What is decided about a source (`clip` is None) or a clip.

    Attributes:
        start, stop: frames of the source.
        measures: what was measured of a clip.
        split: "train" or "validation" of a clip that is kept.
    """

    source: Source
    record: dict[str, Any]  # of the source, see `aa.prepare.looking.look`
    verdict: Verdict
    clip: str | None = None
    start: int = 0
    stop: int = 0
    measures: dict[str, float] = field(default_factory=dict)
    split: str | None = None

    @property
    def kept(self) -> bool:
        return self.verdict.reason == "kept"


class Preparation:
    """Makes a data set of sources; what is done already is read from its records.

    Args:
        config: checked.
        target: the folder, begun.
        sources: in order.
        engine: that does the jobs.
        detect: finds the people of a clip.
    """

    def __init__(
        self,
        config: PrepareConfig,
        target: Target,
        sources: list[Source],
        *,
        engine: Engine,
        detect: Detect,
    ) -> None:
        self.config, self.target, self.engine, self.detect = config, target, engine, detect
        self._looks = Looks(config, target, sources)

    def run(self) -> list[Decision]:
        """Do all that is left to do, and return every decision in the order of the sources."""
        remove_leftovers(self.target)
        self._looks.complete(self.engine)
        decisions = self._judge()
        self._compare(decisions)
        self._write(decisions)
        self._split(decisions)
        self._remove_others(decisions)
        return decisions

    def _judge(self) -> list[Decision]:
        decisions, jobs = [], {}
        for source, record, found in self._looks:
            if found is None:
                verdict = Verdict.from_dict(record["verdict"])
                decisions.append(Decision(source, record, verdict))
                continue
            for job in self._clips(source, record, found):
                decision = Decision(source, record, Verdict("failed"), job.clip)
                decision.start, decision.stop = job.start, job.stop
                decisions.append(decision)
                if done := read_judgement(job):
                    _take(decision, done)
                else:
                    jobs[job.clip] = job, decision
        todo = [job for job, _ in jobs.values()]
        sizes = [1 if early(job) else job.num_frames for job in todo]
        for job, outcome in follow(
            self.engine, judge, todo, sizes, title="finding people", unit="frame"
        ):
            decision = jobs[job.clip][1]
            if outcome.result:
                _take(decision, outcome.result)
            else:
                decision.verdict = Verdict("failed", detail=outcome.lost or "")
        return decisions

    def _clips(self, source: Source, record: dict[str, Any], found: Look) -> Iterator[JudgeJob]:
        keep = self.config.keep
        parts = spans(record["cuts"], record["frames"], most=keep.max_frames)
        for number, (start, stop) in enumerate(parts, 1):
            samples = found.within(start, stop)
            yield JudgeJob(
                path=source.path.resolve(),
                clip=f"{source.stem}-{number:04d}",
                start=start,
                stop=stop,
                motion=samples.mean_motion,
                brightness=samples.mean_brightness,
                identity=record["identity"],
                records=self.target.records.resolve(),
                keep=keep,
                detect=self.detect,
            )

    def _compare(self, decisions: list[Decision]) -> None:
        """Drop clips that repeat another one: of copies the one of most pixels and frames stays."""
        kept = [decision for decision in decisions if decision.kept]
        kept.sort(key=lambda d: (-d.record["height"] * d.record["width"], d.start - d.stop))
        thumbs = [self._looks.samples(d.source, d.start, d.stop).thumbs for d in kept]
        most = self.config.keep.max_similarity
        repeats = find_repeats(thumbs, max_similarity=most)
        for decision, repeat in zip(kept, repeats, strict=True):
            if repeat:
                other = str(kept[repeat[0]].clip)
                decision.verdict = Verdict("repeats", repeat[1], most, other)

    def _write(self, decisions: list[Decision]) -> None:
        kept = {str(d.clip): d for d in decisions if d.kept}
        jobs = [
            WriteJob(
                path=decision.source.path.resolve(),
                clip=clip,
                start=decision.start,
                stop=decision.stop,
                target=self.target.folder.resolve(),
                crf=self.config.crf,
            )
            for clip, decision in kept.items()
            if not all(file.is_file() for file in self.target.files(clip))
        ]
        sizes = [job.num_frames for job in jobs]
        for job, outcome in follow(
            self.engine, write_clip, jobs, sizes, title="writing clips", unit="frame"
        ):
            if outcome.lost:
                kept[job.clip].verdict = Verdict("failed", detail=outcome.lost)

    def _split(self, decisions: list[Decision]) -> None:
        kept = [decision for decision in decisions if decision.kept]
        names = {decision.source.name for decision in kept}
        held_out = held_out_sources(names, self.config.validation_share)
        for decision in kept:
            is_held_out = decision.source.name in held_out
            decision.split = "validation" if is_held_out else "train"

    def _remove_others(self, decisions: list[Decision]) -> None:
        """Remove files of clips that were kept once: now they repeat others that came since."""
        for decision in decisions:
            if decision.clip and not decision.kept:
                for file in self.target.files(decision.clip):
                    file.unlink(missing_ok=True)


def _take(decision: Decision, record: dict[str, Any]) -> None:
    decision.verdict = Verdict.from_dict(record["verdict"])
    decision.start, decision.stop = record["start"], record["stop"]
    decision.measures = record["measures"]
