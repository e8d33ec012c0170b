"""What becomes of libraries in the twin; writes the table of docs/twin.md: `make twin`.

Each case is a process of its own: the library is used there first, so that it has started its
threads, and then in the twin.
"""

# ruff: noqa: E501 - a program is a line here
from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "twin.md"


@dataclass(frozen=True, slots=True)
class Case:
    """A use of a library.

    Args:
        title: what is used.
        module: what must be installed.
        setup: what the notebook has run before.
        code: what runs in the twin; its value is compared with that in the notebook.
    """

    title: str
    module: str
    setup: str
    code: str


CASES = (
    Case("numpy: OpenBLAS, threads in use", "numpy",
         "import numpy as np; a = np.ones((600, 600)); _ = a @ a", "float((a @ a).sum())"),
    Case("pandas", "pandas",
         "import pandas as pd; t = pd.DataFrame({'k': list('abca') * 500, 'v': range(2000)});"
         "_ = t.groupby('k').v.sum()", "t.groupby('k').v.sum().to_dict()"),
    Case("pyarrow: its threads in use", "pyarrow",
         "import pyarrow as pa, pyarrow.compute as pc; t = pa.table({'k': ['a', 'b'] * 50000,"
         " 'v': range(100000)}); _ = t.group_by('k').aggregate([('v', 'sum')])",
         "t.group_by('k').aggregate([('v', 'sum')]).to_pydict()"),
    Case("polars, imported only", "polars",
         "import polars as pl; t = pl.DataFrame({'v': [1, 2, 3]})",
         "t.select(pl.col('v').sum()).item()"),
    Case("polars: its threads in use", "polars",
         "import polars as pl; t = pl.DataFrame({'k': [n % 7 for n in range(9999)], 'v': range(9999)});"
         "_ = t.group_by('k').agg(pl.col('v').sum())", "t.group_by('k').agg(pl.col('v').sum()).height"),
    Case("matplotlib", "matplotlib",
         "import matplotlib; matplotlib.use('agg'); import matplotlib.pyplot as plt; plt.plot([1, 2])",
         "len(plt.gca().plot([1, 2]))"),
    Case("scikit-learn: OpenMP, threads in use", "sklearn",
         "import numpy as np; from sklearn.cluster import KMeans;"
         "x = np.random.RandomState(1).rand(3000, 5); _ = KMeans(3, random_state=1).fit(x)",
         "round(float(KMeans(3, random_state=1, n_init=1).fit(x).inertia_), 3)"),
    Case("scikit-learn: joblib, `n_jobs=2`", "sklearn",
         "import numpy as np; from sklearn.ensemble import RandomForestRegressor as R;"
         "x = np.random.RandomState(1).rand(50, 5)",
         "round(float(R(4, n_jobs=2, random_state=1).fit(x, x[:, 0]).predict(x[:1])[0]), 6)"),
    Case("sqlite3: a database in memory", "sqlite3",
         "import sqlite3; db = sqlite3.connect(':memory:'); _ = db.execute('create table t(a)')",
         "db.execute('insert into t values (5)').rowcount"),
    Case("sqlite3: an open file", "sqlite3",
         "import sqlite3, tempfile, os; db = sqlite3.connect(os.path.join(tempfile.mkdtemp(), 'x.db'));"
         "_ = db.execute('create table t(a)')", "db.execute('select count(*) from t').fetchone()"),
    Case("duckdb: an open connection", "duckdb",
         "import duckdb; db = duckdb.connect(); _ = db.sql('select sum(range) from range(9999999)').fetchall()",
         "db.sql('select 42').fetchall()"),
    Case("duckdb: `duckdb.sql`, its threads in use", "duckdb",
         "import duckdb; _ = duckdb.sql('select sum(range) from range(9999999)').fetchall()",
         "duckdb.sql('select sum(range) from range(9999999)').fetchall()"),
    Case("torch on the processor: threads in use", "torch",
         "import torch; a = torch.ones(600, 600); _ = a @ a; _ = torch.ones(10**7).sum()",
         "float((a @ a).sum() + torch.ones(10**7).sum())"),
    Case("torch on the processor: after a backward pass", "torch",
         "import torch; w = torch.ones(3, requires_grad=True); (w * w).sum().backward()",
         "w.grad = None; (w * w).sum().backward(); w.grad.tolist()"),
    Case("a pool of threads", "concurrent",
         "from concurrent.futures import ThreadPoolExecutor as T; pool = T(2); _ = pool.submit(int).result()",
         "pool.submit(int).result()"),
)  # fmt: skip

PROGRAM = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from cellmage import twin
shell = InteractiveShell.instance(colors="nocolor")
shell.run_cell(sys.argv[1], store_history=False).raise_error()
try:
    run = twin.run(sys.argv[2], seconds=60)
except twin.TwinError as error:
    print(f"refused: {error}")
else:
    value = "".join(o.data["text/plain"] for o in run.outputs if o.kind == "result")
    expected = repr(shell.run_cell(sys.argv[2], store_history=False).result)
    print("works" if "".join(value.split()) == "".join(expected.split()) else f"fails: {run.error or run.stopped or value}")
"""


def outcome(case: Case) -> str:
    """Return what becomes of a case, in a line; empty if the library is not installed."""
    if find_spec(case.module) is None:
        return ""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, case.setup, case.code],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if f"import {case.module}" in case.setup and "ImportError" in result.stdout:
        return ""
    lines = result.stdout.splitlines()
    return lines[-1] if lines else f"fails: {result.stderr.splitlines()[-1:]}"


def table_of(page: str) -> dict[str, str]:
    """Return the outcomes that the page has, by title."""
    return dict(
        re.findall(r"^\| ([^|]+?) \| ((?:works|refused|fails|not tried)[^|]*?) \|$", page, re.M)
    )


def main() -> None:
    page = PAGE.read_text()
    for case in CASES:
        found = outcome(case) or "not tried: it could not be installed"
        print(f"{case.title}: {found}", flush=True)
        old = re.compile(rf"^\| {re.escape(case.title)} \| .*$", re.M)
        page = old.sub(lambda match, case=case, found=found: f"| {case.title} | {found} |", page)
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
