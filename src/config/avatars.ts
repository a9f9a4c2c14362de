import { z } from 'zod';

/** What LiveAvatar is asked for when a frontend asks for the avatar's name. */
export interface LiveAvatarIds {
  readonly avatarId: string;
  readonly voiceId: string | null;
  readonly contextId: string | null;
  readonly language: string | null;
  /** Null: the mode of LIVEAVATAR_MODE. */
  readonly mode: 'FULL' | 'LITE' | null;
  /** Ends after about a minute and costs nothing. */
  readonly sandbox: boolean;
}

const SHAPE = 'must be a JSON object such as {"anna": {"avatar_id": "<uuid>", "voice_id": "<id>", "language": "en"}}';
const KEYS = 'avatar_id, voice_id, context_id, language, mode and sandbox';

const text = z.string('must be a text that is not empty').min(1, 'must be a text that is not empty').nullish();

const avatar = z
  .strictObject(
    {
      avatar_id: z.guid('must be a UUID'),
      voice_id: text,
      context_id: text,
      language: text,
      mode: z.enum(['FULL', 'LITE'], 'must be FULL or LITE').nullish(),
      sandbox: z.boolean('must be true or false').default(false),
    },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? `may have only ${KEYS}` : 'must be an object') },
  )
  .transform(
    (ids): LiveAvatarIds => ({
      avatarId: ids.avatar_id,
      voiceId: ids.voice_id ?? null,
      contextId: ids.context_id ?? null,
      language: ids.language ?? null,
      mode: ids.mode ?? null,
      sandbox: ids.sandbox,
    }),
  );

/** The value of LIVEAVATAR_AVATARS: JSON that gives each avatar name its vendor ids. */
export const avatars: z.ZodType<ReadonlyMap<string, LiveAvatarIds>, string> = z
  .string()
  .transform((json, context) => {
    const names = parseJson(json);
    if (names !== null && typeof names === 'object' && !Array.isArray(names)) return new Map(Object.entries(names));
    context.addIssue(SHAPE);
    return z.NEVER;
  })
  .pipe(z.map(z.string().min(1, 'must not have an empty name'), avatar).min(1, 'must name at least one avatar'));

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
