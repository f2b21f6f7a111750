-- Facts about the installation as a whole, each under its own key: for example, the fingerprint of the server's secret.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
