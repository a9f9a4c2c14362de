import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/settings.ts';

/** Fields that are never written, at the top of an entry or up to two objects deep, such as `req.headers.authorization`. */
const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  'cookie',
  'token',
  'session_token',
  'sessionToken',
  'secret',
  'password',
  'apiKey',
  'databaseUrl',
  '["x-api-key"]',
  '["X-API-KEY"]',
  '["X-Api-Key"]',
];

/**
 * Structured logs: one JSON object per line, with a named level and an ISO 8601 time in UTC.
 *
 * @param destination Standard output unless given.
 */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: SECRET_FIELDS.flatMap((field) => [field, nested('*', field), nested('*.*', field)]),
  };
  return destination ? pino(options, destination) : pino(options);
}

/**
 * Log lines for a person at a terminal: time of day, level, message, and fields, on one line.
 *
 * @param output Standard output unless given.
 */
export async function terminalDestination(output: NodeJS.WritableStream | 1 = 1): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname',
    singleLine: true,
    // The last line is written before the process ends.
    sync: true,
    destination: output,
  });
}

function nested(parent: string, field: string): string {
  return field.startsWith('[') ? `${parent}${field}` : `${parent}.${field}`;
}
