import { builder } from '../builder.ts';

/** What every refusal has in common. */
export interface Refusal {
  readonly message: string;
  readonly code: string;
}

/** A refusal is an answer, not an exception. */
export const ErrorInterface = builder.interfaceRef<Refusal>('Error').implement({
  description: 'A refusal, as an answer. Show the message, decide by the code.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'A sentence for the user, which says what to do next.' }),
    code: t.exposeString('code', { description: 'A stable word for programs, such as `QUOTA_EXCEEDED`.' }),
  }),
});

export const SessionFallback = builder.enumType('SessionFallback', {
  description: 'What to show in place of a streaming avatar.',
  values: { STATIC_AVATAR: { description: 'A picture of the avatar: it costs nothing.' } },
});
