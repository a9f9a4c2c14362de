import { builder } from '../builder.ts';

export const SessionFallback = builder.enumType('SessionFallback', {
  description: 'The replacement for a streaming avatar.',
  values: { STATIC_AVATAR: { description: 'A still image of the avatar, which costs nothing.' } },
});
