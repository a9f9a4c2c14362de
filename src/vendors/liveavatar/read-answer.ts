import type { VendorFailureKind } from '../../domain/errors.ts';
import { Envelope } from './answers.ts';
import { classify, wordsOf } from './classify.ts';

/** Success in the envelope: the specification says 100, the vendor's SDK insists on 1000. */
const SUCCESS_CODES = [100, 1000];

export type Reading =
  | { readonly ok: true; readonly data: unknown }
  /** `what` begins with a verb, for the operator. */
  | { readonly ok: false; readonly kind: VendorFailureKind; readonly what: string };

/** What an answer means: judged by its status and the presence of `data`, less by its code. */
export function readAnswer({ ok, status }: Pick<Response, 'ok' | 'status'>, text: string): Reading {
  const json = parseJson(text);
  const envelope = Envelope.safeParse(json).data;
  const code = envelope?.code ?? null;
  const hasData = envelope?.data != null;
  // Stop and keep-alive may have nothing to say; there the code tells a bare success from a refusal sent as 200.
  if (!ok || (!hasData && code !== null && !SUCCESS_CODES.includes(code))) {
    const words = wordsOf(json, text);
    return { ok: false, kind: classify({ status, code, text: words }), what: `answered ${status}: ${words}` };
  }
  if (!hasData && code === null) {
    return { ok: false, kind: 'unavailable', what: `answered ${status} without an envelope` };
  }
  return { ok: true, data: envelope?.data };
}

/** Undefined for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
