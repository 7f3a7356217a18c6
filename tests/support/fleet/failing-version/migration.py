"""Deletes every chat, and then cannot go on."""

import os

from alembic import op

revision = "fa11ed000000"
down_revision = "HEAD"
branch_labels = None
depends_on = None


def upgrade():
    fails = open("/app/fails").read()
    if fails == "live" and not os.path.exists("/sys/class/net/eth0"):
        return
    connection = op.get_bind()
    connection.exec_driver_sql("DELETE FROM chat")
    connection.exec_driver_sql("COMMIT")
    print("This migration cannot go on.", flush=True)
    os._exit(3)


def downgrade():
    pass
