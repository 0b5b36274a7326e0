"""Connect to cells and be one. Python 3.8 or later, standard library alone; copy this file beside your program.

    import cell, threading

    def shout(conn):                                   with cell.connect("shout@laptop") as conn:
        with conn:                                         conn.sendall(b"hello")
            text = conn.makefile("rb").read()              conn.close_write()
            conn.sendall(text.upper())                     print(conn.makefile("rb").read())

    for conn in cell.listen("shout"):
        threading.Thread(target=shout, args=[conn]).start()

connect() starts the cell if it is not running, and raises one class per reason: NotFound, Denied, Unreachable, Changed,
Failed, Busy, NoStem. A Conn is a socket.socket whose two directions end separately. A call to another machine that
was cut raises Cut, and never reads as an end. (A cell can't be told that its caller was cut off: where that matters, send a
length.) What is spoken is written in docs/wire.md.
"""

import collections, errno, fcntl, os, re, secrets, socket, struct, sys, time


class Error(OSError): """What is raised here."""
class NotFound(Error): """There is no such cell, and no dna to start one."""
class Denied(Error): """That machine does not let this one reach the cell, or has no such cell; it does not say which."""
class Unreachable(Error): """No way to the peer was found."""
class Changed(Error): """At the place that was dialled answers another peer than the one that is known there."""
class Failed(Error): """The cell could not start; for a cell on this machine, with its last words."""
class Busy(Error): """Too much is being asked of that machine at once; try again later."""
class NoStem(Error): """A stem is needed, and none runs on this machine."""
class Bad(Error, ValueError): """An address or a name that is none."""
class Cut(Error): """The call did not come to an orderly end."""
class InUse(Error): """A live cell of that name is already there."""


CODES = {"not-found": NotFound, "denied": Denied, "unreachable": Unreachable, "changed": Changed,
         "failed": Failed, "busy": Busy, "bad": Bad, "cut": Cut}


def connect(address, timeout=None):
    """Return a Conn to the cell at an address, NAME or NAME@PEER. timeout, in seconds, bounds the call and not the Conn."""
    name, here = _parse(address)
    until = None if timeout is None else time.monotonic() + timeout
    try:
        if here and not _forwards(name):
            return _connect_here(name, until)
        try:
            sock, pairs = _ask("open " + address, until)
        except NoStem:
            if here:
                return _connect_here(name, until)
            raise
        sock.settimeout(None)
        return Conn(sock, call=pairs.get("call", "0"))
    except Error as e:
        raise type(e)("dial %s: %s" % (address, e)) from None


def _forwards(name):
    """Say whether a cell has settings and no program, and stands for a server: the stem can tell that it is down from an end."""
    program = os.path.join(_home(), "dna", name)
    return not os.path.lexists(program) and os.path.lexists(program + ".toml")


def _connect_here(name, until):
    """Connect to the cell's own socket. The stem is asked only to start it, twice if it ends as soon as it has started."""
    path = _socket_path(name)
    for tries_left in (2, 1, 0):
        try:
            sock = _dial(path, until)
            sock.settimeout(None)
            return Conn(sock)
        except (FileNotFoundError, ConnectionRefusedError):
            if tries_left:
                _ask("germinate " + name, until)[0].close()
    raise Failed("the cell ended as soon as it had started")


class Conn(socket.socket):
    """A connection to a cell or, when a Listener accepted it, from a caller."""

    caller = None  #: the Caller, on a connection that was accepted
    _call = None   # the stem's number for a call to another machine: it knows how that ended

    def __init__(self, sock, call=None, caller=None):
        super().__init__(fileno=sock.detach())
        self._call, self.caller = call, caller

    def close_write(self):
        """End the writing side: the other end reads its end of file, and may go on writing."""
        self.shutdown(socket.SHUT_WR)

    def reset(self):
        """Close, and have the caller's end of file raise Cut: for a cell that can't finish its answer. A caller on this machine
        that connected to the cell directly reads an end all the same."""
        try:
            match = re.search(r"(?:^\0|@)cell/([^/]+/.+)", os.fsdecode(self.getpeername()))
            if match:
                _ask("cut " + match.group(1), time.monotonic() + 2)[0].close()
        except OSError:
            pass  # the call is over
        self.close()

    def recv(self, size, flags=0):
        buffer = bytearray(size)
        return bytes(buffer[:self.recv_into(buffer, size, flags)])

    def recv_into(self, buffer, nbytes=0, flags=0):
        try:
            n = super().recv_into(buffer, nbytes, flags)
        except ConnectionResetError:
            n = 0  # the other end did not read all of its input; what it wrote has been delivered
        if n == 0 and self._call is not None and memoryview(buffer).nbytes:
            self._ended()
        return n

    def _ended(self):
        """A Unix socket reads as a clean end however the call ended, so the stem is asked, once."""
        if self._call != "":
            try:
                _ask("end " + self._call, time.monotonic() + 5)[0].close()
                self._call = None
                return
            except NoStem:
                self._cut = "the stem of this machine ended"
            except OSError as e:
                self._cut = str(e)
            self._call = ""
        raise Cut("the call was cut: " + self._cut)


