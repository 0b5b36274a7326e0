#!/usr/bin/env python3
import os, threading
import cell


def shout(conn):
    with conn:
        text = conn.makefile("rb").read()
        conn.sendall(text.upper())


for conn in cell.listen(os.environ["CELL_NAME"]):
    threading.Thread(target=shout, args=[conn]).start()
