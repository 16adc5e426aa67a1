"""``chatai db health``: what PostgreSQL tells about itself, judged; one small file for each check."""

from chatai_core.health.database.survey import CostedSurvey, survey

__all__ = ["CostedSurvey", "survey"]
