import { count, name } from '../../inputs/fields.ts';
import type { builder } from '../builder.ts';

type InputFields = Parameters<NonNullable<Parameters<typeof builder.inputType>[1]['fields']>>[0];

/** The session of a heartbeat or an end, and its totals. */
export function sessionTotals(t: InputFields) {
  return {
    avatarSessionId: t.id({ required: true, description: "The vendor's ID of the session.", validate: name }),
    wordsSpoken: t.int({
      description: 'The total number of words spoken since the start. A total never decreases.',
      validate: count,
    }),
    messagesCount: t.int({
      description: 'The total number of messages exchanged since the start. A total never decreases.',
      validate: count,
    }),
  };
}
