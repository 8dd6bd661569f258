from __future__ import annotations

collect_ignore = ["apart"]  # it needs an environment of its own: nox -f .ci/noxfile.py -s pages
