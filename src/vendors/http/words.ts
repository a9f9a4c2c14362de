import { z } from 'zod';

const text = z.string().optional().catch(undefined);

const Words = z.object({
  message: text,
  error: z
    .union([z.string(), z.object({ message: z.string() }).transform((error) => error.message)])
    .optional()
    .catch(undefined),
  detail: z
    .union([
      z.string(),
      z
        .array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() }))
        .transform((issues) => issues.map((issue) => `${issue.loc.join('.')}: ${issue.msg}`).join('; ')),
    ])
    .optional()
    .catch(undefined),
});

/** What a refusal says in words: `message`, `error`, or `detail` as FastAPI writes it; the bare text if it is not JSON. */
export function wordsOf(json: unknown, bareText: string): string {
  if (json === undefined) return bareText;
  const words = Words.safeParse(json).data;
  return [words?.message, words?.error, words?.detail].filter(Boolean).join('; ');
}
