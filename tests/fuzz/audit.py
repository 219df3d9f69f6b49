"""What a reader does beyond reading: calls, imports and writes, as Python's audit events tell."""

import os
import sys

# Whatever they are called with; what honest inputs cause while it is learned is left out.
CALLS = (
    *("os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn"),
    *("os.kill", "os.killpg", "subprocess.Popen", "os.startfile", "webbrowser.open"),
    *("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname"),
    *("socket.sendto", "urllib.Request", "pickle.find_class", "marshal.loads"),
    *("import", "exec", "compile", "code.__new__", "function.__new__"),
)
NOTED_ONLY = ("import", "exec", "compile", "marshal.loads", "code.__new__", "function.__new__")
# Event: which of its arguments are paths that it changes.
WRITES = {
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.utime": (0,),
    "os.setxattr": (0,),
    "shutil.rmtree": (0,),
    "shutil.move": (0, 1),
    "shutil.copyfile": (1,),
    "shutil.copymode": (1,),
    "shutil.copystat": (1,),
    "shutil.make_archive": (0,),
    "shutil.unpack_archive": (1,),
    "tempfile.mkdtemp": (0,),
    "tempfile.mkstemp": (0,),
}
FOLDER_ARGUMENT = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 2, "os.rename": 2}  # dir_fd
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
HARMLESS = ("/dev/null",)
CYTHON = b"_getframe()"  # what its modules compile for every traceback


class ForbiddenError(RuntimeError):
    """What a reader was about to do is not done: it could harm this machine."""


class Audit:
    """Python's audit hook, which notes while it is armed. It stays as long as its process."""

    def __init__(self):
        self.calls, self.writes = [], []
        self._known, self._mode, self._sandbox = set(), None, ""
        sys.addaudithook(self._hook)

    def learn(self):
        """From now on, take what is called as what our own code does."""
        self._mode = "learn"

    def arm(self, sandbox):
        """From now on, note what was not learned, and every write outside of a folder."""
        self.calls, self.writes, self._sandbox = [], [], str(sandbox)
        self._mode = "note"

    def disarm(self):
        """From now on, take no notice."""
        self._mode = None

    def _hook(self, event, arguments):
        mode = self._mode
        if mode is None or not (
            event in CALLS or event == "open" or event in WRITES or event.startswith("ctypes.")
        ):
            return
        self._mode = None  # what is done here is not the reader's
        try:
            forbidden = self._judge(event, arguments, mode)
        finally:
            self._mode = mode
        if forbidden:
            raise ForbiddenError(f"{event} is not allowed here")

    def _judge(self, event, arguments, mode):
        """Note an event; whether it must not happen."""
        if event == "open" or event in WRITES:
            outside = [p for p in _changed(event, arguments) if not self._is_inside(p)]
            if mode == "note" and outside:
                self.writes.append(f"{event} {', '.join(outside)}")
                return True
            return False
        if event == "compile" and arguments[0] == CYTHON:
            return False
        key = _key(event, arguments)
        if mode == "learn":
            self._known.add(key)
        elif key not in self._known:
            self.calls.append(" ".join(key))
            return event not in NOTED_ONLY
        return False

    def _is_inside(self, path):
        return path in HARMLESS or (path + os.sep).startswith(self._sandbox + os.sep)


def _key(event, arguments):
    """What tells a call from others: the module imported, the file of the code that is run."""
    if event == "exec":
        return event, getattr(arguments[0], "co_filename", "?")
    if event == "compile":
        return event, str(arguments[1])[:200]
    if event in ("code.__new__", "function.__new__", "marshal.loads"):
        return (event,)
    if event == "pickle.find_class":
        return event, ".".join(map(str, arguments))[:200]
    return event, str(arguments[0] if arguments else "")[:200]


def _changed(event, arguments):
    """The real paths that an event changes."""
    if event == "open":
        path, mode, flags = arguments
        writes = any(letter in (mode or "") for letter in "wax+") or (flags or 0) & WRITING
        return [_real(path)] if writes and not isinstance(path, int) else []
    folder = FOLDER_ARGUMENT.get(event)
    home = arguments[folder] if folder is not None and len(arguments) > folder else -1
    paths = [arguments[place] for place in WRITES[event]]
    return [_real(path, home) for path in paths if not isinstance(path, int)]


def _real(path, home=-1):
    """A path without links, but for its last part, which is what a change is done to."""
    path = os.fsdecode(path)
    if home is not None and home >= 0 and not os.path.isabs(path):
        path = os.path.join(os.readlink(f"/proc/self/fd/{home}"), path)
    path = os.path.abspath(path)
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
