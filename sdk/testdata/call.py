"""call.py ADDRESS: sends stdin and prints the answer. A refusal or a cut is "CLASS: reason" on stderr, and status 1."""
import os, sys, threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "python"))
import cell


def send(conn):
    try:
        while data := os.read(0, 65536):
            conn.sendall(data)
        conn.close_write()
    except OSError:
        pass  # the cell takes no more


try:
    with cell.connect(sys.argv[1], timeout=60) as conn:
        threading.Thread(target=send, args=[conn], daemon=True).start()
        while data := conn.recv(65536):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        for thread in threading.enumerate()[1:]:
            thread.join()
except cell.Error as e:
    sys.stderr.write("%s: %s\n" % (type(e).__name__, e))
    sys.stdout.flush()
    os._exit(1)  # stdin may still be open
