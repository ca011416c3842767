"""What the guide loads, and the policy of every page."""

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile

import pytest

from setupgen.errors import UsageError
from setupgen.maintain.guide import FOLDER, write_engine
from setupgen.maintain.offline import files_of, keep_offline
from setupgen.maintain.protect import policy, protect

INLINE = '<html><head><meta charset="utf-8"></head><body><script>let a = "</b>";</script><p style="color: red">x</p></body></html>'


def engine_of(site):
    folder = site / FOLDER.removeprefix("docs/")
    return folder, json.loads((folder / "manifest.json").read_text("utf-8"))


def test_the_manifest_names_what_is_there(site):
    folder, manifest = engine_of(site)
    for name in ("code", "pack", "form"):
        content = (folder / manifest[name]).read_bytes()
        assert hashlib.sha256(content).hexdigest()[:12] in manifest[name], "a name stands for one content"
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"):
        assert (folder / manifest["python"] / name).is_file()


def test_the_code_runs_without_anything_else(site, tmp_path):
    folder, manifest = engine_of(site)
    with zipfile.ZipFile(io.BytesIO((folder / manifest["code"]).read_bytes())) as packed:
        packed.extractall(tmp_path)
    program = (
        "import sys; sys.path[:] = [sys.argv[1]] + [path for path in sys.path if 'site-packages' not in path and path]\n"
        "from setupgen.web import Engine; engine = Engine(open(sys.argv[2]).read()); import json\n"
        "print(len(json.loads(engine.setup(json.dumps({'hardware': 'rtx-3090'})))['files']))"
    )
    command = [sys.executable, "-S", "-I", "-c", program, tmp_path, folder / manifest["pack"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 4
    assert not (tmp_path / "setupgen/cli").exists()


def test_without_pyodide_there_is_one_clear_message(tmp_path):
    with pytest.raises(UsageError, match="Pyodide is not installed"):
        write_engine(tmp_path)


def test_every_page_has_a_policy_that_allows_exactly_what_it_holds(site):
    for path in site.rglob("*.html"):
        html = path.read_text("utf-8")
        metas = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)
        assert len(metas) == 1, path
        assert html.index("Content-Security-Policy") < html.index("<script"), path
        assert html.index("charset") < 1024, path
        assert "'unsafe-inline'" not in metas[0]
        assert "'unsafe-eval'" not in metas[0]
        assert "http" not in metas[0]
        assert ("'wasm-unsafe-eval'" in metas[0]) == ("<setup-guide" in html)
        for script in re.findall(r"<script>(.*?)</script>", html, re.DOTALL):
            assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in metas[0], path


def test_a_policy_is_written_once(tmp_path):
    (tmp_path / "index.html").write_text(INLINE)
    protect(tmp_path)
    once = (tmp_path / "index.html").read_text()
    protect(tmp_path)
    assert (tmp_path / "index.html").read_text() == once
    assert once.count("Content-Security-Policy") == 1
    assert once.replace(re.search(r"<meta http-equiv.*?>\n", once)[0], "") == INLINE


def test_a_policy_names_the_digests_of_what_stands_in_the_page():
    found = policy(INLINE)
    for text in ('let a = "</b>";', "color: red"):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in found
    assert "wasm-unsafe-eval" not in found
    assert "'wasm-unsafe-eval'" in policy("<head></head><setup-guide></setup-guide>")
    assert "'none'" in re.search(r"style-src-attr ([^;]*)", policy("<head></head>"))[1]


@pytest.mark.parametrize(("html", "message"), [('<head></head><p onclick="x()">', "onclick"), ("<p>no head</p>", "no head")])
def test_what_no_policy_can_protect_is_refused(tmp_path, html, message):
    (tmp_path / "index.html").write_text(html)
    with pytest.raises(UsageError, match=message):
        protect(tmp_path)


def test_where_there_is_no_site_that_is_said(tmp_path):
    with pytest.raises(UsageError, match="no built site"):
        protect(tmp_path)


def test_what_is_kept_offline_is_all_that_the_guide_loads(site):
    files = files_of(site)
    assert "guide/" in files
    assert {path for path, digest in files.items() if not digest} == {
        path.relative_to(site).as_posix() for path in (site / FOLDER.removeprefix("docs/")).rglob("*") if path.is_file()
    } - {"assets/guide/engine/manifest.json"}
    for path, digest in files.items():
        content = (site / path / "index.html" if path.endswith("/") else site / path).read_bytes()
        assert digest in {"", f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"}
    loaded = re.findall(
        r"""(?:from|import)\s*\(?["']\./([\w.]+)["']""", "".join(path.read_text("utf-8") for path in (site / "assets/guide").glob("*.js"))
    )
    assert loaded
    assert {f"assets/guide/{name}" for name in loaded} <= set(files)
    script = (site / "offline.js").read_text("utf-8")
    assert json.dumps(files, sort_keys=True) in script
    assert keep_offline(site).read_text("utf-8") == script


def test_a_script_without_a_place_for_the_list_is_told(tmp_path):
    with pytest.raises(UsageError, match="no built site"):
        keep_offline(tmp_path)
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide/index.html").write_text("<p>x</p>", encoding="utf-8")
    (tmp_path / "offline.js").write_text("const OTHER = 1;\n", encoding="utf-8")
    with pytest.raises(UsageError, match="const VERSION"):
        keep_offline(tmp_path)
