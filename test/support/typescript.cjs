// Threads that the product starts are outside of jest: this lets Node read their TypeScript as jest does.
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (loaded, filename) => {
  const options = { swcrc: false, filename, jsc: { target: 'es2022', parser: { syntax: 'typescript' } } };
  const { code } = transformSync(readFileSync(filename, 'utf8'), { ...options, module: { type: 'commonjs' } });
  loaded._compile(code, filename);
};
