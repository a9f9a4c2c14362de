import type pg from 'pg';

/** What was measured, the figure, and what it is to be compared with. */
export type Row = readonly [what: string, figure: string, note: string];

export type Benchmark = (database: { readonly pool: pg.Pool; readonly url: string }) => Promise<readonly Row[]>;

export function perSecond(figure: number): string {
  return `${Math.round(figure).toLocaleString('en')}/s`;
}

export function ratio(figure: number, floor: number): string {
  return `${(figure / floor).toFixed(1)} ×`;
}
