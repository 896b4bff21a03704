"""Programs of others, from the npm registry, as the other side of a test.

The packages are installed once, below the folder of the build; a script beside the test loads them and answers one JSON
line with one JSON line. Without node or a registry the test is skipped and says so.
"""
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

from hotline_test import BIN


def installed(packages, overrides=None):
    """Folder with node_modules. packages, overrides: {name: version}."""
    wanted = json.dumps({"private": True, "dependencies": packages, "overrides": overrides or {}}, sort_keys=True)
    store = BIN.parent / "npm"
    folder = store / hashlib.sha256(wanted.encode()).hexdigest()[:16]
    if folder.exists():
        return folder
    if not shutil.which("node") or not shutil.which("npm"):
        raise unittest.SkipTest("node and npm are not installed")
    store.mkdir(exist_ok=True)
    fresh = tempfile.mkdtemp(dir=store)
    with open(os.path.join(fresh, "package.json"), "w", encoding="utf-8") as f:
        f.write(wanted)
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", fresh],
                          capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise unittest.SkipTest(f"npm cannot install {', '.join(packages)}: is a registry reachable?")
    try:
        os.rename(fresh, folder)
    except OSError:  # another test was faster
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


class NodePeer:
    """script gets the folder of its packages as its first argument."""

    def __init__(self, script, packages, overrides=None):
        folder = installed(packages, overrides)
        self.lock = threading.Lock()
        self.process = subprocess.Popen(["node", "--no-deprecation", str(script), str(folder)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, **question):
        with self.lock:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)
