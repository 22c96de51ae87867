"""A mail server that writes down what it takes, by aiosmtpd.

Usage: mail_server.py PORT LOG [--tls CERTIFICATE KEY] [--user USER PASSWORD] [--refuse ADDRESS STATUS]

Each mail is a line of JSON in LOG: envelope, headers, text, attachments. With --tls it offers STARTTLS, and demands it before a
login.
"""

import email
import email.policy
import json
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

arguments = sys.argv[1:]


def option(name, count):
    if name not in arguments:
        return None
    at = arguments.index(name)
    values = arguments[at + 1 : at + 1 + count]
    del arguments[at : at + 1 + count]
    return values


tls, user, refuse = option("--tls", 2), option("--user", 2), option("--refuse", 2)
port, log = int(arguments[0]), arguments[1]


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if refuse and address == refuse[0]:
            return refuse[1] + " not this one"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = mail.get_body(("plain",))
        attachments = [(part.get_filename(), part.get_content_type(), part.get_content()) for part in mail.iter_attachments()]
        record = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "user": session.auth_data and session.auth_data.decode(),
            "headers": {name: str(value) for name, value in mail.items()},
            "text": body.get_content(),
            "attachments": [(name, kind, data.decode() if isinstance(data, bytes) else data) for name, kind, data in attachments],
            "defects": [str(defect) for part in mail.walk() for defect in part.defects],
        }
        with open(log, "a") as file:
            file.write(json.dumps(record) + "\n")
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    right = user and data.login.decode() == user[0] and data.password.decode() == user[1]
    return AuthResult(success=bool(right), handled=False, auth_data=data.login)


settings = {}
if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    settings["tls_context"] = context
if user:
    settings.update(authenticator=authenticate, auth_required=True, auth_require_tls=tls is not None)
controller = Controller(Handler(), hostname="127.0.0.1", port=port, **settings)
controller.start()
threading.Event().wait()
