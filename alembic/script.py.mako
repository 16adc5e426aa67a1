<%!
def uses(name, *bodies):
    return any(f"{name}." in (body or "") for body in bodies)
%>"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}
"""

% if uses("sa", upgrades, downgrades):
import sqlalchemy as sa
% endif
% if imports:
${imports}
% endif
% if uses("op", upgrades, downgrades):
from alembic import op

% endif
revision = "${up_revision}"
down_revision = ${'None' if down_revision is None else '"%s"' % down_revision}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
