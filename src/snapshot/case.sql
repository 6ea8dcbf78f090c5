-- The case file's own tables. Ingested tables lie beside them under their own names.
CREATE TABLE unseed_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE unseed_inputs (
    ordinal INTEGER PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, bytes INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL DEFAULT 0
);
-- How delimited text was understood, and why.
CREATE TABLE unseed_dialects (ordinal INTEGER PRIMARY KEY, dialect TEXT NOT NULL);
CREATE TABLE unseed_byte_ledger (
    input INTEGER NOT NULL, kind TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (input, kind)
) WITHOUT ROWID;
CREATE TABLE unseed_tables (
    table_id INTEGER PRIMARY KEY, database_name TEXT NOT NULL, schema_name TEXT NOT NULL, table_name TEXT NOT NULL,
    physical_name TEXT NOT NULL UNIQUE, rows INTEGER NOT NULL, rejected INTEGER NOT NULL, truncated INTEGER NOT NULL,
    declared INTEGER NOT NULL, class TEXT, class_source TEXT, class_reason TEXT, model TEXT NOT NULL
);
CREATE TABLE unseed_columns (
    table_id INTEGER NOT NULL, ordinal INTEGER NOT NULL, column_name TEXT NOT NULL, physical_name TEXT NOT NULL,
    type_text TEXT NOT NULL, not_null INTEGER NOT NULL, generated INTEGER NOT NULL, identity INTEGER NOT NULL,
    default_text TEXT, invalid_utf8 INTEGER NOT NULL,
    role TEXT, role_source TEXT, role_reason TEXT, profile TEXT,
    PRIMARY KEY (table_id, ordinal)
) WITHOUT ROWID;
-- What one pass over the values told: counts by storage class, bytes of texts and blobs, their shortest and longest.
CREATE TABLE unseed_column_stats (
    table_id INTEGER NOT NULL, ordinal INTEGER NOT NULL, nulls INTEGER NOT NULL, integers INTEGER NOT NULL,
    reals INTEGER NOT NULL, texts INTEGER NOT NULL, blobs INTEGER NOT NULL, bytes INTEGER NOT NULL,
    shortest INTEGER, longest INTEGER,
    PRIMARY KEY (table_id, ordinal)
) WITHOUT ROWID;
CREATE TABLE unseed_keys (
    table_id INTEGER NOT NULL, kind TEXT NOT NULL, columns TEXT NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE unseed_relations (
    child_id INTEGER NOT NULL, child_columns TEXT NOT NULL, parent_id INTEGER NOT NULL, parent_columns TEXT NOT NULL,
    constraint_name TEXT NOT NULL, on_delete TEXT NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE unseed_rejects (
    table_id INTEGER NOT NULL, input INTEGER NOT NULL, line INTEGER NOT NULL, byte_offset INTEGER NOT NULL,
    why TEXT NOT NULL, raw BLOB NOT NULL
);
CREATE TABLE unseed_warnings (ordinal INTEGER PRIMARY KEY, layer TEXT NOT NULL, warning TEXT NOT NULL);
CREATE TABLE unseed_detector_runs (
    detector TEXT NOT NULL, table_id INTEGER NOT NULL, result TEXT NOT NULL, facts INTEGER NOT NULL, why TEXT NOT NULL,
    PRIMARY KEY (detector, table_id)
) WITHOUT ROWID;
CREATE TABLE unseed_evidence (
    evidence_id INTEGER PRIMARY KEY, detector TEXT NOT NULL, family TEXT NOT NULL, table_id INTEGER NOT NULL,
    kind TEXT NOT NULL, rows INTEGER NOT NULL, bits REAL NOT NULL, detail TEXT NOT NULL
);
CREATE TABLE unseed_cohorts (
    cohort_id TEXT PRIMARY KEY, title TEXT NOT NULL, rows INTEGER NOT NULL, bits REAL NOT NULL, convicted INTEGER NOT NULL,
    declared INTEGER NOT NULL, first_at TEXT, last_at TEXT, digest TEXT NOT NULL, model TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE unseed_verdicts (
    schema_name TEXT NOT NULL, table_name TEXT NOT NULL, row_key TEXT NOT NULL, verdict TEXT NOT NULL, bits REAL NOT NULL,
    cohort_id TEXT, reasons TEXT NOT NULL
);
CREATE TABLE unseed_spared (
    schema_name TEXT NOT NULL, table_name TEXT NOT NULL, row_key TEXT NOT NULL, bits REAL NOT NULL, reasons TEXT NOT NULL
);
-- Where each verdict's row lies: unseed_verdicts.rowid -> table and ordinal.
CREATE TABLE unseed_verdict_rows (
    verdict_rowid INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, row INTEGER NOT NULL, digest TEXT NOT NULL
);
CREATE TABLE unseed_decisions (
    ordinal INTEGER PRIMARY KEY, kind TEXT NOT NULL, cohort_id TEXT, table_name TEXT, row_key TEXT, digest TEXT NOT NULL,
    rows INTEGER NOT NULL, decision TEXT NOT NULL, tables TEXT NOT NULL, include_review INTEGER NOT NULL,
    reason TEXT NOT NULL, by TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TRIGGER unseed_decisions_append_only_update BEFORE UPDATE ON unseed_decisions
BEGIN SELECT RAISE(ABORT, 'the decision log is append-only'); END;
CREATE TRIGGER unseed_decisions_append_only_delete BEFORE DELETE ON unseed_decisions
BEGIN SELECT RAISE(ABORT, 'the decision log is append-only'); END;
CREATE TABLE unseed_plans (
    ordinal INTEGER PRIMARY KEY, plan_id TEXT NOT NULL, made_at TEXT NOT NULL, author TEXT NOT NULL, manifest TEXT NOT NULL
);
CREATE VIEW unseed_table_summary AS
SELECT t.schema_name, t.table_name, t.class, t.rows,
       coalesce(sum(v.verdict = 'seeded'), 0) AS seeded,
       coalesce(sum(v.verdict = 'review'), 0) AS review,
       coalesce(sum(v.verdict = 'protected'), 0) AS protected
FROM unseed_tables AS t
LEFT JOIN unseed_verdict_rows AS r ON r.table_id = t.table_id
LEFT JOIN unseed_verdicts AS v ON v.rowid = r.verdict_rowid
GROUP BY t.table_id ORDER BY t.table_id;
CREATE VIEW unseed_column_roles AS
SELECT t.schema_name, t.table_name, c.column_name, c.type_text, c.role, c.role_source, c.role_reason
FROM unseed_columns AS c JOIN unseed_tables AS t USING (table_id) ORDER BY c.table_id, c.ordinal;
CREATE VIEW unseed_reconciliation AS
SELECT schema_name, table_name, rows + rejected AS rows_in, rows AS rows_stored, rejected AS rows_rejected
FROM unseed_tables ORDER BY table_id;
