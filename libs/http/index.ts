export { openCursor, sealCursor, type CursorPosition } from './cursor.ts';
export { JsonNumber, parseExactJson, rawNumber } from './exact-json.ts';
export { NotJson, parseJson } from './json.ts';
export { callId, problem, PROBLEM_TYPE, ProblemError, type FieldError, type Meaning, type Problem } from './problem.ts';
export { Buckets, rateLimitHeaders, type BucketsOptions, type Rate, type Taken } from './token-bucket.ts';
