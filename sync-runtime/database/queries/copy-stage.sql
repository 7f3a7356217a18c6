-- Fills the staging table from binary rows: _replica_odd, then the columns as define-table returned them.
COPY pg_temp.stage FROM STDIN (FORMAT binary)
