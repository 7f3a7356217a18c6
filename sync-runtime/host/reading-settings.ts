/**
 * Settings that keep a hostile file from making SQLite do more than read its b-trees: no function of the schema is
 * trusted, no page is mapped into memory, cells are checked, nothing can be written.
 */
export const READING_SETTINGS = `
  PRAGMA trusted_schema = OFF;
  PRAGMA query_only = ON;
  PRAGMA mmap_size = 0;
  PRAGMA cell_size_check = ON;
  PRAGMA temp_store = MEMORY;
`;
