"""The screen of the queue: what runs, what waits, what has ended."""

import os
from pathlib import Path
from typing import Any

from flask import Blueprint, jsonify, render_template, request, url_for
from werkzeug.wrappers import Response

from aa.app.asking import given, json_of
from aa.app.commands import overrides, to_copy
from aa.app.desk import desk
from aa.app.media import Result, results_of
from aa.app.queue import Job
from aa.errors import UserError
from aa.runs.jobs import short
from aa.runs.listing import read_run
from aa.runs.outcomes import RUNNING
from aa.runs.progress import PREVIEW, Progress, read_progress, seconds_left
from aa.runs.resume import has_begun

screen = Blueprint("queue", __name__)

ENDED = 20  # jobs that have ended, shown at most
ORDER = (RUNNING, "interrupted", "waiting", "stopped", "failed", "done")


@screen.get("/queue")
def queue() -> str:
    """All jobs; `part`: what changes of them."""
    jobs = desk().queue.jobs()
    going = [job for job in jobs if job.state in ORDER[:4]]
    ended = [job for job in jobs if job.state in ORDER[4:]][::-1]
    return render_template(
        "queue_part.html" if "part" in request.args else "queue.html",
        going=[_shown(job) for job in sorted(going, key=lambda job: job.state != RUNNING)],
        ended=[_shown(job) for job in ended[:ENDED]],
    )


@screen.post("/api/job")
def act() -> Response:
    """Stop, resume, move or forget a job."""
    values, queue = json_of(request), desk().queue
    job, what = queue.job(values.get("job")), given(values, "do")
    acts: dict[str, Any] = {
        "stop": lambda: queue.stop(job),
        "resume": lambda: queue.resume(job),
        "remove": lambda: queue.remove(job),
        "up": lambda: queue.move(job, -1),
        "down": lambda: queue.move(job, 1),
    }
    if what not in acts:
        raise UserError(f"do: one of {', '.join(acts)} is expected.")
    acts[what]()
    return jsonify({})


@screen.post("/api/resume-run")
def resume_run() -> Response:
    """Let a run that was stopped, whoever started it, go on in the queue."""
    folder = desk().places.run(given(json_of(request), "run"))
    run = read_run(folder)
    if run.kind not in ("train", "infer") or not has_begun(folder):
        raise UserError("only a training or an animation that has begun goes on.")
    if run.state == RUNNING:
        raise UserError("this run is running.")
    if any(os.path.samefile(job.folder, folder) for job in _open_jobs()):
        raise UserError("this run is in the queue already.")
    arguments = overrides({"resume": short(folder)})
    job = desk().queue.add(desk().places.name(folder), run.kind, arguments, folder)
    return jsonify({"go": url_for("queue.queue", _anchor=f"job-{job.number}")})


def _open_jobs() -> list[Job]:
    return [job for job in desk().queue.jobs() if job.state in ORDER[:4] and job.folder.is_dir()]


def _shown(job: Job) -> dict[str, Any]:
    """A job with what its run folder tells."""
    state, folder = job.state, job.folder
    progress: Progress | None = read_progress(folder) if state == RUNNING else None
    results: list[Result] = results_of(folder) if state == "done" else []
    record = job.record
    preview = folder / PREVIEW
    return {
        "job": job,
        "state": state,
        "title": record.get("title", ""),
        "progress": progress,
        "left": seconds_left(progress) if progress else None,
        "preview": preview if state == RUNNING and preview.is_file() else None,
        "stamp": _stamp(preview),
        "error": job.error if state == "failed" else None,
        "run": desk().places.name(folder) if has_begun(folder) else None,
        "result": results[0] if results else None,
        "command": to_copy(record.get("runner", ""), record.get("arguments", [])),
    }


def _stamp(path: Path) -> int:
    """A number that is another one when a file is."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
