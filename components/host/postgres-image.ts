/** The image whose `pg_dump` dumps tenants' Postgres, and whose server restores such dumps for a trial. */
export const postgresImage = (major: number): string => `postgres:${major}-bookworm`;
