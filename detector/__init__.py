"""Runtime credential-use anomaly detector. The map of the package is `README.md` beside this file."""

from typing import Final

__version__: Final = "0.1.0"
__all__ = ["__version__"]
