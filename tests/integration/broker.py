"""A real Apache Kafka for the tests: jars from Maven Central, KRaft combined mode, free loopback ports.

`Cluster.start(n, directory)` starts n brokers and returns once they answer; `Cluster.external(bootstrap)` stands for
one that somebody else runs. Nothing is installed: the jars live in `.cache/kafka/<version>` of the checkout, data and
logs in the directory given. Raises `Unavailable` where this machine cannot run one, `BrokerError` where it failed to.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

ROOT = Path(__file__).resolve().parents[2]
POM = ROOT / "tests" / "kafka" / "pom.xml"
START_SECONDS = 90.0
STOP_SECONDS = 8.0

LOG4J = """\
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
"""


class Unavailable(Exception):  # noqa: N818 - a reason to skip, not a defect
    """This machine cannot run a broker; the message says why."""


class BrokerError(Exception):
    """A broker that should run does not; the message carries the end of its log and where the rest is."""


@dataclass
class Node:
    """One broker process: its ports, its files, and how to end it."""

    number: int
    directory: Path
    port: int
    controller_port: int
    listeners: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def log_end(self, lines: int = 25) -> str:
        written = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([*written[-lines:], f"(whole log: {self.log})"])

    def kill(self) -> None:
        """SIGKILL: a machine that lost power."""
        if self.process is not None:
            self.process.kill()
        self.wait(STOP_SECONDS)

    def ask_to_stop(self) -> None:
        """SIGTERM; `wait` for the end."""
        if self.process is not None:
            self.process.terminate()

    def wait(self, seconds: float) -> None:
        """Until the process has ended; SIGKILL when it does not listen."""
        process, self.process = self.process, None
        if process is None:
            return
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Cluster:
    """Brokers that answer at `bootstrap`. `nodes` is empty when they are not ours."""

    bootstrap: str
    nodes: list[Node] = field(default_factory=list)

    @classmethod
    def external(cls, bootstrap: str) -> Cluster:
        """A cluster started by somebody else."""
        cluster = cls(bootstrap)
        cluster._wait(1)
        return cluster

    @classmethod
    def start(
        cls,
        count: int,
        directory: Path,
        listeners: Mapping[str, str] | None = None,
        settings: Mapping[str, object] | None = None,
        users: Sequence[str] = (),
    ) -> Cluster:
        """Start `count` brokers, each also a controller, and wait until all are seen by a client.

        `listeners` are more of them, name → security protocol (see `address`); `settings` are more of a broker's;
        `users` are SCRAM credentials in the notation of `kafka-storage format --add-scram`.
        """
        classpath = f"{jars()}/*"
        more = dict(listeners or {})
        ports = iter(_free_ports((2 + len(more)) * count))
        nodes = [
            Node(
                n + 1,
                directory / f"broker-{n + 1}",
                next(ports),
                next(ports),
                {k: (v, next(ports)) for k, v in more.items()},
            )
            for n in range(count)
        ]
        cluster = cls(",".join(f"127.0.0.1:{node.port}" for node in nodes), nodes)
        try:
            for node in nodes:
                _format(node, nodes, classpath, settings or {}, users)
            for node in nodes:
                cluster._launch(node, classpath)
            cluster._wait(count)
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def address(self, listener: str) -> str:
        """Where one of the `listeners` is reached."""
        return ",".join(f"127.0.0.1:{node.listeners[listener][1]}" for node in self.nodes)

    def stop(self) -> None:
        """End every broker; the data go, the logs stay."""
        for node in self.nodes:
            node.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS  # shared: without a majority of controllers none stops in order
        for node in self.nodes:
            node.wait(max(0.1, deadline - time.monotonic()))
            shutil.rmtree(node.directory / "data", ignore_errors=True)

    def restart(self, node: Node) -> None:
        """Start a broker that was killed again, on its data and ports, and wait until it is back."""
        self._launch(node, f"{jars()}/*")
        self._wait(sum(other.process is not None for other in self.nodes))

    def revive(self) -> None:
        """Start every broker that was killed again, on its data and ports, and wait until all are back."""
        killed = [node for node in self.nodes if node.process is None]
        for node in killed:
            self._launch(node, f"{jars()}/*")
        if killed:
            self._wait(len(self.nodes))

    def _launch(self, node: Node, classpath: str) -> None:
        command = [
            "java", "-Xmx320m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            f"-Dlog4j2.configurationFile={node.directory / 'log4j2.properties'}",
            "-cp", classpath, "kafka.Kafka", str(node.directory / "server.properties"),
        ]  # fmt: skip
        with node.log.open("ab") as log:
            node.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def _wait(self, count: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        while True:
            for node in self.nodes:
                if node.process is not None and node.process.poll() is not None:
                    raise BrokerError(f"broker {node.number} ended by itself:\n{node.log_end()}")
            try:
                if len(admin.list_topics(timeout=2).brokers) >= count:
                    return
            except KafkaException as exc:
                if time.monotonic() > deadline:
                    logs = "\n".join(node.log_end() for node in self.nodes)
                    raise BrokerError(
                        f"no answer from {self.bootstrap} in {START_SECONDS:.0f} s: {exc}\n{logs}"
                    ) from exc


def jars() -> Path:
    """The folder of the broker's jars, filled from Maven Central once per version."""
    _java()
    version = ET.parse(POM).getroot().findtext("{*}properties/{*}kafka.version")  # noqa: S314 - our own file
    folder = ROOT / ".cache" / "kafka" / f"{version}" / "libs"
    if folder.is_dir():
        return folder
    if shutil.which("mvn") is None:
        raise Unavailable("no Kafka: set DETECTOR_TEST_BOOTSTRAP, or install Maven so that its jars can be fetched")
    partial = folder.with_name(f"libs.{os.getpid()}")
    done = subprocess.run(
        ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime",
         f"-DoutputDirectory={partial}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise Unavailable(f"no Kafka: Maven could not fetch its jars: {(done.stdout or done.stderr).strip()[:500]}")
    try:
        partial.rename(folder)  # whole or not at all: an interrupted download is never mistaken for the cache
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)  # another run was quicker
    return folder