def listen(name):
    """Make this process the cell of that name, in the place of a dead one; raise InUse at a live one. Iterate over it."""
    return Listener(name)


class Listener:
    def __init__(self, name):
        _check_name(name)
        run = os.path.join(_home(), "run")
        for directory in (_home(), run):
            os.makedirs(directory, 0o700, exist_ok=True)
            info = os.stat(directory)
            closed = 0o022 if directory == run else 0o077  # the home keeps others out of run/
            if info.st_uid != os.geteuid() or info.st_mode & closed:
                raise Error("listen as %s: %s must be yours and closed to others: run \"chmod 700 %s\"" % (name, directory, directory))
        self._path = _socket_path(name)
        started = os.environ.get("CELL_STARTED") == "1" and os.environ.get("CELL_NAME") == name
        if started:  # the stem holds the lock for us, once
            del os.environ["CELL_STARTED"]
            self._bind(name)
        else:
            with open(os.path.join(run, name + ".lock"), "a", opener=lambda p, f: os.open(p, f, 0o600)) as lock:
                _lock(lock, name)
                self._bind(name)

    def _bind(self, name):
        """Bind a hidden name, listen, rename: the socket answers from the moment it is seen."""
        if _alive(self._path):
            raise InUse("listen as %s: already running" % name)
        hidden = os.path.join(os.path.dirname(self._path), "." + secrets.token_hex(4))
        self._sock = socket.socket(socket.AF_UNIX)
        try:
            self._sock.bind(hidden)
            os.chmod(hidden, 0o600)
            self._sock.listen(socket.SOMAXCONN)
            self._file = os.stat(hidden)
            os.rename(hidden, self._path)
        except BaseException:
            self._sock.close()
            if os.path.exists(hidden):
                os.unlink(hidden)
            raise

    def accept(self):
        """Return the Conn of the next caller; its .caller says who that is."""
        sock = self._sock.accept()[0]
        sock.setblocking(True)
        return Conn(sock, caller=_caller(sock))

    def __iter__(self):
        while True:
            yield self.accept()

    def fileno(self):
        return self._sock.fileno()

    def close(self):
        """Stop listening, and remove the socket's file if it is still ours. Nobody replaces it while we still answer."""
        if self._sock.fileno() < 0:
            return
        try:
            if os.path.samestat(os.stat(self._path), self._file):
                os.unlink(self._path)
        except FileNotFoundError:
            pass
        self._sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Caller(collections.namedtuple("Caller", "peer pid uid")):
    """Who calls: the peer ID of a machine, as its key proved it, or else a process here. What is not known is "" or 0."""

    def __str__(self):
        return self.peer or "local pid %d uid %d" % (self.pid, self.uid)


def _caller(sock):
    """The stem binds its end of a connection to @cell/PEERID/RANDOM; a process of this machine has no name."""
    try:
        match = re.search(r"(?:^\0|@)cell/([^/]+)/.", os.fsdecode(sock.getpeername()))
        if match:
            return Caller(match.group(1), 0, 0)
        if sys.platform == "darwin":  # LOCAL_PEERPID, and LOCAL_PEERCRED: a version, then the uid
            return Caller("", sock.getsockopt(0, 2), struct.unpack("II", sock.getsockopt(0, 1, 8))[1])
        return Caller("", *struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[:2])
    except OSError:
        return Caller("", 0, 0)  # it has gone already


