"""A Databricks workspace as its Python connector sees one: Thrift over HTTPS before the session of the tests.

Statements go to Spark as they are. What open Spark does not have is done here: volumes are folders, PUT and REMOVE are
answered with an address as the real one does, `read_files` reads Parquet, `information_schema` lists the catalog.
"""

import datetime as dt
import json
import re
import shutil
import ssl
import threading
import uuid
from base64 import b64decode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pyarrow as pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from databricks.sql.thrift_api.TCLIService import TCLIService
from databricks.sql.thrift_api.TCLIService import ttypes as t
from thrift.protocol import TBinaryProtocol
from thrift.transport import TTransport

CLIENT, SECRET, TOKEN = "11111111-2222-3333-4444-555555555555", "dose-hunter2", "dapi-hunter2"
_TEXT = r"'((?:[^'\\]|\\.)*)'"
_READ = re.compile(rf"read_files\({_TEXT}, format => 'parquet', schema => {_TEXT}, datetimeRebaseMode => 'CORRECTED'\)")
_COLUMNS = re.compile(rf"FROM (`\w+`)\.`information_schema`\.`columns` WHERE table_schema = {_TEXT}")
_OK = t.TStatus(statusCode=t.TStatusCode.SUCCESS_STATUS)


class Workspace:
    """Answers as the SQL warehouse of one workspace; `said` are the statements it was told."""

    def __init__(self, session, folder):
        self.session, self.folder, self.said, self.tokens = session, folder, [], {TOKEN}
        self.address, self.is_away, self.starts = "", False, 0  # so often it says that it is not there yet

    # What a SQL warehouse does with a statement: columns, rows, and whether that is an address for a file

    def run(self, statement):
        statement = re.sub(r" /\*[^*]*\*/$", "", statement)
        verb, text = statement.split()[0], re.findall(_TEXT, statement)
        if verb in ("PUT", "REMOVE"):
            row = (verb, f"{self.address}/files{text[-1]}", "{}", text[0])
            return ["operation", "presignedUrl", "headers", "localFile"], [row], True
        if verb == "LIST":
            listed = sorted(self.place(text[0]).iterdir())
            return ["path", "name"], [(f"dbfs:{text[0]}/{one.name}", one.name) for one in listed], False
        if volume := re.fullmatch(r"(CREATE|DROP) VOLUME IF (?:NOT )?EXISTS `(\w+)`.`(\w+)`.`(\w+)`", statement):
            place = self.place(f"/Volumes/{'/'.join(volume.groups()[1:])}")
            if volume[1] == "DROP":
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.mkdir(parents=True, exist_ok=True)
            return [], [], False
        if asked := _COLUMNS.search(statement):
            return ["table", "column", "type"], list(self._columns(*asked.groups())), False
        done = self.session.sql(_READ.sub(self._read, statement))
        return done.columns, [tuple(row) for row in done.collect()], False

    def place(self, path):
        return self.folder / path.lstrip("/")

    def _read(self, found):
        view = f"files_{uuid.uuid4().hex}"
        rows = self.session.read.schema(found[2]).option("datetimeRebaseMode", "CORRECTED")
        rows.parquet(str(self.place(found[1]))).createOrReplaceTempView(view)
        return view

    def _columns(self, catalog, schema):
        if self.session.catalog.databaseExists(f"{catalog}.`{schema}`"):
            for row in self.session.sql(f"SHOW TABLES IN {catalog}.`{schema}`").where("not isTemporary").collect():
                for field in self.session.table(f"{catalog}.`{schema}`.`{row['tableName']}`").schema.fields:
                    yield row["tableName"], field.name, field.dataType.simpleString()

    # The protocol, as far as the connector uses it

    def OpenSession(self, request):
        version = t.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V7
        session = t.TSessionHandle(sessionId=_handle(), serverProtocolVersion=version)
        return t.TOpenSessionResp(status=_OK, serverProtocolVersion=version, sessionHandle=session)

    def CloseSession(self, request):
        return t.TCloseSessionResp(status=_OK)

    def CloseOperation(self, request):
        return t.TCloseOperationResp(status=_OK)

    def ExecuteStatement(self, request):
        self.said.append(request.statement)
        handle = t.TOperationHandle(
            operationId=_handle(), operationType=t.TOperationType.EXECUTE_STATEMENT, hasResultSet=True
        )
        try:
            results = _results(*self.run(request.statement))
        except Exception as error:
            state = t.TGetOperationStatusResp(
                status=_OK, operationState=t.TOperationState.ERROR_STATE, displayMessage=str(error)
            )
            results = t.TSparkDirectResults(operationStatus=state)
        return t.TExecuteStatementResp(status=_OK, operationHandle=handle, directResults=results)