def _java() -> None:
    if shutil.which("java") is None:
        raise Unavailable("no Kafka: set DETECTOR_TEST_BOOTSTRAP, or install Java 17 or newer")
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < 17:
        raise Unavailable(f"no Kafka: Java 17 or newer is needed, found {said.splitlines()[0] if said else 'none'}")


def _format(node: Node, nodes: list[Node], classpath: str, more: Mapping[str, object], users: Sequence[str]) -> None:
    replicas = min(3, len(nodes))
    listeners = {"PLAINTEXT": ("PLAINTEXT", node.port), "CONTROLLER": ("PLAINTEXT", node.controller_port)}
    listeners |= node.listeners
    settings = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(f"{n.number}@127.0.0.1:{n.controller_port}" for n in nodes),
        "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, (_, port) in listeners.items()),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, (protocol, _) in listeners.items()),
        "controller.listener.names": "CONTROLLER",
        "log.dirs": node.directory / "data",
        "auto.create.topics.enable": "false",
        "min.insync.replicas": max(1, replicas - 1),
        "offsets.topic.num.partitions": 1,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.num.partitions": 1,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": max(1, replicas - 1),
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "broker.session.timeout.ms": 4000,  # how soon a broker that was killed is missed
        "broker.heartbeat.interval.ms": 1000,
        "log.retention.check.interval.ms": 500,
        **more,
    }
    node.directory.mkdir(parents=True)
    properties = node.directory / "server.properties"
    properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    (node.directory / "log4j2.properties").write_text(LOG4J)
    done = subprocess.run(
        ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", classpath, "kafka.tools.StorageTool", "format",
         "-t", "ZGV0ZWN0b3ItdGVzdHMtMQ", "-c", str(properties), *(f"--add-scram={user}" for user in users)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise BrokerError(f"StorageTool could not format {properties}: {(done.stderr or done.stdout).strip()[:1000]}")


def _free_ports(count: int) -> list[int]:
    """Ports free at this moment; all are held until the last is known, so that none is given twice."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [held.getsockname()[1] for held in sockets]
    finally:
        for held in sockets:
            held.close()
