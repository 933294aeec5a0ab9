"""What deploys Onhand: it parses, names what exists, holds no secret, and its migration command works.

There is no container engine here: images are not built and manifests not applied (deploy/README.md says so).
"""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from onhand.embedded.postgres import EmbeddedPostgres
from onhand.embedded.temporal import DYNAMIC_CONFIG, SEARCH_ATTRIBUTES
from onhand.ledger.migrations import all_migrations
from onhand.redaction import mask_text
from tests.fix_embedded import dsn_of

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def documents() -> Iterator[dict[str, Any]]:
    for path in MANIFESTS:
        yield from yaml.safe_load_all(path.read_text())


def pod_specs() -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents():
        if "template" in document["spec"]:
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def test_the_manifests_are_a_job_two_deployments_a_service_and_a_policy() -> None:
    assert [(d["apiVersion"], d["kind"], d["metadata"]["name"]) for d in documents()] == [
        ("batch/v1", "Job", "onhand-migrate"),
        ("apps/v1", "Deployment", "onhand-web"),
        ("v1", "Service", "onhand-web"),
        ("networking.k8s.io/v1", "NetworkPolicy", "onhand-web"),
        ("apps/v1", "Deployment", "onhand-worker"),
    ]


def test_selectors_choose_the_pods_of_their_deployment() -> None:
    for document in documents():
        labels = document["spec"].get("template", {}).get("metadata", {}).get("labels")
        if document["kind"] == "Deployment":
            assert document["spec"]["selector"]["matchLabels"] == labels
        if document["kind"] == "Service":
            assert document["spec"]["selector"] == document["metadata"]["labels"]


def test_containers_may_do_as_little_as_they_need() -> None:
    for name, spec in pod_specs():
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True
        (container,) = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]


def test_probes_ask_addresses_that_exist() -> None:
    (spec,) = (spec for name, spec in pod_specs() if name == "onhand-web")
    (container,) = spec["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["ports"] == [{"name": "http", "containerPort": 8600}]


def test_the_image_copies_what_exists_and_everything_commands_need() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = {name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]}
    assert copied == {"requirements.txt", "starter.py", "worker.py", "activities", "workflows", "onhand"}
    assert all((ROOT / name).exists() for name in copied)
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in allowed if line.startswith("!")} == copied
    assert lines[1] == "FROM python:3.11-slim"


def test_commands_are_the_same_everywhere() -> None:
    services = COMPOSE["services"]
    in_cluster = {name: spec["containers"][0]["command"] for name, spec in pod_specs()}
    assert services["worker"]["command"] == in_cluster["onhand-worker"] == ["python", "worker.py"]
    assert services["web"]["command"] == in_cluster["onhand-web"] == ["python", "-m", "onhand.web"]
    assert services["migrate"]["command"] == in_cluster["onhand-migrate"]


def test_nothing_is_published_to_other_hosts_without_a_login() -> None:
    assert [s for s in COMPOSE["services"].values() if "ports" in s] == [COMPOSE["services"]["web"]]
    assert COMPOSE["services"]["web"]["ports"] == ["127.0.0.1:8600:8600"]
    assert COMPOSE["services"]["web"]["env_file"] == [{"path": "web.env", "required": False}], (
        "it needs no token of a channel"
    )


@pytest.mark.parametrize(
    "path", [*MANIFESTS, DEPLOY / "compose.yaml", DEPLOY / "Dockerfile"], ids=lambda p: p.name
)
def test_no_secret_is_inside(path: Path) -> None:
    text = re.sub(r"\$\{[^}]*\}", "", path.read_text())
    assert mask_text(text.replace("onhand:@", "onhand@")) == text.replace("onhand:@", "onhand@")
    assert "kind: Secret" not in text


def test_the_readme_registers_what_workflows_set_and_tells_what_the_embedded_start_sets() -> None:
    text = (DEPLOY / "README.md").read_text()
    assert dict(re.findall(r"--name (\w+) --type (\w+)", text)) == dict(SEARCH_ATTRIBUTES)
    assert dict(re.findall(r"--dynamic-config-value ([\w.]+)=(\w+)", text)) == dict(DYNAMIC_CONFIG)


async def test_the_migration_command_migrates_and_may_be_repeated(postgres_server: EmbeddedPostgres) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_server.dsn, autocommit=True) as connection:
        await connection.execute("CREATE DATABASE deployed")
    program, *arguments = COMPOSE["services"]["migrate"]["command"]
    assert program == "onhand"
    environment = {**os.environ, "DATABASE_URL": dsn_of(postgres_server, "deployed")}
    said = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "starter.py",
            *arguments,
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        said.append(out.decode().strip())
    names = [f"applied {m.number:04d} {m.name}" for m in all_migrations()]
    assert said == ["\n".join([*names, f"{len(names)} migrations applied"]), "nothing to apply"]