def _parse(address):
    """Return the cell's name and whether it is one of this machine. The peer is for the stem to understand."""
    if not isinstance(address, str) or not re.fullmatch(r"[!-~]{1,3584}", address):
        raise Bad("address %r: is empty, too long, or contains a space or an unprintable character" % (address,))
    url = re.fullmatch(r"cell://([^/?]*)/([^?]*)(\?key=[\w.-]{1,2048})?", address, re.ASCII)
    if address.startswith("cell://") and not url:
        raise Bad("address %r is not cell://PEER/NAME or cell://PEER/NAME?key=KEY" % address)
    peer, name = (url.group(1), url.group(2)) if url else reversed(address.split("@", 1) if "@" in address else [address, "local"])
    try:
        _check_name(name)
    except Bad as e:
        raise Bad("address %r: %s" % (address, e)) from None
    return name, peer.lower() == "local"


def _check_name(name):
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name) or ".." in name or re.search(r"\.(toml|sock|lock|log)$", name):
        raise Bad("cell name %r is none: one of a-z, 0-9, then up to 62 of a-z 0-9 . _ -, without two dots in a row, "
                  "and not ending in .toml, .sock, .lock or .log" % name)


def _home():
    return os.path.abspath(os.environ.get("CELL_HOME") or os.path.expanduser("~/.cell"))


def _socket_path(name):
    path, limit = os.path.join(_home(), "run", name + ".sock"), 103 if sys.platform == "darwin" else 107
    if len(os.fsencode(path)) > limit:
        raise Error("socket path %s has %d bytes, the limit is %d: use a shorter name or a shorter CELL_HOME"
                    % (path, len(os.fsencode(path)), limit))
    return path


def _ask(request, until):
    """Send the stem a request line. Return the connection and the pairs of the verdict, or raise what it refuses with."""
    try:
        sock = _dial(os.path.join(_home(), "stem.sock"), until)
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoStem("no stem is running") from None
    try:
        try:
            sock.sendall(request.encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # a verdict may still wait to be read
        line = _read_line(sock, until)
        word, _, rest = line.partition(" ")
        if word == "ok":
            return sock, _parse_pairs(rest)
        code, _, reason = rest.partition(" ")
        if word != "no":
            code, reason = "bad", "verdict is neither ok nor no"
        raise CODES.get(code, Failed)(reason if code in CODES and reason else rest)
    except BaseException:
        sock.close()
        raise


def _parse_pairs(text):
    """Return KEY=VALUE words as a dict. The first value of a key counts."""
    pairs = {}
    for word in text.split():
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise Bad("%r is not key=value" % word)
        pairs.setdefault(key, value)
    return pairs


def _read_line(sock, until):
    """Read a line and not a byte behind it: what follows is the cell's."""
    line = b""
    while len(line) < 4096:
        _limit(sock, until)
        try:
            seen = sock.recv(4096 - len(line), socket.MSG_PEEK)
            line += sock.recv(seen.find(b"\n") + 1 or len(seen))
        except ConnectionResetError:
            seen = b""
        if not seen:
            raise NoStem("no stem is running any more: it ended before it answered")
        if line.endswith(b"\n"):
            return line[:-1].decode(errors="replace")
    raise Bad("line is longer than 4096 bytes")


def _limit(sock, until):
    if until is not None and until <= time.monotonic():
        raise socket.timeout("timed out")
    sock.settimeout(None if until is None else until - time.monotonic())


def _dial(path, until):
    """Connect, and wait for a live process whose queue is full, or that has bound its socket and is about to listen."""
    began, pause = time.monotonic(), 0.0001
    while True:
        sock = socket.socket(socket.AF_UNIX)
        try:
            _limit(sock, until)
            sock.connect(path)
            return sock
        except BlockingIOError:
            sock.close()
        except ConnectionRefusedError:
            sock.close()
            if not _alive(path):
                raise
            if time.monotonic() - began > 10:
                raise Failed("its process does not listen") from None
        except BaseException:
            sock.close()
            raise
        time.sleep(pause)
        pause = min(2 * pause, 0.02)


def _alive(path):
    """Say whether a process holds the socket, without its noticing: a connect of the wrong type is refused with EPROTOTYPE."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError as e:
            if e.errno != errno.EPROTOTYPE:
                raise
        return True


def _lock(file, name):
    """Wait for run/NAME.lock, which goes with the file, as long as somebody else may take to start the same cell."""
    until = time.monotonic() + 15
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise Error("listen as %s: locked by another process" % name) from None
        time.sleep(0.01)
