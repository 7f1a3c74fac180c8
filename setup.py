"""What pyproject.toml cannot say yet but as an experiment: the part in C. Where there is no compiler it is left out."""

from pathlib import Path

from setuptools import Extension, setup

_FOLDER = Path("cncbops/native")

setup(
    ext_modules=[
        Extension(
            "cncbops.native.hot",
            sources=sorted(map(str, _FOLDER.glob("*.c"))),
            depends=sorted(map(str, _FOLDER.glob("*.h"))),
            extra_compile_args=["-O3", "-fvisibility=hidden"],
            optional=True,
        )
    ]
)
