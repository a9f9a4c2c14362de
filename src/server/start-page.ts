import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { renderStartPage, STYLE } from './start-page-html.ts';

/** What this deployment serves besides `/graphql`. */
export interface Offer {
  readonly graphiql: boolean;
  readonly metrics: boolean;
  /** Where the vendor's own SDK is answered, such as `/liveavatar/`. */
  readonly sdkPrefix: string;
}

/** Answers `GET /`: a page for a browser, the same addresses as JSON for any other client. */
export type StartPage = (request: IncomingMessage, response: ServerResponse) => void;

/** The page needs its style and its icon, and nothing else may ever load or run on it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function createStartPage(offer: Offer): StartPage {
  const page = renderStartPage(offer);
  const addresses = JSON.stringify({
    name: 'Avatar Quota',
    graphql: '/graphql',
    graphiql: offer.graphiql ? '/graphql' : null,
    rest: '/api/v1/',
    openapi: '/api/v1/openapi.json',
    sdk: offer.sdkPrefix,
    health: '/healthz',
    readiness: '/readyz',
    metrics: offer.metrics ? '/metrics' : null,
  });
  return ({ headers }, response) => {
    response.setHeader('vary', 'accept');
    if (prefersHtml(headers.accept ?? '')) {
      response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
      response.setHeader('referrer-policy', 'no-referrer');
      response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
    } else {
      response.setHeader('content-type', 'application/json').end(addresses);
    }
  };
}

/** Whether HTML is named, as browsers do, and JSON is not or with a lower weight. A wildcard names neither. */
function prefersHtml(accept: string): boolean {
  const html = weightOf('text/html', accept);
  return html > 0 && html > weightOf('application/json', accept);
}

function weightOf(type: string, accept: string): number {
  for (const range of accept.toLowerCase().split(',')) {
    const [name, ...parameters] = range.split(';').map((part) => part.trim());
    if (name !== type) continue;
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    return weight === undefined ? 1 : Number(weight.slice(2)) || 0;
  }
  return 0;
}
