import type pg from 'pg';
import type { Comparison } from './measure.ts';

/** What was measured, the figure, and what it is to be compared with. */
export type Row = readonly [what: string, figure: string, note: string];

export type Benchmark = (database: { readonly pool: pg.Pool; readonly url: string }) => Promise<readonly Row[]>;

export function perSecond(figure: number): string {
  return `${Math.round(figure).toLocaleString('en')}/s`;
}

export function ratio(figure: number, floor: number): string {
  return `${(figure / floor).toFixed(1)} ×`;
}

/** The figure, and the note that compares it with a peer's. */
export function beside({ figure, peer, ratio }: Comparison, name: string): [figure: string, note: string] {
  return [perSecond(figure), `${ratio.toFixed(2)} × ${name} (${perSecond(peer)})`];
}
