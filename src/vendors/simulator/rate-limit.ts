import { refuse } from './answers.ts';

const WINDOW_MS = 1000;

/** Calls per credential and endpoint in one-second windows (LiveAvatar documentation, rate limits). */
export class RateLimit {
  readonly #perSecond: number;
  readonly #counts = new Map<string, number>();
  #window = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** @throws Refusal with 429 and Retry-After for the call after the last one of this second */
  count(credential: string, endpoint: string, now: number): void {
    const window = Math.floor(now / WINDOW_MS);
    if (window !== this.#window) this.#counts.clear();
    this.#window = window;
    const key = `${endpoint} ${credential}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (count > this.#perSecond) throw refuse(429, 4029, 'Rate limit exceeded', { 'retry-after': '1' });
  }
}
