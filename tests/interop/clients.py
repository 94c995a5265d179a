"""The client programs of the interop matrix: how each is installed, and how it is called.

    clients.py install     makes what is missing below build/interop, by each language's own tools
    clients.py list        one line for each: ready, or why it is left out
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLACE = ROOT / "build" / "interop"
VENV = PLACE / "venv"
KAFKA_PEER = ROOT / "tools" / "peers" / "kafka-peer"
PEER_HOME = Path(os.environ.get("KAFKA_PEER_HOME") or Path.home() / ".cache" / "kafka-peer")


class Failed(Exception):
    """Why a client could not be installed."""


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failed(" / ".join((done.stderr or done.stdout).strip().splitlines()[-3:]))
    return done.stdout


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Failed(f"{program} is not installed")


def newer(made, *sources):
    """Whether what was made is there and younger than all it was made of."""
    return made.exists() and all(made.stat().st_mtime >= s.stat().st_mtime for s in sources)


def install_librdkafka():
    need("cc")
    source, program = HERE / "librdkafka" / "client.c", PLACE / "librdkafka" / "client"
    if not newer(program, source):
        program.parent.mkdir(parents=True, exist_ok=True)
        run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source, "-lrdkafka",
             "-lcrypto"])


def install_python():
    wanted, stamp = HERE / "requirements.txt", VENV / "installed"
    if not newer(stamp, wanted):
        run([sys.executable, "-m", "venv", VENV])
        run([VENV / "bin/pip", "install", "-q", "-r", wanted])
        stamp.touch()


def install_go():
    need("go")
    folder, program = HERE / "franz_go", PLACE / "franz_go" / "client"
    if not newer(program, *folder.iterdir()):
        run(["go", "build", "-mod=readonly", "-o", program, "."], cwd=folder)


# Most runs are short: the start counts more than the steady pace.
JVM_FLAGS = ("-Xmx512M", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def java_classpath():
    found = sorted(PEER_HOME.glob("kafka-*/lib"))
    if not found:
        raise Failed("Kafka's jars are not here (tools/peers/kafka-peer setup)")
    return f"{found[-1]}/*"


def install_java():
    need("java", "javac")
    if not list(PEER_HOME.glob("kafka-*/lib")):
        need("mvn")
        run([KAFKA_PEER, "setup"])
    source, made = HERE / "java_client" / "Client.java", PLACE / "java" / "Client.class"
    if not newer(made, source):
        run(["javac", "-cp", java_classpath(), "-d", PLACE / "java", source])


def install_kafkajs():
    need("node", "npm")
    wanted, folder = HERE / "kafkajs" / "package.json", PLACE / "kafkajs"
    stamp = folder / "installed"
    if not newer(stamp, wanted):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(wanted, folder)
        run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"], cwd=folder)
        stamp.touch()


class Client:
    """One client: `command` is what produce, consume and codecs are given to."""

    def __init__(self, name, install, command, made, consumes=True, shape="full", environment=()):
        self.name, self.install, self.command, self.made = name, install, command, made
        self.consumes, self.shape = consumes, shape
        self.environment = {**os.environ, **dict(environment)}
        self.codecs = []

    def missing(self):
        """Why it cannot be used here, or None."""
        if not Path(self.made).exists():
            return "not installed (tools/do setup --interop)"
        try:
            self.install()  # its own source may have changed since
            self.codecs = run(self.call("codecs"), env=self.environment).split()
        except (Failed, OSError) as why:
            return str(why)
        return None

    def call(self, what, *arguments):
        return [*self.command(), what, *map(str, arguments)]


def python_client(folder):
    return lambda: [VENV / "bin/python", HERE / folder / "client.py"]


CLIENTS = [
    Client("kcat", lambda: need("kcat"), lambda: [sys.executable, HERE / "kcat" / "client.py"],
           "/usr/bin/kcat", shape="text"),
    Client("librdkafka", install_librdkafka, lambda: [PLACE / "librdkafka" / "client"],
           PLACE / "librdkafka" / "client"),
    Client("confluent-kafka", install_python, python_client("confluent_kafka"), VENV / "installed"),
    Client("kafka-python", install_python, python_client("kafka_python"), VENV / "installed",
           shape="filled"),
    Client("franz-go", install_go, lambda: [PLACE / "franz_go" / "client"],
           PLACE / "franz_go" / "client"),
    Client("java", install_java,
           lambda: ["java", *JVM_FLAGS, "-cp", f"{PLACE / 'java'}:{java_classpath()}", "Client"],
           PLACE / "java" / "Client.class"),
    Client("kafkajs", install_kafkajs, lambda: ["node", HERE / "kafkajs" / "client.js"],
           PLACE / "kafkajs" / "installed", consumes=False, shape="filled",
           environment={"NODE_PATH": str(PLACE / "kafkajs" / "node_modules")}.items()),
]


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else "list"
    if what not in ("install", "list"):
        sys.exit(__doc__)
    for client in CLIENTS:
        why = None
        try:
            if what == "install":
                client.install()
        except (Failed, OSError) as failure:
            why = str(failure)
        why = why or client.missing()
        print(f"{client.name}: {'left out: ' + why if why else 'ready'}", flush=True)


if __name__ == "__main__":
    main()
