import { expect, test } from 'vitest';
import { createLogger } from '../../src/server/log.ts';
import { DELIVERIES } from '../support/delivery.ts';
import { createToken, endSession } from '../support/operations.ts';
import { sendRequest } from '../support/raw-http.ts';
import { openSocket } from '../support/raw-socket.ts';
import { call } from '../support/rest.ts';
import { callSdk } from '../support/sdk-calls.ts';
import { startTestService } from '../support/service.ts';

test.each(DELIVERIES)(
  'with $TOKEN_DELIVERY delivery, no token of ours or of the vendor ever reaches the log',
  async (delivery) => {
    const lines: string[] = [];
    const log = createLogger('trace', { write: (line) => lines.push(line) });
    await using service = await startTestService(delivery, { log });
    const good = await service.token('ann');
    const expired = await service.token('ann', -60);
    const { token: session, record } = await createToken(service, good);

    for (const token of [good, expired, `${good}x`]) {
      const authorization = `Bearer ${token}`;
      const headers = { Authorization: authorization, 'Content-Type': 'application/json', Cookie: `token=${token}` };
      for (const body of [
        '{',
        JSON.stringify({ query: '{ quota { id } }', variables: { token } }),
        `{"query": "${token}"}`,
      ]) {
        await sendRequest(service, 'POST', '/graphql', headers, body);
        await sendRequest(service, 'POST', '/api/v1/tokens/create', headers, body);
      }
      await sendRequest(service, 'GET', `/graphql?query=%7B__typename%7D&token=${token}`, headers);
      await sendRequest(service, 'GET', `/api/v1/usage/history?cursor=${token}`, headers);
      using socket = await openSocket(service);
      socket.send({ type: 'connection_init', payload: { authorization } });
      socket.send(token);
      await socket.closed;
    }
    // The database gone, the service has something to tell.
    const avatarSessionId = record.avatarSessionId ?? 'not-started';
    await service.database.query('ALTER TABLE usage_quotas RENAME TO elsewhere');
    await expect(createToken(service, good, { avatarName: 'anna' })).rejects.toThrow(
      'Something went wrong on our side',
    );
    await expect(endSession(service, good, avatarSessionId)).rejects.toThrow('Something went wrong on our side');
    const { status, body } = await call(service, good, 'tokens/create', { session_id: 'chat', avatar_name: 'anna' });
    expect([status, body.code]).toEqual([500, 'INTERNAL_SERVER_ERROR']);
    expect(await callSdk(service, 'start', session)).toMatchObject({ status: 500, body: { code: 500, data: null } });
    await service.database.query('ALTER TABLE elsewhere RENAME TO usage_quotas');

    for (const message of ['GraphQL operation failed', 'REST call failed', 'SDK call failed']) {
      expect(lines.filter((line) => line.includes(message)).length).toBeGreaterThan(0);
    }
    for (const secret of [good, expired, session]) {
      expect(lines.filter((line) => line.includes(secret))).toEqual([]);
    }
  },
);
