import { describe, expect, it } from 'vitest';
import { type Attack, startAttack } from '../../support/attack.ts';
import { dumpDatabase } from '../../support/dump.ts';
import { TRACK_START } from '../../support/operations.ts';
import { conversation, post } from '../../support/service.ts';
import { callsTo, MINT } from '../../support/vendor-calls.ts';

const mints = ({ service }: Attack) => callsTo(service, MINT).length;

describe.concurrent('an unused token is handed out once more', () => {
  it('to twenty calls at once, of two nodes, and minted once', async () => {
    await using attack = await startAttack({ MAX_TOKENS_PER_MINUTE: '1' });
    const ann = await attack.user('ann');
    const sessionId = conversation();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ann.ask({ sessionId })));
    expect(new Set(answers.map(({ token, record }) => `${token} ${record?.id}`)).size).toBe(1);
    expect(ann.tokens.size).toBe(1);
    expect(mints(attack)).toBe(1);
    await attack.expectCovered(3600);
  });

  it('after a reload, a lost answer and in a second tab, which the token rate does not count', async () => {
    await using attack = await startAttack({ MAX_TOKENS_PER_MINUTE: '1' });
    const ann = await attack.user('ann');
    const sessionId = conversation();
    const { token } = await ann.take({ sessionId });
    for (let reload = 0; reload < 10; reload++) {
      await attack.advance(1);
      expect(await ann.ask({ sessionId })).toMatchObject({ token, maxDurationSeconds: 1800 });
    }
    expect(mints(attack)).toBe(1);
    expect(await ann.quota()).toMatchObject({ heldSeconds: 1800, openSessions: [{ status: 'RESERVED' }] });
  });

  it('but not after its session started', async () => {
    await using attack = await startAttack();
    const ann = await attack.user('ann');
    const sessionId = conversation();
    const started = await ann.take({ sessionId });
    await ann.callSdk('start', started);
    const next = await ann.take({ sessionId });
    expect(next.token).not.toBe(started.token);
    expect(await ann.record(started)).toMatchObject({ endReason: 'SUPERSEDED' });
    expect(mints(attack)).toBe(2);
    await attack.expectCovered(3600);
  });

  it('but not after it was superseded or ended', async () => {
    await using attack = await startAttack({ MAX_SESSION_SECONDS: '600' });
    const ann = await attack.user('ann');
    const sessionId = conversation();
    const superseded = await ann.take({ sessionId });
    const ended = await ann.take({ sessionId, avatarName: 'anna' });
    await ann.reportEnd(ended);
    const answers = [await ann.take({ sessionId }), await ann.take({ sessionId, avatarName: 'anna' })];
    expect(ann.tokens.size).toBe(4);
    for (const { token } of answers) expect([superseded.token, ended.token]).not.toContain(token);
    expect(await ann.quota()).toMatchObject({ heldSeconds: 4 * 600 });
    await attack.expectCovered(3600);
  });

  it('but not to another user who names the conversation', async () => {
    await using attack = await startAttack();
    const ann = await attack.user('ann');
    const eve = await attack.user('eve');
    const sessionId = conversation();
    const { token, record } = await ann.take({ sessionId });
    const others = await eve.take({ sessionId });
    expect(others.token).not.toBe(token);
    expect(others.record.id).not.toBe(record.id);
    expect(await ann.ask({ sessionId })).toMatchObject({ token });
    await attack.expectCovered(3600);
  });

  it('to the newest conversation, which alone can start it then', async () => {
    await using attack = await startAttack();
    const ann = await attack.user('ann');
    const eve = await attack.user('eve');
    const [first, second] = [conversation(), conversation()];
    const { token, record } = await ann.take({ sessionId: first });
    expect(await ann.ask({ sessionId: second })).toMatchObject({ token, record: { id: record.id, sessionId: second } });
    const { avatarSessionId } = record;
    const start = (jwt: string, sessionId: string) =>
      post(attack.service, jwt, TRACK_START, { input: { sessionId, avatarSessionId } });
    const notFound = { data: { trackStart: { code: 'SESSION_NOT_FOUND' } } };
    expect((await start(ann.jwt, first)).body).toMatchObject(notFound);
    expect((await start(eve.jwt, second)).body).toMatchObject(notFound);
    expect((await start(ann.jwt, second)).body).toMatchObject({
      data: { trackStart: { record: { status: 'ACTIVE' } } },
    });
    expect(mints(attack)).toBe(1);
  });
});

it.concurrent('no row of the database shows a token, and none keeps one whose record has ended', async () => {
  await using attack = await startAttack();
  const ann = await attack.user('ann');
  const token = await ann.take();
  const rows = async () =>
    Object.values(await dumpDatabase(attack.service.database))
      .flat()
      .join('\n');
  const [, payload = '', signature = ''] = token.token.split('.');
  const unused = await rows();
  expect(unused).toContain(token.record.avatarSessionId);
  for (const secret of [token.token, payload, signature]) expect(unused).not.toContain(secret);

  const sealed = () => attack.service.database.query('SELECT sealed_token FROM avatar_usage_records');
  expect(await sealed()).toEqual([{ sealed_token: expect.any(String) }]);
  await ann.callSdk('start', token);
  await ann.callSdk('stop', token);
  expect(await sealed()).toEqual([{ sealed_token: null }]);
});
