/** Limits on what a tenant's schema may be; far above Open WebUI's 43 tables of at most 23 columns. */
export const MAX_TABLES = 1000;
export const MAX_COLUMNS = 500;

/**
 * The longest row the agent sends, in canonical bytes. The largest chat seen in the field is 36 MB; a reader holds a
 * row three times and has 220 MB.
 */
export const MAX_ROW_BYTES = 64 * 1024 * 1024;

/** The longest payload of a frame either side takes: a row that is longer than a batch has a frame of its own. */
export const MAX_FRAME_BYTES = MAX_ROW_BYTES;
