"""Makes the schema that one Open WebUI release leaves behind, by running its own migrations.

    pip download --no-deps open-webui==0.12.4 && unzip -q open_webui-*.whl 'open_webui/migrations/*' -d wheel
    python3 -m venv venv && venv/bin/pip install alembic sqlalchemy "psycopg[binary]"
    venv/bin/python make-schema.py wheel sqlite:///fresh.db             > v0.12.4-fresh.sql
    venv/bin/python make-schema.py wheel sqlite:///legacy.db            > v0.12.4-legacy.sql
    venv/bin/python make-schema.py wheel postgresql://…                 > pg-columns-v0.12.4.tsv

A legacy file begins as a file of an earlier release: `sqlite3 legacy.db < v0.11.3-legacy.sql`, and the revision that the
schema's first line names goes into alembic_version. Of the application the migrations need its JSON column type alone,
which stands here in its place; its env.py, which imports every model and the configuration, is replaced as well.
"""

import importlib.util
import sys
import types
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.runtime.environment import EnvironmentContext

wheel, url = Path(sys.argv[1]), sys.argv[2]


class JSONField(sa.types.TypeDecorator):
    impl = sa.types.Text
    cache_ok = True


stub = types.ModuleType("open_webui.internal.db")
stub.JSONField = JSONField
for name in ("open_webui", "open_webui.internal", "open_webui.migrations"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["open_webui.internal"].db = stub
sys.modules["open_webui"].internal = sys.modules["open_webui.internal"]
sys.modules["open_webui.internal.db"] = stub

config = Config()
config.set_main_option("script_location", str(wheel / "open_webui/migrations"))
script = ScriptDirectory.from_config(config)
utilities = importlib.util.spec_from_file_location("open_webui.migrations.util", wheel / "open_webui/migrations/util.py")
sys.modules["open_webui.migrations.util"] = importlib.util.module_from_spec(utilities)
utilities.loader.exec_module(sys.modules["open_webui.migrations.util"])

engine = sa.create_engine(url)
output, sys.stdout = sys.stdout, sys.stderr  # migrations print what they do
with EnvironmentContext(config, script, fn=lambda revision, _: script._upgrade_revs("head", revision)) as environment:
    with engine.connect() as connection:
        environment.configure(connection=connection, target_metadata=None)
        with environment.begin_transaction():
            environment.run_migrations()
        connection.commit()

sys.stdout = output
with engine.connect() as connection:
    if engine.dialect.name == "sqlite":
        version = next(wheel.glob("open_webui-*.dist-info"), None)
        print(f"-- Open WebUI {version.name.split('-')[1].split('.dist')[0] if version else '?'}, SQLite schema, alembic head {script.get_current_head()}")
        print("-- How known: made by make-schema.py, which says how.")
        statements = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type DESC, tbl_name, name"
        for (sql,) in connection.execute(sa.text(statements)):
            print(f"\n{sql};")
    else:
        columns = """SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull,
              coalesce((SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE (d.adrelid, d.adnum) = (c.oid, a.attnum)), '')
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY c.relname, a.attnum"""
        for table, column, kind, required, default in connection.execute(sa.text(columns)):
            print(table, column, kind, "NO" if required else "YES", default, sep="\t")
