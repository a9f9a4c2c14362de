import { PublicError, ServiceUnavailableError } from '../domain/errors.ts';

/** SQLSTATE classes and codes for which one row is to blame: a value that does not fit, a constraint, a lock. */
const ONE_ROW = /^(22...|23...|55P03)$/;

/**
 * SQLSTATE classes and codes of a database that takes no connection or has cut one: connection, resources, shutdown; a
 * refused login, no such database, no right to connect, one that takes no connections.
 */
const UNREACHABLE_STATE = /^(08...|53...|57P..|28...|3D000|42501|55000)$/;

/** SQLSTATE codes of a database that is reached, but does not get to an answer: time, locks, serialization. */
const BUSY_STATE = /^(57014|55P03|40001|40P01)$/;

/** Error codes of Node's sockets, and of Prisma for connections and timeouts. */
const UNREACHABLE = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['P1000', 'P1001', 'P1002', 'P1003', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2037'],
]);

/** What pg says, without a code, of a connection that broke or was not to be had in time. */
const BROKEN_CONNECTION =
  /connection terminated|connection ended|timeout exceeded when trying to connect|cannot use a pool after|not queryable|query read timeout/i;

/** Turns the failure of a database that gives no answer into a ServiceUnavailableError; leaves any other as it is. */
export function toPublicError(error: unknown): unknown {
  if (error instanceof PublicError) return error;
  return isUnavailable(error) ? new ServiceUnavailableError({ cause: error }) : error;
}

/** Whether the database cannot be reached. One that is merely busy can. */
export function isUnreachable(error: unknown): boolean {
  return someCause(
    error,
    ({ message }, codes) =>
      codes.some((code) => UNREACHABLE_STATE.test(code) || UNREACHABLE.has(code)) || BROKEN_CONNECTION.test(message),
  );
}

/** What pg says when it has waited in vain: for an answer, or for a connection. */
const SILENCE = /query read timeout|timeout exceeded when trying to connect/i;

/** Whether the database said nothing for so long that whoever asks it next would wait in vain, too. */
export function isSilent(error: unknown): boolean {
  return someCause(error, ({ message }) => SILENCE.test(message));
}

/** SQLSTATE of a server that shuts a connection down, and the codes and words of one that broke. */
const CUT_STATE = /^(57P01|ECONNRESET|EPIPE)$/;
const CUT = /connection terminated unexpectedly/i;

/** Whether a connection that stood was cut. Another one may well work: what only reads can be retried on it. */
export function isCut(error: unknown): boolean {
  return someCause(error, ({ message }, codes) => codes.some((code) => CUT_STATE.test(code)) || CUT.test(message));
}

/** SQLSTATE of a deadlock, and of a serialization failure. */
const CONFLICT = /^(40P01|40001)$/;

/** Whether the statement saved nothing because of another transaction, and can be retried. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && CONFLICT.test(code);
}

/** SQLSTATE of a lock that was not to be had in time. */
const LOCKED = '55P03';

/** Whether another transaction holds a row for longer than this one may wait. */
export function isLocked(error: unknown): boolean {
  return codeOf(error) === LOCKED;
}

/** SQLSTATE of a key that another row has. */
const TAKEN = '23505';

/** Whether another transaction has just taken what the statement would have: loaded again, it can be seen. */
export function isTaken(error: unknown): boolean {
  return codeOf(error) === TAKEN;
}

/** Whether one row of a batch may have caused the error, and the others would succeed without it. */
export function mayBeOneRow(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && ONE_ROW.test(code);
}

function isUnavailable(error: unknown): boolean {
  return (
    isUnreachable(error) ||
    someCause(
      error,
      (cause, codes) => cause instanceof ServiceUnavailableError || codes.some((code) => BUSY_STATE.test(code)),
    )
  );
}

/** Whether the test is true of the error, of one that it gathers, or of one that caused it. */
function someCause(error: unknown, test: (error: Error, codes: readonly string[]) => boolean): boolean {
  if (!(error instanceof Error)) return false;
  const codes = [codeOf(error), codeUnderPrisma(error)].filter((code) => code !== undefined);
  if (test(error, codes)) return true;
  if (error instanceof AggregateError) return error.errors.some((gathered) => someCause(gathered, test));
  return error.cause !== undefined && someCause(error.cause, test);
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The database's own code, where Prisma knows none for it and gives the error the code P2039. */
function codeUnderPrisma(error: Error): string | undefined {
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } };
  return meta?.driverAdapterError?.cause?.originalCode;
}
