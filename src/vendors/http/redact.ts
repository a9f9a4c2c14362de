/** JSON in base64: JWTs, and tokens that are one piece of it. */
const TOKEN = /eyJ[\w+/-]{4,}(\.[\w-]*)*=*/g;
const LONGEST = 300;

/**
 * One short line for operators without the API key and without session tokens.
 *
 * Vendors and HTTP libraries quote what they were sent; a failure's message ends in logs.
 */
export function redact(text: string, apiKey: string): string {
  const withoutKey = apiKey === '' ? text : text.replaceAll(apiKey, '[api key]');
  return withoutKey.replace(TOKEN, '[token]').replace(/\s+/g, ' ').trim().slice(0, LONGEST);
}
