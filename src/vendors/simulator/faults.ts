/** What goes wrong with calls to come. */
export interface Fault {
  /** The exact path, such as `/v1/sessions/stop`. */
  readonly path: string;
  /** @default any */
  readonly method?: string;
  /** How many calls it befalls. @default 1 */
  readonly times?: number;
  /** Answered instead of doing what was asked. @default 500 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as it is, anything else as JSON. @default an empty body */
  readonly body?: unknown;
  /** Nothing is done and nothing answered; the connection stays open. */
  readonly hang?: boolean;
  /** What was asked is done, and answered, only when this is fulfilled. */
  readonly until?: Promise<void>;
  /** What was asked is done, but the connection breaks in the middle of the answer. */
  readonly closeMidAnswer?: boolean;
}

/** Faults waiting for their call, the oldest first. */
export class Faults {
  #waiting: { fault: Fault; times: number }[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ fault, times: fault.times ?? 1 });
  }

  take(method: string, path: string): Fault | undefined {
    const found = this.#waiting.find(
      ({ fault }) => fault.path === path && (fault.method === undefined || fault.method === method),
    );
    if (!found) return undefined;
    found.times -= 1;
    this.#waiting = this.#waiting.filter(({ times }) => times > 0);
    return found.fault;
  }
}
