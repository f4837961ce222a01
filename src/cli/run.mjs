// `npm start` and `npm run tollgate` come through here: build what changed, then run it in this very process,
// so that Ctrl-C reaches the gateway itself and not a shell in between.
//
// Nothing is imported before Node's version is known to do, and nothing here is newer than Node 12: an older one would end with
// a syntax error, or deep in a package, and not say why.
const needed = [20, 19];
const found = process.versions.node.split('.').map(Number);

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  console.error(
    `Node ${needed.join('.')} or newer is needed, and this is ${process.versions.node}: install one (https://nodejs.org) and start again.`,
  );
  process.exitCode = 1;
} else {
  run();
}

function run() {
  process.setSourceMapsEnabled(true);
  import('./build.mjs')
    .then(({ build }) => build())
    .then(() => import('../../dist/src/main.js'))
    .catch((error) => {
      // What cannot be built or loaded; everything else says so itself, in main.ts.
      console.error(
        /^(ERR_)?MODULE_NOT_FOUND$/.test(error.code)
          ? `A package is missing (${String(error.message).split('\n')[0]}): run npm ci, and start again.`
          : /^E[A-Z]+$/.test(error.code)
            ? `The compiled code cannot be written (${error.message}): give this user the right to write to dist, or run npm run build as one who has it.`
            : error.stack,
      );
      process.exitCode = 1;
    });
}
