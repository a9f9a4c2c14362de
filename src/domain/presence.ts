/** Which sessions have a client that is seen to be there, without its sending anything. */
export interface Presence {
  /**
   * As long as it is watched, heartbeats are noted for the session. A session that is unknown, not started or over is
   * left alone. Returns the function that ends it; the session is treated as last seen then.
   */
  watch(userId: string, avatarSessionId: string): () => void;
}
