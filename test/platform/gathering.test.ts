import { Gathering, gatheringLimits, TooManyWaiting } from '../../src/platform/gathering';

const { together, statements, waiting } = gatheringLimits;

/** Statements that are answered when the test says so. */
function opened() {
  const sent: { readonly questions: readonly number[]; answer(): void; fail(error: Error): void }[] = [];
  const gathering = new Gathering<number, string>({
    ask: (questions) =>
      new Promise((resolve, reject) => {
        sent.push({ questions, answer: () => resolve(questions.map((number) => `answer ${number}`)), fail: reject });
      }),
    isOneQuestions: (error) => (error as Error).message === 'a bad question',
  });
  return { sent, gathering, sizes: () => sent.map(({ questions }) => questions.length) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

test('a question by itself is asked in the same turn', async () => {
  const { sent, gathering } = opened();
  const answer = gathering.ask(7);
  await turn();
  expect(sent).toMatchObject([{ questions: [7] }]);
  sent[0]!.answer();
  expect(await answer).toBe('answer 7');
});

test('what comes in at the same time is asked together, and each gets its own answer', async () => {
  const { sent, gathering } = opened();
  const answers = Promise.all(numbers(5).map((number) => gathering.ask(number)));
  await turn();
  expect(sent).toMatchObject([{ questions: numbers(5) }]);
  sent[0]!.answer();
  expect(await answers).toEqual(numbers(5).map((number) => `answer ${number}`));
});

test(`at most ${statements} statements of ${together} are on their way; the rest waits for them`, async () => {
  const { sent, gathering, sizes } = opened();
  const answers = Promise.all(numbers(together * statements + 10).map((number) => gathering.ask(number)));
  for (let turns = 0; turns < 10; turns += 1) await turn();
  expect(sizes()).toEqual([together, together]);
  sent[1]!.answer();
  await turn();
  await turn();
  expect(sizes()).toEqual([together, together, 10]);
  for (const { answer } of sent) answer();
  expect(await answers).toHaveLength(together * statements + 10);
});

test('beyond what may wait, a question is refused at once and the others are answered', async () => {
  const { sent, gathering } = opened();
  const taken = numbers(waiting).map((number) => gathering.ask(number));
  await expect(gathering.ask(-1)).rejects.toBeInstanceOf(TooManyWaiting);
  for (let index = 0; index * together < waiting; index += 1) {
    while (!sent[index]) await turn();
    sent[index]!.answer();
  }
  expect(await Promise.all(taken)).toHaveLength(waiting);
});

test('one bad question fails alone', async () => {
  const { sent, gathering } = opened();
  const answers = Promise.allSettled(numbers(3).map((number) => gathering.ask(number)));
  await turn();
  sent[0]!.fail(new Error('a bad question'));
  for (const index of [1, 2, 3]) {
    while (!sent[index]) await turn();
    if (index === 2) sent[index]!.fail(new Error('a bad question'));
    else sent[index]!.answer();
  }
  expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(sent).toHaveLength(4);
});

test('an outage is told to all who asked and is not asked again; the next question is', async () => {
  const { sent, gathering } = opened();
  const answers = Promise.allSettled(numbers(3).map((number) => gathering.ask(number)));
  await turn();
  sent[0]!.fail(new Error('the connection is gone'));
  expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  const next = gathering.ask(9);
  await turn();
  expect(sent).toHaveLength(2);
  sent[1]!.answer();
  expect(await next).toBe('answer 9');
});
