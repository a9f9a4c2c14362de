import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { listen } from '../../../src/server/http.ts';

it('a port that is taken, and a host that is not here, are said in words', async () => {
  const server = createServer();
  const port = await listen(server, 0, '127.0.0.1');
  await expect(listen(createServer(), port, '127.0.0.1')).rejects.toThrow(
    `Port ${port} of 127.0.0.1 is taken: end what listens there, or set PORT to another one.`,
  );
  await expect(listen(createServer(), 0, '192.0.2.1')).rejects.toThrow(
    '192.0.2.1 is no address of this machine: set HOST to one that is, or to 0.0.0.0 for all.',
  );
  server.close();
});
