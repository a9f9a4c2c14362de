/** What has arrived on a stream, in order, and waiting for what has not. What never comes is the test's timeout. */
export class Inbox<Message> {
  readonly messages: Message[] = [];
  /** Ends the subscription that fills this. */
  unsubscribe: () => void = () => {};
  #end: { readonly error: unknown } | null = null;
  #news = Promise.withResolvers<void>();

  deliver(message: Message): void {
    this.messages.push(message);
    this.#announce();
  }

  /** The stream has ended, with an error if it broke. */
  end(error?: unknown): void {
    this.#end ??= { error };
    this.#announce();
  }

  /** The first message, here already or still to come, that meets the condition. Throws if the stream ends before. */
  async find(condition: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const index = this.messages.findIndex(condition);
      if (index >= 0) return this.messages[index] as Message;
      if (this.#end) throw this.#end.error ?? new Error('The stream ended');
      await this.#news.promise;
    }
  }

  /** The first so many messages. */
  async take(count: number): Promise<Message[]> {
    await this.find(() => this.messages.length >= count);
    return this.messages.slice(0, count);
  }

  /** Resolves when the stream has ended, with its error if it had one. */
  async ended(): Promise<unknown> {
    while (!this.#end) await this.#news.promise;
    return this.#end.error;
  }

  #announce(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
