import type { VendorFailureKind } from '../../domain/errors.ts';
import { wordsOf } from './words.ts';

/** What wraps a vendor's answers, opened. */
export interface Opened {
  /** The envelope's code, if it has one. */
  readonly code: number | null;
  /** A refusal, although the HTTP status may say otherwise. */
  readonly refused: boolean;
  /** What the answer carries. */
  readonly data: unknown;
}

/** An answer that is not what was asked for. */
export interface Refusal {
  readonly status: number;
  /** From the envelope, if there was one. */
  readonly code: number | null;
  /** What the answer says in words. */
  readonly text: string;
}

/** How a vendor wraps its answers and words its refusals. */
export interface Dialect {
  /** At the beginning of every failure's message, for operators. */
  readonly vendor: string;
  /** Null if this is no answer of the vendor, but of something in between. */
  open(json: unknown): Opened | null;
  classify(refusal: Refusal): VendorFailureKind;
}

export type Reading =
  | { readonly ok: true; readonly data: unknown }
  /** `what` begins with a verb, for the operator. */
  | { readonly ok: false; readonly kind: VendorFailureKind; readonly what: string };

/** What an answer means: judged by its status and by what the envelope says. */
export function readAnswer(dialect: Dialect, { ok, status }: Pick<Response, 'ok' | 'status'>, text: string): Reading {
  const json = parseJson(text);
  const opened = dialect.open(json);
  if (!ok || opened?.refused) {
    const words = wordsOf(json, text);
    const kind = dialect.classify({ status, code: opened?.code ?? null, text: words });
    return { ok: false, kind, what: `answered ${status}: ${words}` };
  }
  if (!opened) return { ok: false, kind: 'unavailable', what: `answered ${status} without an envelope` };
  return { ok: true, data: opened.data };
}

/** Undefined for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
