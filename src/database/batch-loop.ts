interface BatchLoopOptions<Item> {
  /** Takes the next batch from those that wait; empty if none of them may travel now. `free` batches can still begin. */
  readonly take: (free: number) => readonly Item[];
  /** Carries out one batch. Never rejects. */
  readonly carryOut: (batch: readonly Item[]) => Promise<void>;
  /** How many batches may be under way at once, so that a waiting one does not hold up the next. */
  readonly maxBatches: number;
}

/**
 * Runs batches while there is something to take. Returns the function that starts it: at the end of the present turn of the
 * event loop, so that what waits then travels together.
 */
export function createBatchLoop<Item>({ take, carryOut, maxBatches }: BatchLoopOptions<Item>): () => void {
  let underWay = 0;
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      while (underWay < maxBatches) {
        const batch = take(maxBatches - underWay);
        if (batch.length === 0) return;
        void run(batch);
      }
    });
  }

  async function run(batch: readonly Item[]): Promise<void> {
    underWay++;
    await carryOut(batch);
    underWay--;
    schedule();
  }

  return schedule;
}
