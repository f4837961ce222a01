// `npm start` and `npm run tollgate` come through here: build what changed, then run it in this very process,
// so that Ctrl-C reaches the gateway itself and not a shell in between.
import { build } from './build.mjs';

process.setSourceMapsEnabled(true);
await build();
await import('../../dist/src/main.js');
