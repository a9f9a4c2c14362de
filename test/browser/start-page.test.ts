import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { openBrowser } from '../support/chromium.ts';
import { sendRequest } from '../support/raw-http.ts';
import { startTestService, type TestService } from '../support/service.ts';

const CHROMIUM_ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ METRICS: 'on' });
});
afterAll(() => service[Symbol.asyncDispose]());

describe('the start page', () => {
  test.each([
    [CHROMIUM_ACCEPT, 'text/html; charset=utf-8'],
    ['text/html', 'text/html; charset=utf-8'],
    ['text/html;q=0.9, application/json;q=0.8', 'text/html; charset=utf-8'],
    ['application/json', 'application/json'],
    ['application/json, text/html', 'application/json'],
    ['text/html;q=0.5, application/json', 'application/json'],
    ['text/html;q=0', 'application/json'],
    ['*/*', 'application/json'],
    [null, 'application/json'],
    ['text/html;q=garbage', 'application/json'],
  ])('answers Accept: %s with %s', async (accept, type) => {
    const { status, headers } = await sendRequest(service, 'GET', '/', { Accept: accept });
    expect({ status, type: headers.get('content-type'), vary: headers.get('vary') }).toEqual({
      status: 200,
      type,
      vary: 'accept',
    });
  });

  it('gives a program the addresses', async () => {
    expect(JSON.parse((await sendRequest(service, 'GET', '/')).body)).toEqual({
      name: 'Avatar Quota',
      graphql: '/graphql',
      graphiql: '/graphql',
      rest: '/api/v1/',
      openapi: '/api/v1/openapi.json',
      sdk: '/liveavatar/',
      health: '/healthz',
      readiness: '/readyz',
      metrics: '/metrics',
    });
  });

  it('answers HEAD without a body, and no other method', async () => {
    expect(await sendRequest(service, 'HEAD', '/')).toMatchObject({ status: 200, body: '' });
    const { status, body } = await sendRequest(service, 'POST', '/', {}, '{}');
    expect(status).toBe(404);
    expect(body).toContain(JSON.stringify({ message: 'Not found. The GraphQL endpoint is `/graphql`.' }));
  });

  it('says so where GraphiQL is off', async () => {
    await using plain = await startTestService({ GRAPHIQL: 'off' });
    const { body } = await sendRequest(plain, 'GET', '/', { Accept: 'text/html' });
    expect(body).toContain('GRAPHIQL=on');
    expect(body).not.toContain('href="/graphql"');
    expect(body).not.toContain('/metrics');
    expect(JSON.parse((await sendRequest(plain, 'GET', '/')).body)).toMatchObject({ graphiql: null, metrics: null });
  });

  it('allows nothing but its own style and icon', async () => {
    const { headers, body } = await sendRequest(service, 'GET', '/', { Accept: 'text/html' });
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(body).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  });

  it('opens in a browser without a complaint, and leads to GraphiQL', async (context) => {
    await using browser = await openBrowser(context);
    const page = await browser.context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('request', (request) => requests.push(request.url()));
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.goto(service.url);
      await page.getByRole('heading', { name: 'Avatar Quota' }).waitFor();
    }
    expect(complaints).toEqual([]);
    expect(new Set(requests.filter((url) => !url.startsWith('data:')))).toEqual(new Set([`${service.url}/`]));
    await page.getByRole('link', { name: 'Open GraphiQL' }).click();
    await page.waitForURL(`${service.url}/graphql**`);
  });
});
