/** What can be connected and ended. */
export interface Connectable {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

interface Current<C> {
  readonly connection: C;
  users: number;
  isRetired: boolean;
}

/**
 * A connection that many ask over at a time, and that is replaced when one of them finds it broken. The old one is ended only when the last question on it is
 * answered: kafkajs forgets the brokers of a connection that is ended, and a question that was on its way would fail with an error that
 * nobody can tell from a fault of ours.
 */
export class Renewable<C extends Connectable> {
  readonly #make: () => C;
  #current: Current<C>;

  constructor(make: () => C) {
    this.#make = make;
    this.#current = this.#new();
  }

  /** Connects and asks. Where that fails and the failure says that the connection is broken, the next question goes over a new one. */
  async use<T>(question: (connection: C) => Promise<T>, isBroken: (error: unknown) => boolean): Promise<T> {
    const own = this.#current;
    own.users += 1;
    try {
      await own.connection.connect();
      return await question(own.connection);
    } catch (error) {
      if (!own.isRetired && isBroken(error)) {
        own.isRetired = true;
        this.#current = this.#new();
      }
      throw error;
    } finally {
      own.users -= 1;
      // Whoever is the last: nobody waits for the end of a connection that may be gone already.
      if (own.isRetired && own.users === 0) void own.connection.disconnect().catch(() => undefined);
    }
  }

  /** Ends the connection, whoever still asks over it. */
  close(): Promise<void> {
    return this.#current.connection.disconnect();
  }

  #new(): Current<C> {
    return { connection: this.#make(), users: 0, isRetired: false };
  }
}
