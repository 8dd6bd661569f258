"""What the build writes into the package's metadata: the project's URLs, and README with links that lead to the
repository, at the tag of this version; an index shows README where no file is beside it.

The address is `repository` in [tool.hatch.metadata.hooks.custom] of pyproject.toml, and nowhere else.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_FENCED = re.compile(r"^(```.*?^```)$", re.DOTALL | re.MULTILINE)
_RELATIVE = r"(?!#|[a-z]+:)(?P<target>[^)\s\"#]+)"
_IMAGE = re.compile(rf"(?P<before>!\[[^\]]*\]\(|\b(?:src|srcset)=\"){_RELATIVE}")
_LINK = re.compile(rf"(?P<before>\]\(|\bhref=\"){_RELATIVE}")


class Metadata(MetadataHookInterface):
    """`urls` and `readme`, which pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Adds both.

        Raises:
            FileNotFoundError: README links to a file that is not there.
        """
        repository = self.config["repository"]
        metadata["urls"] = {
            "Homepage": repository,
            "Documentation": f"{repository}/tree/main/docs",
            "Source": repository,
            "Issues": f"{repository}/issues",
            "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        }
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_whole_links(Path(self.root), repository, f"v{metadata['version']}"),
        }


def with_whole_links(root: Path, repository: str, tag: str) -> str:
    """README, its relative links and images being addresses. Code stands as it is.

    Raises:
        FileNotFoundError: a link leads to a file that is not there.
    """

    def whole(kind: str) -> Any:
        def replaced(match: re.Match[str]) -> str:
            target = match["target"]
            if not (root / target).exists():
                raise FileNotFoundError(f"README.md links to {target}, and there is no such file")
            return f"{match['before']}{repository}/{kind}/{tag}/{target}"

        return replaced

    pieces = _FENCED.split((root / "README.md").read_text("utf-8"))
    pieces[::2] = (_LINK.sub(whole("blob"), _IMAGE.sub(whole("raw"), piece)) for piece in pieces[::2])
    return "".join(pieces)
