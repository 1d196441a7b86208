"""Runs Parlance under irctest, the interoperability tests that IRC servers share.

    git clone https://github.com/progval/irctest && cd irctest
    PARLANCE=/path/to/parlance PYTHONPATH=/path/to/scripts/irctest \
        pytest --controller parlance -m 'not Ergo and not deprecated and not strict'

PARLANCE is the program (default: "parlance" on the PATH); PARLANCE_RUNTIME is "tokio" or "mio".
"""

import functools
import os
import shutil
import subprocess
from typing import Any, Optional, Set, Type

from irctest import patma
from irctest.basecontrollers import BaseServerController, DirectoryBasedController
from irctest.runner import NotImplementedByController
from irctest.specifications import Capabilities, OptionalBehaviors

PROGRAM = os.environ.get("PARLANCE", "parlance")
RUNTIME = os.environ.get("PARLANCE_RUNTIME", "tokio")

CONFIG = """
[server]
name = "My.Little.Server"
network = "ExampleNET"
description = "test server"
runtime = "{runtime}"
listen = ["{hostname}:{port}"]
default_channels = []
{password}
{extra}

[limits]
lines_per_second = 10000
lines_burst = 10000
joins_per_minute = "none"
nicks_per_minute = "none"
invites_per_minute = "none"
conversations_per_minute = "none"
channel_joins_per_minute = "none"
connects_per_minute = "none"
password_guesses_per_minute = "none"
registration_s = 60
drain_s = 1

[[oper]]
name = "operuser"
password = "{oper_password}"
"""


@functools.lru_cache(maxsize=None)
def hash_password(password: str) -> str:
    command = [PROGRAM, "hash-password"]
    done = subprocess.run(
        command, input=password + "\n", stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


class ParlanceController(BaseServerController, DirectoryBasedController):
    software_name = "Parlance"
    supported_sasl_mechanisms: Set[str] = set()
    supports_sts = False
    extban_mute_char = "m"

    capabilities = frozenset(
        {
            Capabilities.AWAY_NOTIFY,
            Capabilities.BATCH,
            Capabilities.ECHO_MESSAGE,
            Capabilities.EXTENDED_JOIN,
            Capabilities.EXTENDED_MONITOR,
            Capabilities.LABELED_RESPONSE,
            Capabilities.MESSAGE_REDACTION,
            Capabilities.MESSAGE_TAGS,
            Capabilities.MULTILINE,
            Capabilities.MULTI_PREFIX,
            Capabilities.READ_MARKER,
            Capabilities.SERVER_TIME,
            Capabilities.SETNAME,
        }
    )
    optional_behaviors = frozenset(
        {
            OptionalBehaviors.BAN_EXCEPTION_MODE,
            OptionalBehaviors.CAP_REQ_MINUS,
            OptionalBehaviors.ELIST_C,
            OptionalBehaviors.ELIST_M,
            OptionalBehaviors.ELIST_N,
            OptionalBehaviors.ELIST_T,
            OptionalBehaviors.ELIST_U,
            OptionalBehaviors.INVITE_EXCEPTION_MODE,
            OptionalBehaviors.INVITE_LIST,
            OptionalBehaviors.INVITE_OVERRIDES_LIMIT,
            OptionalBehaviors.MULTI_JOIN,
            OptionalBehaviors.MULTI_KICK,
            OptionalBehaviors.MULTI_NAMES_COMMAND,
            OptionalBehaviors.MULTI_PRIVMSG,
            OptionalBehaviors.NO_CTCP,
        }
    )
    isupport = {
        "BOT": "B",
        "CASEMAPPING": "ascii",
        "ELIST": "CMNTU",
        "INVEX": "I",
        "MONITOR": patma.ANYSTR,
        "MSGREFTYPES": patma.ANYSTR,
        "PREFIX": "(qaohv)~&@%+",
        "STATUSMSG": "~&@%+",
        "TARGMAX": patma.ANYSTR,
        "UTF8ONLY": None,
        "WHOX": None,
    }

    def run(
        self,
        hostname: str,
        port: int,
        *,
        password: Optional[str],
        ssl: bool,
        run_services: bool,
        faketime: Optional[str],
        websocket_hostname: Optional[str] = None,
        websocket_port: Optional[int] = None,
        **_: Any,
    ) -> None:
        if ssl:
            raise NotImplementedByController("TLS")
        if run_services:
            raise NotImplementedByController("accounts")
        if websocket_hostname is not None or websocket_port is not None:
            raise NotImplementedByController("WebSocket")
        assert self.proc is None
        self.hostname, self.port = hostname, port
        self.create_config()
        assert self.directory
        wanted = f'password = "{hash_password(password)}"' if password else ""
        with self.open_file("parlance.toml", "w") as file:
            file.write(
                CONFIG.format(
                    runtime=RUNTIME,
                    hostname=hostname,
                    port=port,
                    password=wanted,
                    oper_password=hash_password("operpassword"),
                    extra="",
                )
            )
        config = self.directory / "parlance.toml"
        command = [PROGRAM, "serve", "--config", config]
        if faketime and shutil.which("faketime"):
            command = ["faketime", "-f", faketime, *command]
            self.faketime_enabled = True
        self.proc = self.execute(command)


def get_irctest_controller_class() -> Type[ParlanceController]:
    return ParlanceController
