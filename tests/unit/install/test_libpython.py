"""Which shared library the app loads, and whether that Python can start sdcam."""

from __future__ import annotations

import pytest

from sdcam.errors import MissingError, UsageError
from sdcam.install.app_bundle import find_libpython
from sdcam.install.service_agent import check_it_starts

# `sysconfig.get_config_vars()` of common Pythons: where the library is, and the variables.
PYTHONS = {
    "python.org": (
        "Python.framework/Versions/3.12/Python",
        {"PYTHONFRAMEWORK": "Python", "PYTHONFRAMEWORKPREFIX": "{base}", "LIBDIR": "{base}/lib",
         "LDLIBRARY": "Python.framework/Versions/3.12/Python", "INSTSONAME": "x/Python"},
        "Python.framework/Versions/3.12",
    ),
    "uv on a Mac": (
        "lib/libpython3.12.dylib",
        {"PYTHONFRAMEWORK": "", "LIBDIR": "/install/lib", "LDLIBRARY": "libpython3.12.dylib"},
        "",
    ),
    "conda, its program linked statically": (
        "lib/libpython3.12.dylib",
        {"LIBDIR": "{base}/lib", "LDLIBRARY": "libpython3.12.a"},
        "",
    ),
    "pyenv --enable-shared on Linux": (
        "lib/libpython3.12.so.1.0",
        {"LIBDIR": "{base}/lib", "LDLIBRARY": "libpython3.12.so",
         "INSTSONAME": "libpython3.12.so.1.0"},
        "",
    ),
    "Debian without the developers' package": (
        "lib/x86_64-linux-gnu/libpython3.12.so.1.0",
        {"LIBDIR": "{base}/lib", "LDLIBRARY": "libpython3.12.so",
         "INSTSONAME": "libpython3.12.so.1.0", "MULTIARCH": "x86_64-linux-gnu"},
        "",
    ),
}  # fmt: skip


def variables_of(variables, base):
    return {"py_version_short": "3.12", **{k: v.format(base=base) for k, v in variables.items()}}


@pytest.mark.parametrize("name", PYTHONS)
def test_library_is_found(tmp_path, name):
    library, variables, prefix = PYTHONS[name]
    (tmp_path / library).parent.mkdir(parents=True)
    (tmp_path / library).touch()
    found = find_libpython(variables_of(variables, tmp_path), str(tmp_path / prefix))
    assert found == tmp_path / library


@pytest.mark.parametrize("name", PYTHONS)
def test_missing_library_names_pythons_that_have_one(tmp_path, name):
    _, variables, prefix = PYTHONS[name]
    with pytest.raises(MissingError, match=r"--enable-shared pyenv install 3\.12"):
        find_libpython(variables_of(variables, tmp_path), str(tmp_path / prefix))


def test_python_without_sdcam_is_refused(tmp_path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'No module named sdcam' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(UsageError, match="No module named sdcam") as refused:
        check_it_starts([program, "-m", "sdcam"])
    assert "-m pip install" in refused.value.todo
