"""The demo's key in memory signs for the bundled recording in its throwaway folder, and for nothing else."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.workflows.demo import scene as stage
from tests.support.demo_recording import rendered
from tests.support.syntax import modules
from tests.support.world import world


def test_the_bundled_recording_is_what_driving_the_service_gives():
    bundled = Path(stage.__file__).with_name("recording.har").read_bytes()
    assert rendered() == bundled


def test_another_recording_is_not_signed_for(tmp_path):
    with stage.scene(world(tmp_path)) as scene:
        path = scene.project / "recording.har"
        path.write_bytes(path.read_bytes().replace(b"Kettle", b"Kittel"))
        stage.compile_(scene)
        with pytest.raises(CaskError) as caught:
            stage.approve(scene)
        assert caught.value.code == "CASK-D001"
        assert not scene.pack.lock.exists()
        assert not scene.pack.trust_root(1).exists()


def test_a_project_outside_the_throwaway_folder_is_not_signed_for(tmp_path):
    with stage.scene(world(tmp_path)) as scene:
        stage.compile_(scene)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "recording.har").write_bytes((scene.project / "recording.har").read_bytes())
        with pytest.raises(CaskError) as caught:
            stage.approve(replace(scene, world=replace(scene.world, cwd=elsewhere)))
        assert caught.value.code == "CASK-D001"


def test_the_throwaway_folders_are_gone_and_the_users_are_untouched(tmp_path):
    with stage.scene(world(tmp_path)) as scene:
        stage.compile_(scene)
        assert stage.approve(scene) > 1
        folder = scene.folder
        assert folder.exists()
    assert not folder.exists()
    assert list(tmp_path.rglob("*")) == []


def test_only_the_demo_signs_without_a_person():
    """`sign_present` asks nobody; `sign_statement` and `sign_root` make the signature. Whoever else calls them needs a reason here."""
    callers = {
        name: sorted(module.path for module in modules() if re.search(rf"\b{name}\(", module.text))
        for name in ("sign_present", "sign_statement", "sign_root")
    }
    assert callers == {
        "sign_present": ["workflows/approve.py", "workflows/demo/scene.py"],
        "sign_statement": ["govern/sign.py", "workflows/approve.py", "workflows/block.py", "workflows/demo/scene.py"],
        "sign_root": ["govern/sign.py", "workflows/amend.py", "workflows/trust.py"],
    }
