import { expect, it } from 'vitest';
import { post, startTestService } from '../support/service.ts';

it('smoke', async () => {
  await using service = await startTestService();
  const token = await service.token('ann');
  expect(await post(service, token, '{ quota { usedMinutes limitMinutes } }')).toEqual({
    status: 200,
    body: { data: { quota: { usedMinutes: 0, limitMinutes: 60 } } },
  });
});
