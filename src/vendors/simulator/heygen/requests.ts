import { z } from 'zod';
import { invalid } from './answers.ts';

/** HeyGen's API reference, new-session; the avatar goes by either name. */
export const NewBody = z.object({
  avatar_name: z.string().optional(),
  avatar_id: z.string().optional(),
  quality: z.enum(['low', 'medium', 'high']).optional(),
  activity_idle_timeout: z.int().min(30).max(3600).default(120),
});

export const SessionBody = z.object({ session_id: z.string() });

/** HeyGen's API reference, send-task. */
export const TaskBody = z.object({ session_id: z.string(), text: z.string() });

/** HeyGen's API reference, list-sessions-v2. The token of the page before is its successor's number. */
export const HistoryQuery = z.object({
  page: z.coerce.number().int().min(1).default(1),
  page_size: z.coerce.number().int().min(1).max(100).default(10),
  token: z.coerce.number().int().min(1).optional(),
});

/** @throws Refusal with the vendor's 400 */
export function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '));
}

/** @throws Refusal with the vendor's 400 */
export function parseBody<T>(schema: z.ZodType<T>, text: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text || '{}');
  } catch {
    throw invalid('not JSON');
  }
  return parse(schema, json);
}
