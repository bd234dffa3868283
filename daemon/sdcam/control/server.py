"""The service's end of the control socket: what can be asked, and what is answered."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sdcam import paths
from sdcam.control.local_server import LocalServer
from sdcam.control.protocol import LONGEST_LINE, decode, encode, too_long
from sdcam.errors import ExitCode, SdcamError, UsageError

if TYPE_CHECKING:
    import asyncio

_log = logging.getLogger("sdcam.control")
_MESSAGE_SECONDS = 5.0  # for one message; a command line needs milliseconds
_END_SECONDS = 1.0
_STOPPING = "The service is stopping."
T = TypeVar("T")


class Commands(Protocol):
    """What can be asked of the service."""

    def status(self) -> dict[str, object]: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def set(self, values: dict[str, object]) -> None: ...
    def save(self, values: dict[str, object]) -> dict[str, object]: ...
    def step_style(self, step: int, save: bool) -> str: ...
    def snapshot(self, path: Path) -> None: ...
    def stop(self) -> None: ...


class ControlServer:
    """Listens while entered. One thread serves all connections. Commands are carried out one after
    the other in threads of their own, `status` beside them: a command that hangs delays no
    `status`, and no other client's connection.

    Args:
        seconds: for one message, coming or going.
    """

    def __init__(self, path: Path, commands: Commands, seconds: float = _MESSAGE_SECONDS) -> None:
        self._path = path
        self._commands = commands
        self._seconds = seconds
        self._refusal = ""
        self._turn: asyncio.Lock | None = None  # passed on in the order of the requests
        self._executing = threading.Lock()  # held while a command is carried out
        self._threads: list[threading.Thread] = []
        stranger = SdcamError("This service belongs to another user.", "Start your own.")
        self._server = LocalServer(
            path,
            "control",
            self._serve,
            own_folder=path == paths.control_socket("auto"),
            stranger=encode(_refused(stranger)),
            line_bytes=LONGEST_LINE,
        )

    def __enter__(self) -> ControlServer:
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def open(self) -> None:
        """Begins to listen.

        Raises:
            UsageError: no socket can be made at the path.
        """
        try:
            self._server.open()
        except OSError as error:
            raise UsageError(
                f"The control socket {self._path} cannot be made: {error.strerror or error}.",
                "Set service.socket to a shorter path in a folder of your own.",
            ) from None

    def refuse(self, reason: str = _STOPPING) -> None:
        """From now on every command but `status` is answered with this sentence. Returns when no
        command is being carried out any more, after a second at the latest."""
        self._refusal = reason
        if self._executing.acquire(timeout=_END_SECONDS):
            self._executing.release()
        else:
            _log.warning("a command is still being carried out after %g s", _END_SECONDS)

    def close(self) -> None:
        """Refuses commands, ends all connections and joins the threads, within one second. A
        command that still hangs then is left behind in its daemon thread."""
        self._refusal = self._refusal or _STOPPING
        deadline = time.monotonic() + _END_SECONDS
        self._server.close(_END_SECONDS)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import asyncio

        while not writer.is_closing():
            try:
                line = await asyncio.wait_for(reader.readline(), self._seconds)
                if not line.endswith(b"\n"):  # the end; an unfinished line is not a message
                    return
                request = decode(line)
            except ValueError:  # readline's word for a line that is too long
                writer.write(encode(_refused(too_long())))
                return
            except SdcamError as error:
                writer.write(encode(_refused(error)))
                return
            writer.write(encode(await self._answer(request)))
            await asyncio.wait_for(writer.drain(), self._seconds)

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        import asyncio

        try:
            command = self._command(request)
            if request["command"] == "status":
                return {"ok": True, "result": await self._in_thread(command)}
            if self._turn is None:
                self._turn = asyncio.Lock()
            async with self._turn:
                return {"ok": True, "result": await self._in_thread(lambda: self._execute(command))}
        except SdcamError as error:
            return _refused(error)
        except Exception:
            _log.exception("%r failed", request.get("command"))
            return _refused(SdcamError("The service could not do that.", "Look into its log."))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        import asyncio

        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)

        # No executor: at its end Python would wait for the executor's threads, however they hang.
        thread = threading.Thread(target=run, name="control command", daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()
        return await asyncio.wrap_future(future)

    def _execute(self, command: Callable[[], object]) -> object:
        with self._executing:
            if self._refusal:  # looked at with the lock held: see `refuse`
                raise SdcamError(self._refusal)
            return command()

    def _command(self, request: dict[str, Any]) -> Callable[[], object]:
        """
        Raises:
            UsageError: there is no such command.
        """
        commands = self._commands
        known: dict[str, Callable[[], object]] = {
            "status": commands.status,
            "pause": commands.pause,
            "resume": commands.resume,
            "set": lambda: commands.set(_argument(request, "values", dict)),
            "save": lambda: commands.save(_argument(request, "values", dict)),
            "next": lambda: commands.step_style(1, request.get("save") is True),
            "prev": lambda: commands.step_style(-1, request.get("save") is True),
            "snapshot": lambda: commands.snapshot(Path(_argument(request, "path", str))),
            "stop": commands.stop,
        }
        name = request.get("command")
        if not isinstance(name, str) or name not in known:
            raise UsageError(
                f"The service knows no command {str(name)[:40]!r}.", f"It knows {', '.join(known)}."
            )
        return known[name]


def _argument(request: dict[str, Any], name: str, kind: type[T]) -> T:
    """
    Raises:
        UsageError: it is missing, empty, or of another kind.
    """
    value = request.get(name)
    if not isinstance(value, kind) or not value:
        raise UsageError(f"{request['command']} needs {name}.")
    return value


def _refused(error: SdcamError) -> dict[str, Any]:
    return {
        "ok": False,
        "error": error.what,
        "todo": error.todo,
        "exit_code": int(ExitCode(error.exit_code)),
    }
