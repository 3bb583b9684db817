"""Exits with 0 when /healthz answers 200. A bare socket, since imports would cost more than the check."""

import socket
import sys

REQUEST = b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"

with socket.create_connection(("127.0.0.1", 8000), timeout=2) as connection:
    connection.sendall(REQUEST)
    status_line = connection.recv(64)

sys.exit(0 if status_line.split(b" ")[1:2] == [b"200"] else 1)
