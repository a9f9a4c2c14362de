import { z } from 'zod';
import type { Dialect } from '../http/dialect.ts';
import { classify } from './classify.ts';

/**
 * The first version of the API wraps its answers in `{ code, message, data }`, the second in `{ error, data }`; some calls
 * with nothing to say answer `{ status: "success" }`.
 */
const Envelope = z.object({
  code: z.number().nullish(),
  error: z.unknown().optional(),
  data: z.unknown().optional(),
  status: z.string().nullish(),
});

const SUCCESS_CODE = 100;
const SUCCESS_STATUS = 'success';

export const HEYGEN: Dialect = {
  vendor: 'HeyGen',
  open(json) {
    const envelope = Envelope.safeParse(json).data;
    if (!envelope) return null;
    const { code = null, data, error, status } = envelope;
    if (code === null && data == null && error == null && status !== SUCCESS_STATUS) return null;
    // The whole answer, since the lists carry their paging beside their data.
    return { code, refused: error != null || (code !== null && code !== SUCCESS_CODE), data: json };
  },
  classify,
};
