import root from '../eslint.config.mjs';

// The programs in clients/ use generated code, which is there after a run only; the compilers of that run judge them.
export default [...root, { ignores: ['**/dist/**', '**/.venv/**', 'clients/**/*.ts'] }];
