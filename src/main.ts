import 'reflect-metadata';
import { runCommandLine } from './cli/command-line';

runCommandLine(process.argv).catch((error: unknown) => {
  const { name, message, stack } = error as Error;
  // What an operator can mend says so itself; anything else shows where it came from.
  const known = ['ConfigError', 'DatabaseSetupError', 'EmbeddedPostgresError'].includes(name);
  process.stderr.write(`\n${known ? message : (stack ?? message)}\n`);
  process.exitCode = 1;
});
