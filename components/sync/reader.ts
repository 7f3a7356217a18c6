import type { ReaderSpec } from "../fleet-config.ts";

/** Group whose members may connect to the fleet's database, and no more. */
export const analystGroup = "fleet_analyst";

/** Group that reads every tenant's replica. */
export const readerGroup = "fleet_reader";

/** Group that reads one tenant's replica. A tenant's id has 40 characters at most, so the name fits Postgres' 63. */
export const tenantReaderGroup = (tenant: string): string => `${readerGroup}_${tenant}`;

/** The Postgres role of a reader. No group's name begins like it. */
export const readerLogin = (reader: string): string => `reader_${reader}`;

/** Groups that a reader is a member of; what it sees follows from them. */
export const readerGroups = ({ tenants }: ReaderSpec): string[] => [
  analystGroup,
  ...(tenants === null ? [readerGroup] : tenants.map(tenantReaderGroup)),
];

/**
 * How far one reader can stand in the nodes' way. An open transaction holds up the next change of a table's shape, so
 * that an idle one ends after a minute and a statement after ten; a reader can lengthen both for its own session.
 */
export const readerLimits = {
  connectionLimit: 5,
  /** Milliseconds. */
  statementTimeout: 600_000,
  /** Milliseconds. */
  idleInTransactionSessionTimeout: 60_000,
};
