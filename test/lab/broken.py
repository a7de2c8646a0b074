"""Servers for the lab's internet, each of which fails in one phase of HTTPS.

    broken.py ADDRESS FOLDER

FOLDER has the lab's ca.pem, ca.key and pop.pem. Prints {"failing phase": port} when ready.
"""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

NAME = "ipv4.example.net"


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def certificate(folder, what, name, days, ca="ca"):
    """Returns the file with the certificate and its key."""
    path = os.path.join(folder, what)
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", f"{path}.key", "-out", f"{path}.csr", "-subj", "/CN=broken",
            "-addext", f"subjectAltName=DNS:{name}")
    signer = ["-CA", f"{folder}/{ca}.pem", "-CAkey", f"{folder}/{ca}.key"] if ca else [
        "-signkey", f"{path}.key"]
    openssl("x509", "-req", "-in", f"{path}.csr", *signer, "-days", str(days), "-copy_extensions",
            "copyall", "-out", f"{path}.pem")
    return path


def greeter(*replies):
    """Reads the request, if any; sends the replies; closes."""
    def serve(connection):
        connection.recv(4096)
        for reply in replies:
            connection.sendall(reply)
    return serve


def silent(connection):
    connection.recv(4096)
    time.sleep(30)


def listen(address, serve, path=None):
    """Serves each connection in its own thread, with TLS if there is a certificate."""
    listener = socket.create_server((address, 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if path:
        context.load_cert_chain(f"{path}.pem", f"{path}.key")

    def one(connection):
        try:
            with connection:
                if path:
                    connection = context.wrap_socket(connection, server_side=True)
                serve(connection)
        except OSError:
            pass  # the client rejected the reply, as expected

    def accept():
        while True:
            threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def main(address, folder):
    fine = greeter(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    good = os.path.join(folder, "pop")
    print(json.dumps({
        "fine": listen(address, fine, good),
        "expired": listen(address, fine, certificate(folder, "expired", NAME, -1)),
        "other name": listen(address, fine, certificate(folder, "other", "other.example.net", 7)),
        "self-signed": listen(address, fine, certificate(folder, "own", NAME, 7, ca=None)),
        "closes in TLS": listen(address, greeter()),
        "no TLS": listen(address, greeter(b"220 mail.example.net ESMTP\r\n")),
        "silent in TLS": listen(address, silent),
        "closes in HTTP": listen(address, greeter(), good),
        "no HTTP": listen(address, greeter(b"220 mail.example.net ESMTP\r\n"), good),
        "silent in HTTP": listen(address, silent, good),
        "half a reply": listen(address, greeter(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), good),
    }), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