def _handle():
    return t.THandleIdentifier(guid=uuid.uuid4().bytes, secret=uuid.uuid4().bytes)


def _results(names, rows, is_file):
    table = pa.table({name: pa.array([row[n] for row in rows]) for n, name in enumerate(names)})
    table = table.cast(pa.schema([(f.name, pa.string() if pa.types.is_null(f.type) else f.type) for f in table.schema]))
    described = [_described(name, n) for n, name in enumerate(names)]
    batches = [t.TSparkArrowBatch(batch=b.serialize().to_pybytes(), rowCount=b.num_rows) for b in table.to_batches()]
    return t.TSparkDirectResults(
        operationStatus=t.TGetOperationStatusResp(status=_OK, operationState=t.TOperationState.FINISHED_STATE),
        resultSetMetadata=t.TGetResultSetMetadataResp(
            status=_OK,
            schema=t.TTableSchema(columns=described),
            resultFormat=t.TSparkRowSetType.ARROW_BASED_SET,
            lz4Compressed=False,
            arrowSchema=table.schema.serialize().to_pybytes(),
            isStagingOperation=is_file,
        ),
        resultSet=t.TFetchResultsResp(
            status=_OK, hasMoreRows=False, results=t.TRowSet(startRowOffset=0, rows=[], arrowBatches=batches)
        ),
        closeOperation=t.TCloseOperationResp(status=_OK),
    )


def _described(name, position):
    text = t.TTypeEntry(primitiveEntry=t.TPrimitiveTypeEntry(type=t.TTypeId.STRING_TYPE))
    return t.TColumnDesc(columnName=name, typeDesc=t.TTypeDesc(types=[text]), position=position + 1)


def _handler(workspace):
    processor = TCLIService.Processor(workspace)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *said):
            """Nothing."""

        def answer(self, code, body=b"", **headers):
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def body(self):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def do_POST(self):
            body = self.body()
            if workspace.is_away:
                self.close_connection = True
            elif self.path == "/oidc/v1/token":
                self.give_token()
            elif self.headers.get("Authorization", "").removeprefix("Bearer ") not in workspace.tokens:
                self.answer(401)
            elif workspace.starts:
                workspace.starts -= 1
                self.answer(503, **{"Retry-After": "1"})
            else:
                out = TTransport.TMemoryBuffer()
                protocols = (TBinaryProtocol.TBinaryProtocol(one) for one in (TTransport.TMemoryBuffer(body), out))
                processor.process(*protocols)
                self.answer(200, out.getvalue())

        def give_token(self):
            given = b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            if given != f"{CLIENT}:{SECRET}":
                self.answer(401, b'{"error": "invalid_client"}')
                return
            token = uuid.uuid4().hex
            workspace.tokens.add(token)
            self.answer(200, json.dumps({"access_token": token, "expires_in": 3600}).encode())

        def do_PUT(self):
            place = workspace.place(self.path.removeprefix("/files"))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self.body())
            self.answer(200)

        def do_DELETE(self):
            workspace.place(self.path.removeprefix("/files")).unlink(missing_ok=True)
            self.answer(204)

        def do_GET(self):
            self.answer(404)

    return Handler


@contextmanager
def serving(session, folder, monkeypatch):
    """A workspace on loopback, whose certificate this process trusts meanwhile."""
    folder.mkdir()
    certificate = _certificate(folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    workspace = Workspace(session, folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(workspace))
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    workspace.port = server.server_port
    workspace.address = f"https://127.0.0.1:{server.server_port}"
    workspace.server = server
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield workspace
    finally:
        server.shutdown()
        server.server_close()


def _certificate(folder) -> Path:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    return path
