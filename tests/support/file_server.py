#!/usr/bin/env python3
# Serves the files of a folder over HTTP for the download tests: file_server.py FOLDER
# Prints its port. The first part of a path says how the server behaves:
#   /good/F      ranges, a strong ETag           /plain/F     neither
#   /notag/F     ranges, no ETag                 /moving/F    ranges, another ETag with each request
#   /stuck/F     half of the file, then only connections that close
#   /cut/F       ends after half of the rest     /hang/F      the first request stops at half and waits
#   /busy-N/F    503 for the first N requests    /status-N/F  always that status
#   /hop/F       leads to /good/F, with the SHA-256 of F in X-Linked-ETag    /lie/F  with a wrong one
#   /loop/F      leads to itself                 /away/F      leads to http://example.com
#   /length-N/F  claims N bytes                  /log         the requests so far: path, Range, If-Range
import hashlib
import http.server
import pathlib
import re
import sys
import time

FOLDER = pathlib.Path(sys.argv[1])
LOG = []
COUNTS = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def head(self, status, length, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def redirect(self, place, **headers):
        self.head(302, 0, Location=place, **headers)

    def do_GET(self):
        if self.path == "/log":
            body = "\n".join(LOG).encode()
            self.head(200, len(body))
            self.wfile.write(body)
            return
        LOG.append(f"{self.path} {self.headers.get('Range', '-')} {self.headers.get('If-Range', '-')}")
        n = COUNTS[self.path] = COUNTS.get(self.path, 0) + 1
        mode, name = self.path.lstrip("/").split("/", 1)
        data = (FOLDER / name).read_bytes() if (FOLDER / name).is_file() else b""
        digest = hashlib.sha256(data).hexdigest()
        number = int(mode.rsplit("-", 1)[1]) if re.search(r"-\d+$", mode) else 0
        if mode == "hop":
            self.redirect(f"/good/{name}", X_Linked_ETag=f'"{digest}"', ETag='"of-the-redirect"')
        elif mode == "lie":
            self.redirect(f"/good/{name}", X_Linked_ETag='"' + "0" * 64 + '"')
        elif mode == "stuck" and n > 1:
            self.close_connection = True
        elif mode == "loop":
            self.redirect(self.path)
        elif mode == "away":
            self.redirect("http://example.com/x")
        elif mode.startswith("status-"):
            self.head(number, 5)
            self.wfile.write(b"<no/>")
        elif mode.startswith("busy-") and n <= number:
            self.head(503, 0)
        else:
            self.send_file(mode, data, digest, n, number)

    def send_file(self, mode, data, digest, n, number):
        tag = {"plain": None, "notag": None, "moving": f'"{digest}-{n}"'}.get(mode, f'"{digest}"')
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        unchanged = self.headers.get("If-Range") in (None, tag)
        begin = int(asked.group(1)) if asked and unchanged and mode != "plain" else 0
        extra = {"ETag": tag} if tag else {}
        if begin >= len(data) and begin > 0:
            self.head(416, 0, Content_Range=f"bytes */{len(data)}")
            return
        rest = data[begin:]
        length = number if mode.startswith("length-") else len(rest)
        if begin > 0:
            extra["Content_Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        self.head(206 if begin > 0 else 200, length, **extra)
        half = len(rest) // 2
        if mode == "cut" and len(rest) > 1000:
            self.wfile.write(rest[:half])
            self.close_connection = True
        elif mode == "stuck" and n == 1:
            self.wfile.write(rest[:half])
            self.close_connection = True
        elif mode == "hang" and n == 1:
            self.wfile.write(rest[:half])
            self.wfile.flush()
            time.sleep(60)
            self.close_connection = True
        else:
            self.wfile.write(rest)
            self.close_connection = mode.startswith("length-")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
