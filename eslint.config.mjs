import ts from 'typescript';
import tseslint from 'typescript-eslint';

const CODE = ['src/**/*.ts', 'libs/**/*.ts', 'migrations/**/*.ts', 'tools/**/*.ts'];
const TESTS = ['test/**/*.ts', '**/*.spec.ts'];
const SCRIPTS = ['*.mjs', 'tools/**/*.mjs', 'test/**/*.mjs'];

/** A rule is switched off only with a reason beside it: `// eslint-disable-next-line rule -- why`. */
const house = {
  rules: {
    'disable-has-reason': {
      meta: { type: 'problem', schema: [], messages: { reason: 'Say why: `-- reason` behind the rules that are switched off.' } },
      create: (context) => ({
        Program() {
          for (const comment of context.sourceCode.getAllComments()) {
            const text = comment.value.trim();
            if (/^eslint-disable/.test(text) && !/\s--\s+\S/.test(text)) context.report({ loc: comment.loc, messageId: 'reason' });
          }
        },
      }),
    },
    /** By type, where a name says nothing. */
    'no-number-of-bigint': {
      meta: { type: 'problem', schema: [], messages: { bigint: 'This is a bigint, most likely money; as a number it would lose digits.' } },
      create: (context) => ({
        "CallExpression[callee.name='Number'][arguments.length=1]"(node) {
          const type = context.sourceCode.parserServices.getTypeAtLocation(node.arguments[0]);
          const parts = type.isUnion() ? type.types : [type];
          if (parts.some((part) => part.flags & ts.TypeFlags.BigIntLike)) context.report({ node, messageId: 'bigint' });
        },
      }),
    },
  },
};

const SETTINGS = 'Settings are read in src/config.ts only.';
const NAMED_ENV = ":matches([property.name='env'],[property.value='env'])";
const OF_PROCESS = ":matches([object.name='process'],[object.property.name='process'])";
/** Of all of src, beside what a part of it adds. */
const inSrc = [
  { selector: `MemberExpression${NAMED_ENV}${OF_PROCESS}`, message: SETTINGS },
  { selector: "VariableDeclarator[init.name='process'] > ObjectPattern > Property[key.name='env']", message: SETTINGS },
  { selector: 'ExportAllDeclaration', message: 'No barrels: who needs it imports it where it is.' },
];
const PLACED = { regex: '^\\.{1,2}/.*(?<!\\.(ts|js|mjs|json))$', message: 'Write the extension.' };
const importsInSrc = {
  paths: [
    { name: 'node:process', importNames: ['env'], message: SETTINGS },
    { name: '@nestjs/common', importNames: ['forwardRef'], message: 'No cycles: take out what both need.' },
  ],
  patterns: [PLACED],
};

const BIGINT = 'Money is bigint: no float is made, parsed, rounded or printed here.';
const AMOUNT = '/amount|balance|stake|won|face|units|moved|price|sum/i';
const AN_AMOUNT = `:matches(Identifier[name=${AMOUNT}], MemberExpression[property.name=${AMOUNT}])`;

/** What turns an amount into a float, or a float into an amount. Versions, times and counts are numbers, and stay so. */
const noFloats = [
  { selector: "CallExpression[callee.name='parseFloat'], CallExpression[callee.property.name='parseFloat']", message: BIGINT },
  { selector: `CallExpression[callee.name='Number'] > ${AN_AMOUNT}`, message: BIGINT },
  { selector: `UnaryExpression[operator='+'] > ${AN_AMOUNT}`, message: BIGINT },
  { selector: 'CallExpression[callee.property.name=/^(toFixed|toPrecision|toExponential)$/]', message: BIGINT },
  { selector: "CallExpression[callee.object.name='Math'][callee.property.name=/^(round|floor|ceil|trunc|fround|pow)$/]", message: BIGINT },
  { selector: 'Literal[raw=/^[0-9_]*[.][0-9]/]', message: BIGINT },
];

const size = (lines, ofFunction) => ({
  'max-lines': ['error', { max: lines, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ofFunction ? ['error', { max: ofFunction, skipBlankLines: true, skipComments: true, IIFEs: true }] : 'off',
});

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'var/', 'coverage/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' }, plugins: { house }, rules: { 'house/disable-has-reason': 'error' } },
  {
    files: [...CODE, ...TESTS],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...size(300, 70),
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-console': 'error',
      'no-debugger': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-param-reassign': 'error',
      'object-shorthand': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      'no-restricted-imports': ['error', { patterns: [PLACED] }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      // Plain objects of functions are taken apart freely; a class's methods are not handed out here.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // A promise is owed by a contract now and then where nothing is waited for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config.ts', ...TESTS],
    rules: { 'no-restricted-syntax': ['error', ...inSrc], 'no-restricted-imports': ['error', importsInSrc] },
  },
  {
    files: ['src/wallet/**/*.ts', 'libs/money/**/*.ts'],
    ignores: TESTS,
    rules: { 'no-restricted-syntax': ['error', ...inSrc, ...noFloats], 'house/no-number-of-bigint': 'error' },
  },
  { files: ['tools/**/*.ts', 'src/cli.ts'], rules: { 'no-console': 'off' } },
  {
    // Answers of the wire are read freely here, and a specification is as long as its story.
    files: TESTS,
    rules: {
      ...size(300, 0),
      'no-restricted-syntax': ['error', {
        selector: 'MemberExpression[object.name=/^(it|test|describe)$/][property.name=/^(only|skip|todo|failing)$/]',
        message: 'A test that does not run needs a reason beside it; one that runs alone hides the others.',
      }],
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/restrict-plus-operands': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      'no-console': 'off',
    },
  },
  {
    files: SCRIPTS,
    languageOptions: { sourceType: 'module' },
    rules: { ...size(300, 70), eqeqeq: 'error', 'no-var': 'error', 'prefer-const': 'error' },
  },
  {
    files: ['tools/setup.mjs'],
    languageOptions: { ecmaVersion: 2020 },
    rules: {
      'no-restricted-syntax': ['error', {
        selector: "LogicalExpression[operator='??'], ChainExpression",
        message: 'A Node 12 has to be able to read this file: it is told here that it is too old.',
      }],
    },
  },
);
