// Which file may import which: `npm run check` looks. test/laws/boundaries.spec.ts plants a breach of each rule.

/** The parts of a feature that others may name: what it is asked, what it answers, what it tells; and where all of them count. */
const PUBLIC = '^src/([^/]+/(commands|contract|[^/]+[.](query|event))|ops/(metrics|jobs/contract))[.]ts$';
/** Queries of a feature that keeps its views in folders. */
const VIEWS_QUERY = '^src/views/[^/]+/[^/]+[.]query[.]ts$';
const ENTRY = '^src/(main|cli|conformance/cli)[.]ts$';
const SPEC = '[.]spec[.]ts$';
const PRODUCTION = '^(src|libs|migrations)/';
const MONEY_PLANE = '^src/(wallet|limits|sessions|providers)/';
const ORM_CACHE_QUEUE =
  '(^|node_modules/)(@?mikro-orm|kysely|typeorm|(@nestjs/)?cache-manager|@?keyv|ioredis|@?redis|(@nestjs/)?bullmq)(/|$)';

const rules = [
  { name: 'no-cycle', from: {}, to: { circular: true } },
  { name: 'resolvable', from: {}, to: { couldNotResolve: true } },
  {
    name: 'libs-stand-alone',
    comment: 'libs know nothing of what is built on them',
    from: { path: '^libs/', pathNot: SPEC },
    to: { path: '^(src|tools|migrations|test)/' },
  },
  {
    name: 'lib-by-its-index',
    comment: 'of a lib only its index.ts',
    from: { pathNot: '^libs/' },
    to: { path: '^libs/', pathNot: '^libs/[^/]+/index[.]ts$' },
  },
  {
    name: 'lib-by-its-index-among-libs',
    from: { path: '^libs/([^/]+)/' },
    to: { path: '^libs/', pathNot: ['^libs/[^/]+/index[.]ts$', '^libs/$1/'] },
  },
  {
    name: 'features-by-their-messages',
    comment: 'across features only commands.ts, contract.ts, *.query.ts, *.event.ts',
    from: { path: '^src/([^/]+)/', pathNot: SPEC },
    to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', PUBLIC, VIEWS_QUERY] },
  },
  { name: 'nothing-imports-the-entry', from: {}, to: { path: ENTRY } },
  {
    name: 'money-without-orm-or-cache',
    comment: 'what decides a bet is read on the primary with plain pg: no ORM, cache, Redis or queue, not at one remove either',
    from: { path: MONEY_PLANE, pathNot: SPEC },
    to: { path: ORM_CACHE_QUEUE, reachable: true },
  },
  {
    name: 'money-without-replica',
    comment: 'replicas are for views: of these it knows at most what is installed, which is plain data',
    from: { path: MONEY_PLANE, pathNot: SPEC },
    to: { path: '^src/views/(reads[.]ts|(reads|cache|feed|exports)/|.*[.](query|controller|module)[.]ts)', reachable: true },
  },
  {
    name: 'server-never-migrates',
    comment: 'migrations are run by the cli, never by the server',
    from: { path: '^src/main[.]ts$' },
    to: { path: '^migrations/(index|queue)[.]ts$', reachable: true },
  },
  {
    name: 'parts-by-their-roles',
    comment: 'a part is loaded where a role mounts it (roles.ts) and nowhere else: test/laws/roles.spec.ts looks at what that comes to',
    from: { path: '^src/', pathNot: SPEC },
    to: { path: '^src/.+/.+[.]module[.]ts$', pathNot: '^src/ops/ops[.]module[.]ts$', dynamic: false },
  },
  {
    name: 'kit-on-its-own',
    comment: 'the kit judges any wallet: of ours it knows what the providers’ side of each dialect says, by the list of what is installed',
    from: { path: '^src/conformance/', pathNot: SPEC },
    to: { path: ['^src/', '^libs/', '^migrations/', '(^|node_modules/)(@nestjs|pg|@mikro-orm)(/|$)'], pathNot: ['^src/conformance/', '^src/installed[.]ts$'] },
  },
  {
    name: 'simulators-by-what-is-installed',
    comment: 'a dialect’s simulator is a tool of providers; nothing that serves leans on one',
    from: { path: '^src/', pathNot: [SPEC, '^src/installed[.]ts$'] },
    to: { path: '^src/providers/[^/]+/simulator[.]ts$' },
  },
  {
    name: 'model-on-its-own',
    comment: 'the second model is written from the rules; what it shared with the first would be wrong in both',
    from: { path: '^test/model/', pathNot: SPEC },
    to: { path: PRODUCTION },
  },
  {
    name: 'model-spec-from-outside',
    comment: 'its specification knows the wallet by its wire only',
    from: { path: '^test/model/' },
    to: { path: '^src/wallet/' },
  },
  { name: 'production-without-tests', from: { path: PRODUCTION, pathNot: SPEC }, to: { path: '^(tools|test)/' } },
  {
    name: 'production-packages',
    comment: 'packages that are installed for development only, for one platform, or by accident',
    from: { path: PRODUCTION, pathNot: SPEC },
    to: { dependencyTypes: ['npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'nothing-left-over',
    comment: 'every file of src and libs is needed by an entry point, a tool or a test',
    from: { path: [ENTRY, '^(tools|test)/'] },
    to: { path: '^(src|libs)/', pathNot: [SPEC, ENTRY, '^src/own/'], reachable: false },
  },
];

export default {
  forbidden: rules.map((rule) => ({ severity: 'error', ...rule })),
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
