"""A fluxd of our own: on a free port, preloaded, with settings that make rare things frequent."""

import os
import re
import signal
import subprocess
import threading
import time

import recording as rec

# Small enough that seconds see snapshots, marks and closed blocks.
SETTINGS = {"flux.metadata.snapshot.records": 12, "flux.integrity.mark.ms": 20,
            "flux.integrity.block.bytes": 2048, "auto.create.topics.enable": "false",
            "log.retention.check.interval.ms": 200}
READY = re.compile(r"^fluxd .* ready: .* on PLAINTEXT://127\.0\.0\.1:(\d+)")
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 30


class DaemonFailed(Exception):
    """It did not start, or did not stop in order; says what it said."""


def check_calls(program):
    """Refuses a program that reaches files or clients by calls that the recorder does not see."""
    listed = subprocess.run(["nm", "-D", "--undefined-only", program], check=True,
                            capture_output=True, text=True).stdout
    used = {line.split()[-1].split("@")[0] for line in listed.splitlines() if line.strip()}
    unseen = used & rec.UNSEEN
    if unseen:
        raise SystemExit(f"{program} uses what the recorder does not see: {sorted(unseen)}")
    if not {"pwrite", "fdatasync", "send"} <= used:
        raise SystemExit(f"{program} does not write, sync and send by calls of the C library")


class Daemon:
    """`recorder` is preloaded with what is given of the rest; without one fluxd runs as it is."""

    def __init__(self, program, data, log, recorder=None, boot_id=None, recording=None, drop=None,
                 mutant=None):
        told = {"LD_PRELOAD": recorder, "FLUX_RECORDER_BOOT_ID": boot_id,
                "FLUX_RECORDER_FILE": recording, "FLUX_RECORDER_DROP": drop}
        environment = {**os.environ, **{name: value for name, value in told.items() if value}}
        command = [program, *(["--mutant", mutant] if mutant else [])]
        for key, value in {"listeners": "PLAINTEXT://127.0.0.1:0", "log.dirs": data,
                           **SETTINGS}.items():
            command += ["--set", f"{key}={value}"]
        self.log = log
        self._log_file = open(log, "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log_file,
                                        env=environment)
        self.port = self._wait_ready()

    def _wait_ready(self):
        timer = threading.Timer(START_SECONDS_MAX, self.process.kill)
        timer.start()
        try:
            for line in self.process.stdout:
                found = READY.match(line.decode())
                if found:
                    return int(found.group(1))
        finally:
            timer.cancel()
        status = self.process.wait()
        self._close()
        raise DaemonFailed(f"fluxd does not start (status {status}): {self.last_words()}")

    def last_words(self):
        with open(self.log, errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
        return " | ".join(lines[-3:])

    def _close(self):
        self.process.stdout.close()
        self._log_file.close()

    def kill(self):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self._close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise DaemonFailed(f"fluxd does not stop: {self.last_words()}") from None
        self._close()
        if status != 0:
            raise DaemonFailed(f"fluxd stops with status {status}: {self.last_words()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
