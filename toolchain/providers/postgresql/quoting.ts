/** Names and values for statements that take no parameters, which all of DDL is. */

/** An identifier, whatever it holds. */
export const name = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;

/** A string constant; E'' where it holds a backslash, so that no setting changes its meaning. */
export const literal = (value: string): string => {
  const quoted = `'${value.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return value.includes("\\") ? ` E${quoted}` : quoted;
};

/** Names separated by commas. */
export const names = (identifiers: readonly string[]): string => identifiers.map(name).join(", ");
