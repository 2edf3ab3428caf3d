"""The Dockerfile and the Kubernetes manifest: what they start is there, and nobody has more rights than they need."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
import yaml

ROOT = Path(__file__).parents[1]


def instructions():
    """(instruction, rest) of every instruction of the Dockerfile."""
    text = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in lines.splitlines() if line.strip()]


def manifest():
    return list(yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text("utf-8")))


def of_kind(kind):
    (found,) = [one for one in manifest() if one["kind"] == kind]
    return found


def container():
    (found,) = of_kind("Deployment")["spec"]["template"]["spec"]["containers"]
    return found


def parsed(arguments):
    """Options of `serve`, read by the command line itself."""
    from tunewright.cli import app

    verb = typer.main.get_command(app).commands["serve"]
    return verb.make_context("serve", list(arguments)).params


def entrypoint():
    return json.loads(dict(instructions())["ENTRYPOINT"])


def routes():
    text = (ROOT / "src/tunewright/serving/http/app.py").read_text("utf-8")
    return set(re.findall(r'"(/[\w/]*)"', text))


def test_the_image_starts_the_server_as_nobody_in_particular():
    found = dict(instructions())
    assert found["USER"].split(":")[0].isdigit() and int(found["USER"]) > 0
    assert entrypoint()[:2] == ["tunewright", "serve"]
    options = parsed(entrypoint()[2:])
    assert (
        options["host"] == "0.0.0.0"
        and options["token_env"] == "SERVE_TOKEN"
        and options["bundles"] == ["model=/bundle"]
    )
    assert str(options["port"]) == found["EXPOSE"]
    assert found["STOPSIGNAL"] == "SIGTERM"  # it drains
    assert all(":" in rest.split()[0] for name, rest in instructions() if name == "FROM")  # no `latest` by accident
    users = [name for name, _ in instructions()]
    assert users.index("USER") > max(place for place, name in enumerate(users) if name == "RUN")


def test_the_image_asks_for_health_where_there_is_an_answer():
    (path,) = re.findall(r"http://127\.0\.0\.1:8000(/[\w/]+)", dict(instructions())["HEALTHCHECK"])
    assert path in routes()


def test_what_is_copied_is_there():
    for name, rest in instructions():
        if name == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source


def test_the_arguments_of_the_pod_are_options_of_serve():
    options = parsed([*entrypoint()[2:], *container()["args"]])
    assert options["limit_ms"] == 1000 and options["watch"] == 10


def test_a_pod_gets_the_time_to_drain():
    spec = of_kind("Deployment")["spec"]["template"]["spec"]
    before = int(container()["lifecycle"]["preStop"]["exec"]["command"][1])
    drain = parsed([*entrypoint()[2:], *container()["args"]])["drain"]
    assert spec["terminationGracePeriodSeconds"] > before + drain


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_probes_ask_paths_that_answer_without_a_token(probe):
    from tunewright.serving.http.gate import PROBES

    asked = container()[probe]["httpGet"]
    assert asked["path"] in PROBES & routes()
    assert asked["port"] in [port["name"] for port in container()["ports"]]
    assert (probe == "livenessProbe") == asked["path"].endswith("live")  # a busy server is not a dead one


def test_ports_names_and_labels_meet():
    deployment, service, budget = of_kind("Deployment"), of_kind("Service"), of_kind("PodDisruptionBudget")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= labels.items()
    assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
    (port,) = container()["ports"]
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    assert port["containerPort"] == parsed(entrypoint()[2:])["port"]
    notes = deployment["spec"]["template"]["metadata"]["annotations"]
    assert notes["prometheus.io/path"] in routes() and notes["prometheus.io/port"] == str(port["containerPort"])
    assert budget["spec"]["minAvailable"] < deployment["spec"]["replicas"]


def test_the_pod_may_no_more_than_it_must():
    spec = of_kind("Deployment")["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert str(spec["securityContext"]["runAsUser"]) == dict(instructions())["USER"]
    own = container()["securityContext"]
    assert own["readOnlyRootFilesystem"] and own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert set(container()["resources"]) == {"requests", "limits"}
    assert "memory" in container()["resources"]["limits"]


def test_volumes_are_mounted_where_the_server_looks():
    spec = of_kind("Deployment")["spec"]["template"]["spec"]
    volumes = {one["name"] for one in spec["volumes"]}
    mounts = {one["mountPath"]: one for one in container()["volumeMounts"]}
    assert {one["name"] for one in mounts.values()} == volumes
    assert mounts["/bundle"]["readOnly"] is True
    # The root file system is read-only: what is written goes to /tmp.
    home = re.search(r"TUNEWRIGHT_HOME=(\S+)", dict(instructions())["ENV"])[1]
    assert any(home.startswith(f"{path}/") for path in mounts)


def test_the_token_is_a_secret():
    environment = {one["name"]: one for one in container()["env"]}
    token = environment[parsed(entrypoint()[2:])["token_env"]]
    assert "value" not in token and token["valueFrom"]["secretKeyRef"]["key"] == "token"
