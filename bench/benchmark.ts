import type pg from 'pg';

/** What was measured, the figure, and what it is to be compared with. */
export type Row = readonly [what: string, figure: string, note: string];

export type Benchmark = (database: { readonly pool: pg.Pool; readonly url: string }) => Promise<readonly Row[]>;

/** Carries out `count` calls, so many at a time; returns calls per second. */
export async function callsPerSecond(
  count: number,
  atATime: number,
  call: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      while (next < count) await call(next++);
    }),
  );
  return count / ((performance.now() - start) / 1000);
}

export function perSecond(figure: number): string {
  return `${Math.round(figure).toLocaleString('en')}/s`;
}

export function ratio(figure: number, floor: number): string {
  return `${(figure / floor).toFixed(1)} ×`;
}
