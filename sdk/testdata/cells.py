"""The test cells in Python: cells.py CELL --name NAME."""
import hashlib, os, sys, threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "python"))
import cell


def serve(kind, conn):
    with conn:
        if kind == "echo":
            while data := conn.recv(65536):
                conn.sendall(data)
        elif kind == "late":  # answers when all is read
            whole = hashlib.sha256()
            while data := conn.recv(65536):
                whole.update(data)
            conn.sendall(whole.hexdigest().encode() + b"\n")
        elif kind == "first":  # speaks and ends its side, and then keeps what it reads
            conn.sendall(b"you first\n")
            conn.close_write()
            with open(os.environ["CELL_HOME"] + "/heard", "wb") as heard:
                heard.write(conn.makefile("rb").read())
            os.rename(heard.name, heard.name + ".whole")
        elif kind == "early":  # answers, and reads nothing
            conn.sendall(b"enough\n" * 20000)
        elif kind == "who":
            conn.sendall(str(conn.caller).encode() + b"\n")
        elif kind == "torn":  # can't finish its answer
            conn.sendall(b"half")
            conn.recv(1)
            conn.reset()
        elif kind == "hang":  # says something, and never ends
            conn.sendall(b"half")
            conn.recv(1)
            threading.Event().wait()


try:
    listener = cell.listen(os.environ.get("CELL_NAME") or sys.argv[3])
except cell.Error as e:
    sys.exit("%s: %s" % (type(e).__name__, e))
print("listening", flush=True)
for conn in listener:
    threading.Thread(target=serve, args=[sys.argv[1], conn], daemon=True).start()
