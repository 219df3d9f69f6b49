"""The packages of the wheel: it carries runners and configs inside `aa`, one beside the other."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[
        *find_namespace_packages(include=["aa", "aa.*", "hydra_plugins.*"]),
        *("aa.runners", "aa.conf"),
        *(f"aa.conf.{group}" for group in find_namespace_packages("conf")),
    ],
    package_dir={"aa.runners": "runners", "aa.conf": "conf"},
    package_data={
        "": ["*.yaml"],
        "aa": ["py.typed"],
        "aa.app": ["templates/*.html", "static/*.css", "static/*.js", "static/*.svg"],
    },
)
