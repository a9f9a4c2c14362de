import { z } from 'zod';
import type { Dialect } from '../http/dialect.ts';
import { classify } from './classify.ts';

/** What wraps every answer. Absent fields are tolerated: the documentation and the live service differ. */
const Envelope = z.object({
  code: z.number().nullish(),
  data: z.unknown().optional(),
});

/** Success in the envelope: the specification says 100, the vendor's SDK insists on 1000. */
const SUCCESS_CODES = [100, 1000];

export const LIVEAVATAR: Dialect = {
  vendor: 'LiveAvatar',
  open(json) {
    const envelope = Envelope.safeParse(json).data;
    const code = envelope?.code ?? null;
    const data = envelope?.data ?? null;
    if (data !== null) return { code, refused: false, data };
    if (code === null) return null;
    // Stop and keep-alive may have nothing to say; there the code tells a bare success from a refusal sent as 200.
    return { code, refused: !SUCCESS_CODES.includes(code), data };
  },
  classify,
};
