/** More questions are waiting than can be answered soon. PostgreSQL's own state for that, so that it is told alike. */
export class TooManyWaiting extends Error {
  override readonly name = 'TooManyWaiting';
  readonly code = '53300';
}

export interface GatheringParts<Question, Answer> {
  /** Answers all of them, in their order, or fails as a whole. */
  readonly ask: (questions: readonly Question[]) => Promise<readonly Answer[]>;
  /** Whether such a failure is the doing of one of the questions: then each is asked alone. */
  readonly isOneQuestions: (error: unknown) => boolean;
}

interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export const gatheringLimits = {
  /** How many are asked together: two or three ms of work for the database. */
  together: 64,
  /** Statements on their way. With one, the database would wait while its last answer is read. */
  statements: 2,
  /** Beyond this a question is refused at once rather than answered too late. */
  waiting: 2_000,
} as const;

/**
 * Asks in one statement what came in at the same time, and what came in while the last ones were on their way. A question
 * by itself waits for nothing; under load each statement carries more of them, and costs what one costs.
 */
export class Gathering<Question, Answer> {
  private readonly waiting: Waiting<Question, Answer>[] = [];
  private onTheWay = 0;
  private scheduled = false;

  constructor(private readonly parts: GatheringParts<Question, Answer>) {}

  ask(question: Question): Promise<Answer> {
    if (this.waiting.length >= gatheringLimits.waiting) return Promise.reject(new TooManyWaiting('too many questions'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ question, resolve, reject });
      this.schedule();
    });
  }

  /** After everything that has arrived by now has been read. */
  private schedule(): void {
    if (this.scheduled || this.onTheWay >= gatheringLimits.statements) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      void this.send(this.waiting.splice(0, gatheringLimits.together));
    });
  }

  private async send(some: readonly Waiting<Question, Answer>[]): Promise<void> {
    this.onTheWay += 1;
    if (this.waiting.length > 0) this.schedule();
    await this.answer(some);
    this.onTheWay -= 1;
    if (this.waiting.length > 0) this.schedule();
  }

  private async answer(some: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await this.parts.ask(some.map(({ question }) => question));
      for (const [index, { resolve }] of some.entries()) resolve(answers[index]!);
    } catch (error) {
      if (some.length > 1 && this.parts.isOneQuestions(error)) {
        for (const one of some) await this.answer([one]);
      } else {
        for (const { reject } of some) reject(error);
      }
    }
  }
}
