import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';

// Run by embedded-process.ts.

const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '' });

process.once('SIGINT', async () => {
  // What a shutdown has still to do needs the database.
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('CREATE TABLE farewell ()');
  await client.end();
  await postgres.stop();
});

console.log(postgres.url);
