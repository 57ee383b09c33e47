"""A store as Google's on loopback, as far as its XML API is used here; it takes what one service account has signed.

In place of a bucket there is a dictionary. Each object has a generation, by which writes may be conditional.
"""

import base64
import email.utils
import hashlib
import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def _new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def account(key, url):
    """The key of a service account as Google hands it out; the client signs with it what it sends."""
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "sync@acme.iam.gserviceaccount.com",
            "private_key_id": "1",
            "private_key": secret.decode(),
            "gcs_base_url": url,
        }
    )


class Store:
    """What is kept: bucket/name to generation and bytes."""

    def __init__(self):
        self.key = _new_key()
        self.objects, self.uploads = {}, {}
        self.lock, self.next = threading.Lock(), count(1)

    def is_signed(self, header):
        """By our service account."""
        head, _, signature = header.removeprefix("Bearer ").rpartition(".")
        try:
            self.key.public_key().verify(
                base64.urlsafe_b64decode(signature + "=="), head.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            return False
        return True

    def put(self, name, body, wanted=None):
        """The generation, or None where another one is there than the writer wants."""
        with self.lock:
            there = self.objects.get(name, (0, b""))[0]
            if wanted is not None and int(wanted) != there:
                return None
            self.objects[name] = made = next(self.next), body
            return made[0]


def _handler(store):
    class Handler(BaseHTTPRequestHandler):
        protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

        def log_message(self, *given):
            pass

        def handle_one_request(self):
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True

        def _asked(self):
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not store.is_signed(self.headers.get("Authorization", "")):
                self._answer(401, b"<Error><Code>AuthenticationRequired</Code></Error>")
                return None
            return unquote(parts.path).strip("/"), parse_qs(parts.query, keep_blank_values=True), body

        def _answer(self, status, body=b"", **headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), str(value))
            if "Content_Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_PUT(self):
            if (asked := self._asked()) is None:
                return
            name, query, body = asked
            if "uploadId" in query:
                store.uploads[query["uploadId"][0]][int(query["partNumber"][0])] = body
                self._answer(200, ETag=_etag(body))
                return
            if source := self.headers.get("x-goog-copy-source"):
                body = store.objects[unquote(source).strip("/")][1]
            generation = store.put(name, body, self.headers.get("x-goog-if-generation-match"))
            if generation is None:
                self._answer(412)
            else:
                self._answer(200, ETag=_etag(body), x_goog_generation=generation)

        def do_POST(self):
            if (asked := self._asked()) is None:
                return
            name, query, _ = asked
            if "uploads" in query:
                upload = str(next(store.next))
                store.uploads[upload] = {}
                said = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            else:
                parts = store.uploads.pop(query["uploadId"][0])
                body = b"".join(parts[number] for number in sorted(parts))
                generation = store.put(name, body)
                said = f"<CompleteMultipartUploadResult><ETag>{_etag(body)}</ETag></CompleteMultipartUploadResult>"
                self._answer(200, said.encode(), x_goog_generation=generation)
                return
            self._answer(200, said.encode())

        def do_DELETE(self):
            if (asked := self._asked()) is None:
                return
            name, query, _ = asked
            if "uploadId" in query:
                store.uploads.pop(query["uploadId"][0], None)
            elif store.objects.pop(name, None) is None:
                self._answer(404)
                return
            self._answer(204)

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            if (asked := self._asked()) is None:
                return
            name, query, _ = asked
            if "list-type" in query:
                self._answer(200, _listed(store, name, query).encode())
                return
            if name not in store.objects:
                self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
                return
            generation, body = store.objects[name]
            headers = {
                "ETag": _etag(body),
                "Last_Modified": email.utils.formatdate(usegmt=True),
                "x_goog_generation": generation,
            }
            status, part = 200, body
            if wanted := self.headers.get("Range"):
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                begin = int(first) if first else max(len(body) - int(last), 0)
                end = min(int(last) + 1, len(body)) if first and last else len(body)
                status, part = 206, body[begin:end]
                headers["Content_Range"] = f"bytes {begin}-{end - 1}/{len(body)}"
            self._answer(status, part, **headers, Content_Length=len(part))

    return Handler


def _etag(body):
    return f'"{hashlib.md5(body).hexdigest()}"'


def _listed(store, bucket, query):
    prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
    found, folders = [], set()
    for name in sorted(store.objects):
        key = name.removeprefix(f"{bucket}/")
        if not name.startswith(f"{bucket}/{prefix}") or key <= query.get("start-after", [""])[0]:
            continue
        inner = key.removeprefix(prefix)
        if delimiter and delimiter in inner:
            folders.add(prefix + inner.partition(delimiter)[0] + delimiter)
            continue
        body = store.objects[name][1]
        found.append(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(body)}</Size><ETag>{escape(_etag(body))}</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
        )
    below = "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in sorted(folders))
    return f"<ListBucketResult>{''.join(found)}{below}<IsTruncated>false</IsTruncated></ListBucketResult>"


@contextmanager
def google_store():
    """The key of a service account that it takes, and one that it does not, each as a text of JSON."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.google_store"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def _serve():
    store = Store()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(store))
    url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps([account(store.key, url), account(_new_key(), url)]), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve()
