/** One of the parties that a piece of work counts for, and what it may have of the queue. */
export interface Share {
  readonly key: string;
  /** Places at once. */
  readonly most: number;
  /** Work that waits; without it only the queue's own bound counts. */
  readonly waiting?: number;
}

export interface FairQueueLimits {
  /** Work in progress, altogether. */
  readonly places: number;
  /** Work that waits, altogether. */
  readonly waiting: number;
}

/** Gives a place back. Calling it again does nothing. */
export type Leave = () => void;

/** Calls the listener once the one who asked has gone; answers how to stop listening. */
export type Gone = (listener: () => void) => () => void;

/** There is no place, and no use in waiting longer. Nothing was begun: the same call may succeed in a moment. */
export class Crowded extends Error {
  override readonly name = 'Crowded';

  constructor(
    /** GONE: the one who asked does not wait for an answer any more. */
    readonly reason: 'FULL' | 'TOO_LONG' | 'GONE',
    /** One of the parties has as much as it may have; others are not refused. */
    readonly ofOne: boolean,
    readonly retryAfterSeconds: number,
  ) {
    super(`crowded: ${reason}`);
  }
}

interface Party {
  readonly key: string;
  busy: number;
  waiting: number;
  /** When it got a place last, by the count of all turns; for a new party, when it came. */
  turn: number;
}

interface Asking {
  readonly shares: readonly Share[];
  readonly parties: readonly Party[];
  readonly milliseconds: number;
  readonly gone: Gone | undefined;
}

interface Waiting extends Pick<Asking, 'shares' | 'parties'> {
  readonly admit: () => void;
}

const retryAfterSeconds = 2;

/**
 * Gives out a bounded number of places. Work counts for several parties, listed from the widest to the narrowest, and none
 * of them has more places than its share. The next place goes to the party that has the fewest; among equals to the one whose
 * last turn is the longest ago; within a party to the work that came first. So a party with a thousand requests and one with
 * a single request wait for each other's turns alike.
 *
 * A caller that holds a place may not ask this queue for a second one.
 */
export class FairQueue {
  private readonly parties = new Map<string, Party>();
  private waiting: Waiting[] = [];
  private busy = 0;
  private turns = 0;

  constructor(private readonly limits: FairQueueLimits) {}

  /**
   * Resolves when there is a place, with what gives it back.
   *
   * @param milliseconds how long it waits at most
   * @throws Crowded where too much waits, it has waited for too long, or the one who asked has gone
   */
  enter(shares: readonly Share[], milliseconds: number, gone?: Gone): Promise<Leave> {
    const parties = shares.map(({ key }) => this.partyOf(key));
    if (this.hasRoom(shares, parties)) return Promise.resolve(this.take(parties));
    const ofOne = parties.some(({ waiting }, index) => waiting >= (shares[index]!.waiting ?? Number.POSITIVE_INFINITY));
    if (ofOne || this.waiting.length >= this.limits.waiting) {
      this.forget(parties);
      return Promise.reject(new Crowded('FULL', ofOne, retryAfterSeconds));
    }
    return new Promise((resolve, reject) => this.wait({ shares, parties, milliseconds, gone }, resolve, reject));
  }

  /** What is in progress and what waits; of one party where it is named. */
  state(key?: string): { readonly busy: number; readonly waiting: number } {
    if (key === undefined) return { busy: this.busy, waiting: this.waiting.length };
    const { busy = 0, waiting = 0 } = this.parties.get(key) ?? {};
    return { busy, waiting };
  }

  private wait(
    { shares, parties, milliseconds, gone }: Asking,
    resolve: (leave: Leave) => void,
    reject: (error: Crowded) => void,
  ): void {
    let unlisten: (() => void) | undefined;
    const end = () => {
      clearTimeout(timer);
      unlisten?.();
      for (const party of parties) party.waiting -= 1;
    };
    const waiting: Waiting = {
      ...{ shares, parties },
      admit: () => {
        end();
        resolve(this.take(parties));
      },
    };
    const giveUp = (reason: 'TOO_LONG' | 'GONE') => {
      const place = this.waiting.indexOf(waiting);
      if (place === -1) return;
      this.waiting.splice(place, 1);
      end();
      const ofOne = this.busy < this.limits.places;
      this.forget(parties);
      reject(new Crowded(reason, ofOne, retryAfterSeconds));
    };
    for (const party of parties) party.waiting += 1;
    this.waiting.push(waiting);
    const timer = setTimeout(giveUp, milliseconds, 'TOO_LONG');
    unlisten = gone?.(() => giveUp('GONE'));
  }

  private partyOf(key: string): Party {
    let party = this.parties.get(key);
    if (!party) {
      // Not before those that wait already: parties that come and go must not pass them again and again.
      party = { key, busy: 0, waiting: 0, turn: this.turns };
      this.parties.set(key, party);
    }
    return party;
  }

  private forget(parties: readonly Party[]): void {
    for (const { key, busy, waiting } of parties) if (busy === 0 && waiting === 0) this.parties.delete(key);
  }

  private hasRoom(shares: readonly Share[], parties: readonly Party[]): boolean {
    return this.busy < this.limits.places && parties.every(({ busy }, index) => busy < shares[index]!.most);
  }

  private take(parties: readonly Party[]): Leave {
    this.busy += 1;
    this.turns += 1;
    for (const party of parties) {
      party.busy += 1;
      party.turn = this.turns;
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.busy -= 1;
      for (const party of parties) party.busy -= 1;
      this.admitNext();
      this.forget(parties);
    };
  }

  private admitNext(): void {
    for (let next = this.next(); next !== undefined; next = this.next()) {
      const [waiting] = this.waiting.splice(next, 1);
      waiting!.admit();
    }
  }

  /** Where the one stands whose turn it is. */
  private next(): number | undefined {
    let best: number | undefined;
    for (const [place, { shares, parties }] of this.waiting.entries()) {
      if (!this.hasRoom(shares, parties)) continue;
      if (best === undefined || goesBefore(parties, this.waiting[best]!.parties)) best = place;
    }
    return best;
  }
}

/** Whether the first has had less, looked at from the widest party to the narrowest. Equals keep their order. */
function goesBefore(first: readonly Party[], second: readonly Party[]): boolean {
  for (const [level, one] of first.entries()) {
    const other = second[level];
    if (!other) return false;
    if (one.busy !== other.busy) return one.busy < other.busy;
    if (one.turn !== other.turn) return one.turn < other.turn;
  }
  return false;
}
