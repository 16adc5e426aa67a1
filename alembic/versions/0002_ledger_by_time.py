"""An index on the time of the token pool's ledger.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-24 13:00:00+00:00
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Usage of the last days is asked of all keys at once. Rows come in the order of time and stay: BRIN needs a page
    # where a B-tree would need as much as a tenth of the table, and costs an insert nothing.
    op.create_index("idx_ai_token_usage_created", "ai_token_usage", ["created_at"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_index("idx_ai_token_usage_created", table_name="ai_token_usage")
