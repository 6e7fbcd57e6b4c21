"""Where the results go: looked at before anything is measured, for every command."""
import os
import pathlib
import sys


def require(arguments):
    """Refuses now what minutes of measuring would end in."""
    files = [getattr(arguments, name, None) for name in ("markdown", "json")]
    folders = [pathlib.Path(file).resolve().parent for file in files if isinstance(file, str) and file]
    plots = getattr(arguments, "plots", None)
    for folder in folders + ([pathlib.Path(plots)] if plots else []):
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            sys.exit(f"bench: cannot write into {folder}: no such folder, or no permission")
