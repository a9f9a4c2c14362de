const JWT = /eyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g;
const LONGEST = 300;

/**
 * One short line for operators without the API key and without session tokens.
 *
 * Vendors and HTTP libraries quote what they were sent; a failure's message ends in logs.
 */
export function redact(text: string, apiKey: string): string {
  const withoutKey = apiKey === '' ? text : text.replaceAll(apiKey, '[api key]');
  return withoutKey.replace(JWT, '[token]').replace(/\s+/g, ' ').trim().slice(0, LONGEST);
}
