"""The app under chaos: one file, the standard library only, a role as its argument.

web      answers pages, says its release in two ways, stores orders in redis
worker   says its release on port 9000, for webs of the same release
beat     must never run twice: tells on itself when it does
migrate  counts its own runs

The release is told twice: by a variable and by a sealed file. Where they differ, or where the worker
of the same release says something else, releases are mixed and the answer is 500.
"""

import json
import os
import secrets
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORD = os.environ["WORD"]
IMAGE = os.environ["IMAGE"]
PATIENCE_S = 15.0  # redis may be replaced in place: whoever writes waits for it


def sealed():
    with open("/word.txt") as file:
        return file.read().strip()


STORE_ONCE = """
if redis.call("SET", KEYS[1], ARGV[1], "NX") then redis.call("INCR", "orders") end
return redis.call("GET", KEYS[1])
"""

ADDRESSES = {}


def connect(name, port):
    """A connection to a neighbour. Its address is remembered: names are looked up at the engine, which
    may be away while its containers run."""
    try:
        address = ADDRESSES.get(name) or socket.gethostbyname(name)
        connection = socket.create_connection((address, port), timeout=2)
        ADDRESSES[name] = address
        return connection
    except OSError:
        ADDRESSES.pop(name, None)
        raise


class Redis:
    """RESP by hand over one connection, made again when it breaks."""

    def __init__(self):
        self.file = None

    def once(self, *words):
        if self.file is None:
            connection = connect("redis", 6379)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.file = connection.makefile("rwb")
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            data = str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self.file.write(b"".join(parts))
        self.file.flush()
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis went away")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise ConnectionError(rest.decode())
        if kind != b"$":
            return rest.decode()
        length = int(rest)
        return None if length < 0 else self.file.read(length + 2)[:-2].decode()

    def ask(self, *words):
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.once(*words)
            except (OSError, ValueError):
                self.file = None
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)


LOCAL = threading.local()


def redis():
    if not hasattr(LOCAL, "redis"):
        LOCAL.redis = Redis()
    return LOCAL.redis


def ask_worker():
    """The worker's release; it may be starting again just now."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with connect("worker", 9000) as connection:
                word = connection.makefile().readline().strip()
            if word:
                return word
            raise OSError("nothing said")
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = body.encode()
        head = (
            f"HTTP/1.1 {status} X\r\nX-Release: {WORD}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + data)

    def do_GET(self):
        try:
            if self.path == "/healthz":
                redis().ask("PING")
                self.answer(200, "well")
            elif self.path == "/":
                self.answer(200, f"the app under chaos, release {WORD}")
            elif self.path == "/version":
                words = {WORD, sealed(), ask_worker()}
                whole = len(words) == 1
                report = {"release": WORD, "words": sorted(words), "image": IMAGE}
                self.answer(200 if whole else 500, json.dumps(report))
            elif self.path.startswith("/api/orders/"):
                found = redis().ask("GET", "order:" + self.path[12:])
                self.answer(200 if found else 404, "{}")
            elif self.path.startswith("/get/"):
                self.answer(200, json.dumps({"value": redis().ask("GET", self.path[5:])}))
            else:
                self.answer(404, "{}")
        except Exception as error:
            self.answer(500, repr(error))

    def do_POST(self):
        try:
            length = int(self.headers.get("Content-Length", 0))
            uuid = json.loads(self.rfile.read(length))["uuid"]
            key, mine = "order:" + uuid, secrets.token_hex(8)
            # Stored and counted in one, or not at all. Asked again after a broken connection, it may
            # find its own first attempt.
            if redis().ask("EVAL", STORE_ONCE, 1, key, mine) == mine:
                self.answer(201, json.dumps({"uuid": uuid}))
            else:
                self.answer(200, json.dumps({"uuid": uuid}))
        except Exception as error:
            self.answer(500, repr(error))


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


def worker():
    server = socket.create_server(("", 9000), backlog=128)
    while True:
        connection, _ = server.accept()
        with connection:
            connection.sendall(sealed().encode() + b"\n")


def beat():
    own, wrote = secrets.token_hex(8), False
    while True:
        seen = redis().ask("GET", "beat")
        if wrote and seen != own:
            redis().ask("INCR", "beats-beside-each-other")
        redis().ask("SET", "beat", own)
        wrote = True
        time.sleep(0.1)


ROLE = sys.argv[1]
if ROLE == "web":
    Server(("", 8080), Web).serve_forever()
elif ROLE == "worker":
    worker()
elif ROLE == "beat":
    beat()
else:
    redis().ask("INCR", "runs:" + WORD)
