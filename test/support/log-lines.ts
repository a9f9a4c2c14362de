import type { LogLevel } from '../../src/config/settings.ts';
import { createLogger } from '../../src/server/log.ts';

export interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A logger whose lines can be read back. */
export function createLogLines(level: LogLevel) {
  const written: string[] = [];
  return {
    log: createLogger(level, { write: (line) => written.push(line) }),
    lines: (): LogLine[] => written.map((line) => JSON.parse(line)),
  };
}
