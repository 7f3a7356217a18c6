/** Limits on what a tenant's schema may be; far above Open WebUI's 43 tables of at most 23 columns. */
export const MAX_TABLES = 1000;
export const MAX_COLUMNS = 500;

/** The longest row the agent sends, in canonical bytes; the largest chat seen in the field is 36 MB. */
export const MAX_ROW_BYTES = 100 * 1024 * 1024;

/** The longest payload of a frame either side takes: one row of {@link MAX_ROW_BYTES} always fits. */
export const MAX_FRAME_BYTES = 128 * 1024 * 1024;
