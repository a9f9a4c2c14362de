import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { openApiDocument } from './document.ts';

/** Relative to the REST path. */
export const OPENAPI_FILE = 'openapi.json';

/** Answers a GET or HEAD with the document. */
export type OpenApiEndpoint = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves the document, which is the same until the process ends. Caches keep it and revalidate it by its ETag. */
export function createOpenApiEndpoint(): OpenApiEndpoint {
  const text = JSON.stringify(openApiDocument());
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
  const headers = {
    etag,
    'cache-control': 'no-cache',
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  };

  return (request, response) => {
    // The CORS headers depend on the origin, also where there are none.
    const vary = { vary: 'Origin' };
    if (matches(request.headers['if-none-match'], etag)) {
      response.writeHead(304, { ...vary, etag, 'cache-control': 'no-cache' }).end();
      return;
    }
    response.writeHead(200, { ...vary, ...headers }).end(request.method === 'HEAD' ? undefined : text);
  };
}

/** Compares weakly, as RFC 9110, section 13.1.2, requires for If-None-Match. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
