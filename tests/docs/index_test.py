"""Makes the index of this tree and looks whether everything is in it and every link leads somewhere."""
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(sys.argv[1]).resolve()
with tempfile.TemporaryDirectory() as folder:
    out = pathlib.Path(folder, "deep", "index.md")
    subprocess.run([sys.executable, "-B", root / "tools/docs_index.py", root, out], check=True, timeout=50)
    index = out.read_text()
    targets = re.findall(r"\]\(([^)]+)\)", index)
    dead = [target for target in targets if not (out.parent / target).resolve().exists()]
    linked = {(out.parent / target).resolve() for target in targets}
missing = [str(path.relative_to(root)) for pattern in ("docs/**/*.md", "include/ashlar/*/*.hpp")
           for path in root.glob(pattern) if path not in linked]
for sentence in [f"dead link {target}" for target in dead] + [f"not in the index: {path}" for path in missing]:
    print(sentence)
sys.exit(1 if dead or missing else 0)
