"""A table of pgvector's, where the server has it."""

import pytest

from chatai_core.adapters.postgres import Database


def with_vectors(database: Database) -> None:
    """Chunks (id, embedding, half) with an HNSW index; without pgvector the test is skipped."""
    if not database.value("SELECT true FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("This PostgreSQL has no pgvector.")
    database.execute("CREATE EXTENSION vector")
    database.execute('CREATE TABLE "Chunks" (id int PRIMARY KEY, embedding vector(3), half halfvec(3))')
    database.execute("""INSERT INTO "Chunks" SELECT g, ARRAY[g, 1, 2], ARRAY[g, 1, 2] FROM generate_series(1, 500) g""")
    options = "m = 8, ef_construction = 32"
    database.execute(f'CREATE INDEX chunks_hnsw ON "Chunks" USING hnsw (embedding vector_cosine_ops) WITH ({options})')
