"""Another host than node 0: it calls node 0 until that answers and lets all start."""

import time

from aa.cli.hosts import ANSWERS_WITHIN, Hosts, ThisHost
from aa.cli.line import Line, call, why
from aa.errors import UserError

CALL_EVERY = 0.5  # seconds
FOREIGN_WITHIN = 10.0  # seconds, until a disk shows the other hosts what node 0 has written


def join(this: ThisHost) -> Hosts:
    """Call node 0 until it answers, and wait for its word to start.

    Raises:
        UserError: it has said no, or has not come in time.
    """
    reason = "it has not answered yet"
    while True:
        this.wait(f"for node 0 at {this.master}: {reason}")
        try:
            line = call(this.address)
        except OSError as error:
            reason = why(error)
        else:
            line.send(**this.hello())
            found = _answered(this, line, reason)
            if isinstance(found, Hosts):
                return found
            reason = found
            line.close()
        time.sleep(CALL_EVERY)


def _answered(this: ThisHost, line: Line, reason: str) -> Hosts | str:
    """`Hosts` once node 0 has said to start, or why not yet; `reason` was so far.

    Raises:
        UserError: it has said no.
    """
    until, came = time.monotonic() + ANSWERS_WITHIN, False
    while line.is_open and (came or time.monotonic() < until) and not line.is_silent():
        line.beat()
        messages = line.receive()
        for place, message in enumerate(messages, 1):
            said = message.get("aa")
            if said == "no" or (said == "foreign" and this.has_waited(FOREIGN_WITHIN)):
                raise UserError(str(message["line"]))
            if said == "foreign":
                return f"it does not take this for its run: {message['line']}"
            if said == "busy":
                return f"it trains into {message['folder']}, this is for {this.folder}"
            if said == "welcome":
                came, line.host = True, str(message["host"])
            if said == "go":
                line.keep(messages[place:])  # the first of them may have to stop already
                address = line.ends[1][0]
                store = f"{address}:{message['port']}"
                return Hosts({0: line}, store, message["addresses"], line.ends[0][0])
        this.wait(
            f"for the others; node 0 ({line.host}) has heard of it"
            if came
            else f"for node 0 at {this.master}: {reason}"
        )
    return "it was there and has gone" if came else "what answers there is no node 0 of a run"
