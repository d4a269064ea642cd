"""Settings whose workflows are looked at, from the least to all that can be said."""

from __future__ import annotations

from typing import Any

from aimass_compiler import workflows
from aimass_compiler.pipeline.settings import Settings

COMMIT = "4be17c20" * 5
SETTINGS: dict[str, dict[str, Any]] = {
    "least": {"ci": {"github": {"compiler": {"version": "0.1.0"}}}},
    "all": {
        "environments": {"try": {}, "live": {}},
        "images": {"registry": "ghcr.io/acme/models"},
        "ci": {
            "github": {
                "compiler": {"git": "https://github.com/acme/aimass-compiler.git", "commit": COMMIT},
                "runner": "acme-linux",
                "branch": "release/next",
                "concurrency": "newest",
                "training": {
                    "schedule": "0 3 * * 1",
                    "watch": "23 * * * *",
                    "prepare": "data/get.py",
                    "where": "cluster",
                    "minutes": 300,
                    "at_once": 5,
                },
                "drift": None,
                "verify": "*/5 * * * *",
                "pages": "https://acme.github.io/models",
                "pull_requests": "app",
            }
        },
    },
    "engines": {
        "engine": "argocd",
        "repository": {"url": "https://github.com/acme/models"},
        "environments": {"try": {"applied_by": "apply"}, "live": {}},
        "ci": {"github": {"compiler": {"version": "0.1.0"}}},
    },
    "index": {
        "ci": {"github": {"compiler": {"version": "0.1.0", "index": "https://pypi.acme.example/simple"}}}
    },
    "watch": {
        "images": {"registry": "ghcr.io/acme/models"},
        "ci": {"github": {"compiler": {"version": "0.1.0"}, "training": {"watch": "23 * * * *"}}},
    },
    "pages": {
        "ci": {"github": {"compiler": {"version": "0.1.0"}, "pages": "https://acme.github.io/models"}},
    },
    "wheel": {"ci": {"github": {"compiler": {"wheel": "vendor/aimass.whl"}, "verify": None}}},
    "key": {
        "environments": {"dev": {}, "prod": {"signature": {"key": "cosign.pub"}}},
        "images": {"registry": "ghcr.io/acme/models"},
        "ci": {"github": {"compiler": {"version": "0.1.0"}}},
    },
    "identity": {
        "environments": {"prod": {"signature": {"identity": "https://github.com/a", "issuer": "https://b"}}},
        "images": {"registry": "ghcr.io/acme/models"},
        "ci": {"github": {"compiler": {"version": "0.1.0"}}},
    },
    "source": {"ci": {"github": {"compiler": {"source": "."}}}},
}


def compiled(name: str, models: int = 3) -> dict[str, bytes]:
    """The workflows of one of the SETTINGS."""
    return workflows.render(Settings.model_validate(SETTINGS[name]), models)
