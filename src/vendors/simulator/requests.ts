import { z } from 'zod';
import { invalid } from './answers.ts';

const common = {
  avatar_id: z.guid(),
  is_sandbox: z.boolean().default(false),
  max_session_duration: z.int().positive().optional(),
};

const Persona = z.object({
  voice_id: z.string().optional(),
  context_id: z.string().optional(),
  language: z.string(),
});

const Full = z
  .object({
    ...common,
    mode: z.literal('FULL'),
    avatar_persona: Persona.optional(),
    voice_agent: z.record(z.string(), z.unknown()).optional(),
  })
  .refine((body) => (body.avatar_persona === undefined) !== (body.voice_agent === undefined), {
    message: 'Exactly one of avatar_persona and voice_agent is required',
  });

/** LiveAvatar API reference, sessions/create-session-token. */
export const TokenBody = z.discriminatedUnion('mode', [Full, z.object({ ...common, mode: z.literal('LITE') })]);

/** LiveAvatar API reference, sessions/stop-session. */
export const StopBody = z.object({
  session_id: z.guid().optional(),
  reason: z
    .enum([
      'UNKNOWN',
      'USER_DISCONNECTED',
      'SERVER_ERROR',
      'IDLE_TIMEOUT',
      'NO_CREDITS',
      'USER_CLOSED',
      'AVATAR_DELETED',
      'MAX_DURATION_REACHED',
      'ZOMBIE_SESSION_REAP',
      'AGENT_HANG_UP',
      'DISPATCH_FAILED',
    ])
    .default('UNKNOWN'),
});

/** LiveAvatar API reference, sessions/keep-session-alive. */
export const KeepAliveBody = z.object({ session_id: z.guid().optional() });

/** LiveAvatar API reference, sessions/list-sessions. */
export const ListQuery = z.object({
  type: z.enum(['active', 'historic']),
  page: z.coerce.number().int().min(1).default(1),
  page_size: z.coerce.number().int().min(1).max(100).default(20),
});

/** @throws Refusal with the vendor's 422 */
export function parse<T>(schema: z.ZodType<T>, input: unknown, where: 'body' | 'query'): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map((issue) => ({
      loc: [where, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))],
      msg: issue.message,
      type: issue.code,
    })),
  );
}

/** The body as JSON; an absent one is an empty object. @throws Refusal with the vendor's 422 */
export function parseJsonBody(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw invalid([{ loc: ['body', 0], msg: 'JSON decode error', type: 'json_invalid' }]);
  }
}
