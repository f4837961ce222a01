import 'reflect-metadata';
import { runCommandLine } from './cli/command-line';
import { startupProblem } from './cli/startup-problem';
import { secretsIn } from './config';
import { redactor } from './platform/redact';

function fail(error: unknown): void {
  const { message, stack } = (error ?? {}) as Partial<Error>;
  // What an operator can mend says so itself; anything else shows where it came from.
  const text = startupProblem(error) ?? stack ?? message ?? String(error);
  process.stderr.write(`\n${redactor(secretsIn())(text)}\n`);
  process.exitCode = 1;
}

// Node would print all that hangs on it: a driver's error has the statement's parameters.
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit();
});
runCommandLine(process.argv).catch(fail);
