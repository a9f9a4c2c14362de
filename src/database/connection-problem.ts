import { messageOf } from '../domain/message-of.ts';
/** Who connects to what. Without the password, which no sentence shows. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** Of a server that is still starting, or whose name or network is not there yet. */
const NOT_YET = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  '57P03',
]);

/** What pg says, without a code, of a server that is silent or hangs up: a proxy does so while nothing is behind it. */
const NO_ANSWER = /^timeout expired$|connection terminated/i;

/** A short reason why the server cannot be connected to yet, or null if waiting for it is useless. */
export function reasonToWait(error: unknown): string | null {
  const code = codeOf(error);
  if (code !== undefined && NOT_YET.has(code)) return code;
  return NO_ANSWER.test(messageOf(error)) ? messageOf(error) : null;
}

/**
 * What is wrong with `DATABASE_URL` or its server, and what to do about it, for the operator. Null for an error that has
 * nothing to do with either, such as a mistake in a migration.
 */
export function explainConnection(error: unknown, { host, port, user, database }: DatabaseAddress): string | null {
  const server = `PostgreSQL at ${host}:${port}`;
  const message = messageOf(error);
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return `${server} refuses connections. Start it, or correct the host and port in DATABASE_URL.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host ${host} is unknown. Correct it in DATABASE_URL, or check this machine's DNS.`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
    case 'ECONNRESET':
      return `${server} does not answer. Check the host and port in DATABASE_URL, and firewalls on the way.`;
    case '57P03':
      return `${server} is not ready (${message}). Check its log, or start again when it accepts connections.`;
    case '53300':
      return `${server} has no free connection (${message}). Close others, or raise its max_connections.`;
    case '28P01':
      return `${server} refuses the password of role "${user}". Correct the user and password in DATABASE_URL.`;
    case '28000':
      if (/no pg_hba\.conf entry.*no encryption/.test(message)) {
        return `${server} may require TLS (${message}). Add sslmode=verify-full to DATABASE_URL, or allow this connection in pg_hba.conf.`;
      }
      return `${server} refuses role "${user}" (${message}). Correct the user in DATABASE_URL, or allow it on the server.`;
    case '3D000':
      return `${server} has no database "${database}". Create it (createdb ${database}), or correct the name in DATABASE_URL.`;
    case '42501':
      return `Role "${user}" lacks a permission in database "${database}" (${message}). Make it the owner of the database, or set DATABASE_URL to a role that is.`;
    case '25006':
      return `Database "${database}" at ${host}:${port} is read-only (${message}). Set DATABASE_URL to the primary server.`;
  }
  if (NO_ANSWER.test(message)) {
    return `${server} does not answer. Check the host and port in DATABASE_URL, and firewalls on the way.`;
  }
  if (/client password must be/.test(message)) {
    return `${server} requires a password for role "${user}". Add it to DATABASE_URL: postgresql://user:password@host:port/database.`;
  }
  if (/does not support SSL/.test(message)) {
    return `${server} does not support TLS. Remove sslmode from DATABASE_URL, or enable TLS on the server.`;
  }
  if (/certificate|altnames/i.test(message)) {
    return `The TLS certificate of ${server} was not accepted (${message}). Add sslrootcert=/path/to/ca.pem to DATABASE_URL, and use the host name in the certificate.`;
  }
  return null;
}

/** The code of the error, or of what caused it: a migration that failed says its name around it. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : codeOf(error.cause);
}
